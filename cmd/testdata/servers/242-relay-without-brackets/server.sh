postconf -e 'relayhost = smtp.example.net:587' 'smtp_use_tls = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_mechanism_filter = plain' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'smtp_tls_session_cache_database = btree:/var/lib/postfix/smtp_tls_session_cache'
echo 'smtp.example.net user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
