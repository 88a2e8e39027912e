postconf -e 'transport_maps = regexp:/etc/postfix/transport' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'
printf '/@(srv|localhost)\\.example\\.org$/ :\n/@partner\\.example$/ smtp:[mail.partner.example]\n/.*/ smtp:[smtp.example.net]:587\n' > /etc/postfix/transport
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
