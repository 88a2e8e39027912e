useradd -r vmail || true
cat > /usr/local/bin/deliver <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/deliver

postconf -X myorigin || true
postconf -e 'mydestination = localhost, localhost.localdomain' 'mynetworks = 127.0.0.0/8' 'virtual_alias_domains =' 'virtual_alias_maps = proxy:hash:/etc/postfix/forwardings, hash:/etc/postfix/email2email' \
  'virtual_mailbox_domains = proxy:hash:/etc/postfix/domains' 'virtual_mailbox_maps = proxy:hash:/etc/postfix/mailboxes' 'virtual_transport = dovecot' 'dovecot_destination_recipient_limit = 1' 'smtp_tls_security_level = may' 'inet_interfaces = all' \
  'proxy_read_maps = $local_recipient_maps $mydestination $virtual_alias_maps $virtual_alias_domains $virtual_mailbox_maps $virtual_mailbox_domains'
echo 'info@own.example box@outlook.com' > /etc/postfix/forwardings
: > /etc/postfix/email2email
echo 'own.example OK' > /etc/postfix/domains
echo 'u@own.example x' > /etc/postfix/mailboxes
postmap hash:/etc/postfix/forwardings hash:/etc/postfix/email2email hash:/etc/postfix/domains hash:/etc/postfix/mailboxes
cat >> /etc/postfix/master.cf <<'C'
dovecot unix - n n - - pipe
  flags=DRhu user=vmail argv=/usr/local/bin/deliver
C
