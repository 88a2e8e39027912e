postconf -e 'default_database_type = lmdb' 'alias_maps = lmdb:/etc/postfix/aliases' 'alias_database = lmdb:/etc/postfix/aliases' 'mydestination =' 'relay_domains =' 'header_size_limit = 4096000' 'message_size_limit = 0' 'relayhost = [smtp.example.net]:587' \
  'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'smtp_tls_security_level = may' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = lmdb:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_tls_security_options = noanonymous' \
  'masquerade_domains = example.org' 'local_header_rewrite_clients = static:all' 'smtputf8_enable = yes' 'smtp_header_checks = regexp:/etc/postfix/smtp_header_checks'
: > /etc/postfix/aliases
postalias lmdb:/etc/postfix/aliases
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap lmdb:/etc/postfix/sasl_passwd
echo '/^X-Originating-IP:/ IGNORE' > /etc/postfix/smtp_header_checks
