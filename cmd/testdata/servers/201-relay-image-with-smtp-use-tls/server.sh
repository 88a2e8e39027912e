postconf -X smtp_tls_security_level || true
postconf -e 'mydomain = example.org' 'mydestination = localhost' 'myorigin = $mydomain' 'relayhost = [smtp.example.net]:587' 'smtp_use_tls = yes' 'smtp_sasl_auth_enable = yes' \
  'smtp_sasl_password_maps = lmdb:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'always_add_missing_headers = no' 'smtp_host_lookup = native,dns' 'inet_protocols = all' \
  'header_checks = regexp:/etc/postfix/header_checks' 'mynetworks = 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16'
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
echo '/^Subject:/ WARN' > /etc/postfix/header_checks
chmod 600 /etc/postfix/sasl_passwd
postmap lmdb:/etc/postfix/sasl_passwd
