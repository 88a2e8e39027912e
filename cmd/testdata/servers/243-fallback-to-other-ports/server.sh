postconf -e 'mydomain = own.example' 'relayhost = [smtp.example.net]:587' 'smtp_use_tls = yes' 'smtp_fallback_relay = [smtp.example.net]:25,[smtp.example.net]:465' 'virtual_alias_domains = own.example' 'virtual_alias_maps = hash:/etc/postfix/virtual' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
echo 'jane@own.example jane@gmail.com' > /etc/postfix/virtual; postmap hash:/etc/postfix/virtual
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
