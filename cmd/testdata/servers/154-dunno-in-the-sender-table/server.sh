postconf -e 'sender_dependent_relayhost_maps = hash:/etc/postfix/sender_relay'
cat > /etc/postfix/sender_relay <<'T'
@system.example.org DUNNO
@office.example [mail.isp.example]
T
postmap hash:/etc/postfix/sender_relay
