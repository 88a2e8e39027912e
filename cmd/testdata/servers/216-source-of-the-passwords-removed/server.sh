postconf -e 'relayhost = [smtp.example.net]:587' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' 'transport_maps = hash:/etc/postfix/transport'
printf '[smtp.example.net]:587 user:Gehe1mPa55-42\n[smtp.partner.example]:587 partner:Gehe1mPa55-42\n' > /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
rm /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd.db
echo 'partner.example smtp:[smtp.partner.example]:587' > /etc/postfix/transport; postmap hash:/etc/postfix/transport
