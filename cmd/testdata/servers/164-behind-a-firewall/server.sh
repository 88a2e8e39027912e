postconf -e 'relayhost = [gateway.example.com]' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
example.com relay:
.example.com relay:
T
postmap hash:/etc/postfix/transport
