postconf -e 'header_checks = regexp:/etc/postfix/header_checks' 'mydestination = own.example, localhost'
printf '/^To:.*@own.example/ DUNNO\n/^To:.*/ REDIRECT root@own.example\n' > /etc/postfix/header_checks
