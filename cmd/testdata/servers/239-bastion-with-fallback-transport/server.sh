postconf -e 'default_transport = smtp:[smtp.example.net]:587' 'fallback_transport = smtp:[smtp.example.net]:587' 'mydestination =' 'myorigin = $myhostname' 'inet_interfaces = loopback-only' 'local_transport = error:local delivery is disabled' 'alias_maps =' 'alias_database =' 'local_recipient_maps =' 'virtual_alias_maps =' 'transport_maps =' 'sender_canonical_maps = regexp:/etc/postfix/sender_canonical' 'smtp_header_checks = regexp:/etc/postfix/smtp_header_checks' 'recipient_canonical_maps = hash:/etc/postfix/recipient_canonical' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
echo '/.*/ alerts@example.org' > /etc/postfix/sender_canonical
echo '/^From:.*/ REPLACE From: alerts@example.org' > /etc/postfix/smtp_header_checks
printf 'root@srv admin@gmail.com\nroot@srv.example.org admin@gmail.com\n' > /etc/postfix/recipient_canonical
postmap hash:/etc/postfix/recipient_canonical
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
