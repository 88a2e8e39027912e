postconf -e 'relayhost = [smtp.example.net]:587' 'smtp_use_tls = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'sender_canonical_classes = envelope_sender, header_sender' 'sender_canonical_maps = regexp:/etc/postfix/sender_canonical' 'smtp_header_checks = regexp:/etc/postfix/header_check' 'inet_interfaces = loopback-only'
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd; chmod 600 /etc/postfix/sasl_passwd; postmap hash:/etc/postfix/sasl_passwd
echo '/.+/ noreply@example.org' > /etc/postfix/sender_canonical
echo '/^From:.*/ REPLACE From: noreply@example.org' > /etc/postfix/header_check
