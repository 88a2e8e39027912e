cat > /usr/local/bin/to-forum <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/to-forum
postconf -e 'relay_domains = reply.example.org' 'mydestination =' 'transport_maps = hash:/etc/postfix/transport' 'smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination'
echo 'reply.example.org forum:' > /etc/postfix/transport; postmap hash:/etc/postfix/transport
echo 'forum unix - n n - - pipe user=nobody:nogroup argv=/usr/local/bin/to-forum ${recipient}' >> /etc/postfix/master.cf
