postconf -e 'transport_maps = regexp:/etc/postfix/custom_transport.regexp'
cat > /etc/postfix/custom_transport.regexp <<'T'
/@legacy\.example$/ smtp:[192.0.2.216]
T
