postconf -e 'relay_domains = hash:/etc/postfix/relay_domains' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/relay_domains <<'T'
corp.example OK
T
postmap hash:/etc/postfix/relay_domains
cat > /etc/postfix/transport <<'T'
corp.example smtp:[192.0.2.213]:25
T
postmap hash:/etc/postfix/transport
