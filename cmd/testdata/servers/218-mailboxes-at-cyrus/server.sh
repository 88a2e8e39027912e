postconf -e 'mydomain = example.org' 'mydestination = $myhostname, proxy:hash:/etc/postfix/mydestination' 'virtual_transport = lmtp:unix:private/cyrus' 'mailbox_transport = lmtp:unix:private/cyrus' 'local_recipient_maps ='
echo 'example.org OK' > /etc/postfix/mydestination; postmap hash:/etc/postfix/mydestination
