postconf -e 'transport_maps = hash:/etc/postfix/transport randmap:{smtp:[192.0.2.223]:25}'
cat > /etc/postfix/transport <<'T'
srv.example.org :
T
postmap hash:/etc/postfix/transport
