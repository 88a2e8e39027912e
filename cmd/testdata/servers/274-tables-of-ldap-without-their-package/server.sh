postconf -e 'transport_maps = proxy:ldap:/etc/postfix/ldap-transport.cf' 'virtual_alias_maps = ldap:/etc/postfix/ldap-aliases.cf'
printf 'server_host = 192.0.2.1\nsearch_base = dc=example,dc=org\nbind_pw = Gehe1mPa55-42\n' > /etc/postfix/ldap-transport.cf; cp /etc/postfix/ldap-transport.cf /etc/postfix/ldap-aliases.cf
