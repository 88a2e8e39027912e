postconf -e 'virtual_alias_maps = hash:/etc/postfix/virtual'
rm -f /etc/postfix/virtual /etc/postfix/virtual.db
