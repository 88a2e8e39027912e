postconf -e 'transport_maps = hash:/etc/postfix/transport' 'smtp_host_lookup = dns, native'
cat > /etc/postfix/transport <<'T'
partner.example smtp:[internal-mx.partner.example]
T
postmap hash:/etc/postfix/transport
