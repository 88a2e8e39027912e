postconf -e 'relay_domains = my-domain.example' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
my-domain.example smtp:[aspmx.my-domain.example]
T
postmap hash:/etc/postfix/transport
