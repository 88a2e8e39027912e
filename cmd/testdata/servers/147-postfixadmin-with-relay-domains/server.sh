postconf -e 'relay_domains = hash:/etc/postfix/relay_domains' 'relay_recipient_maps = hash:/etc/postfix/relay_recipients' 'virtual_mailbox_domains = hash:/etc/postfix/virtual_domains' 'virtual_mailbox_maps = hash:/etc/postfix/vmailbox' 'virtual_alias_maps = hash:/etc/postfix/valias' 'virtual_transport = lmtp:inet:127.0.0.1:2424' 'mynetworks = 127.0.0.0/8 10.0.0.0/8' 'myorigin = $mydomain' 'mydomain = example.org'
cat > /etc/postfix/relay_domains <<'T'
backup.example OK
T
postmap hash:/etc/postfix/relay_domains
cat > /etc/postfix/relay_recipients <<'T'
u@backup.example OK
T
postmap hash:/etc/postfix/relay_recipients
cat > /etc/postfix/virtual_domains <<'T'
own.example OK
T
postmap hash:/etc/postfix/virtual_domains
cat > /etc/postfix/vmailbox <<'T'
u@own.example own.example/u/
T
postmap hash:/etc/postfix/vmailbox
cat > /etc/postfix/valias <<'T'
info@own.example u@own.example
T
postmap hash:/etc/postfix/valias
