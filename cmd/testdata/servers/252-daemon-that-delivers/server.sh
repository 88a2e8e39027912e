postconf -e 'mydestination =' 'local_recipient_maps =' 'local_transport = error:local mail delivery is disabled' 'transport_maps = hash:/etc/postfix/transport' 'default_transport = smtp:[127.0.0.1]:10025' 'smtp_tls_security_level = may' 'inet_protocols = ipv4'
echo 'partner.example smtp:[mail.partner.example]' > /etc/postfix/transport; postmap hash:/etc/postfix/transport
