postconf -e 'recipient_bcc_maps = hash:/etc/postfix/recipient_bcc'
echo 'me@example.org archive@example.org' > /etc/postfix/recipient_bcc
