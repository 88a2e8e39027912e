postconf -X smtp_tls_security_level || true
postconf -e 'relayhost = [smtp.gmail.com]:587' 'smtp_use_tls = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_CAfile = /etc/ssl/certs/thawte_Primary_Root_CA.pem' 'compatibility_level = 2'
echo '[smtp.gmail.com]:587 user@gmail.com:Gehe1mPa55-42' > /etc/postfix/sasl_passwd; postmap hash:/etc/postfix/sasl_passwd
