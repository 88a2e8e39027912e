postconf -e 'virtual_transport = lmtp:unix:private/dovecot-lmtp' 'virtual_mailbox_domains = hash:/etc/postfix/domains' 'virtual_mailbox_maps = static:x' 'relay_domains =' 'virtual_alias_maps = hash:/etc/postfix/valias'
cat > /etc/postfix/domains <<'T'
own.example OK
T
postmap hash:/etc/postfix/domains
cat > /etc/postfix/valias <<'T'
info@own.example u@own.example
T
postmap hash:/etc/postfix/valias
