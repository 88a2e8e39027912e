postconf -e 'sender_dependent_relayhost_maps = regexp:/etc/postfix/sender_relay' 'smtp_sender_dependent_authentication = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = may' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'
echo '/@example\.org$/ [smtp.isp.example]:587' > /etc/postfix/sender_relay
echo '[smtp.isp.example]:587 isp:Gehe1mPa55-42' > /etc/postfix/sasl_passwd; chmod 600 /etc/postfix/sasl_passwd; postmap hash:/etc/postfix/sasl_passwd
