postconf -e 'transport_maps = hash:/etc/postfix/transport' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = may'
cat > /etc/postfix/transport <<'T'
gmail.com smtp:[smtp.sendgrid.net]:587
friend@gmail.com smtp:
T
postmap hash:/etc/postfix/transport
cat > /etc/postfix/sasl_passwd <<'T'
[smtp.sendgrid.net]:587 apikey:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
