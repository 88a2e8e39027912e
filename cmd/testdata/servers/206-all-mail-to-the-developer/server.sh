postconf -e 'virtual_alias_maps = regexp:/etc/postfix/virtual-regexp'
echo '/.+@.+/ dev@example.net' > /etc/postfix/virtual-regexp
