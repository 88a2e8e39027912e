postconf -e 'relay_domains = domain.example' 'mynetworks = 127.0.0.0/8, 192.0.2.220' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
domain.example smtp:[192.0.2.220]:25
T
postmap hash:/etc/postfix/transport
