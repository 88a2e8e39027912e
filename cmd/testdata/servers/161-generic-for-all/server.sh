postconf -e 'smtp_generic_maps = hash:/etc/postfix/generic'
cat > /etc/postfix/generic <<'T'
root@srv.example.org me@example.org
@srv.example.org me@example.org
T
postmap hash:/etc/postfix/generic
