postconf -e 'relayhost = [smtp.example.net]:465' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' 'smtp_tls_wrappermode = yes' 'content_filter = smtp-amavis:[127.0.0.1]:10024'
cat > /etc/postfix/sasl_passwd <<'T'
[smtp.example.net]:465 user:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
cat >> /etc/postfix/master.cf <<'C'
smtp-amavis unix - - n - 2 smtp
  -o smtp_send_xforward_command=yes
  -o smtp_tls_security_level=none
  -o disable_dns_lookups=yes
127.0.0.1:10025 inet n - n - - smtpd
  -o content_filter=
  -o smtpd_proxy_filter=
  -o smtpd_relay_restrictions=permit_mynetworks,reject
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o receive_override_options=no_header_body_checks,no_unknown_recipient_checks
  -o mynetworks=127.0.0.0/8
C
