postconf -e 'transport_maps = texthash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
example.com smtp:
* error:only mail to example.com will be delivered
T
