postconf -e 'sender_dependent_relayhost_maps = hash:/etc/postfix/relayhost-map'
cat > /etc/postfix/relayhost-map <<'T'
@domain1.example [domain1.mail.protection.example]:25
T
postmap hash:/etc/postfix/relayhost-map
