postconf -e 'always_bcc = all@archive.example' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
archive.example smtp:[127.0.0.1]:2600
T
postmap hash:/etc/postfix/transport
