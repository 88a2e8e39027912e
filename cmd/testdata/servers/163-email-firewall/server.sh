postconf -e 'mydestination =' 'local_recipient_maps =' 'local_transport = error:local mail delivery is disabled' 'myorigin = inside.example' 'relay_domains = inside.example' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
inside.example smtp:[gateway.inside.example]
T
postmap hash:/etc/postfix/transport
