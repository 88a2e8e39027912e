postconf -e 'relay_domains = lists.example.org' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
lists.example.org smtp:[127.0.0.1]:2600
T
postmap hash:/etc/postfix/transport
