postconf -e 'mydestination =' 'local_transport = error:no local delivery' 'transport_maps = hash:/etc/postfix/transport' 'virtual_alias_maps = regexp:/etc/postfix/virtual' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_tls_security_level = may'
echo '* relay:[smtp.example.net]:587' > /etc/postfix/transport
echo '/^root@.*/ sysadmin@example.com' > /etc/postfix/virtual
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/transport hash:/etc/postfix/sasl_passwd
