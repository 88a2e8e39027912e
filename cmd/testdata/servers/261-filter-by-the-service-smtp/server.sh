postconf -e 'relay_domains = hash:/etc/postfix/vmail_domains' 'transport_maps = hash:/etc/postfix/transport_maps' 'content_filter = smtp:[127.0.0.1]:10024' 'syslog_name = postfix-in' 'smtpd_milters = inet:127.0.0.1:11332' 'non_smtpd_milters = inet:127.0.0.1:11332' 'milter_default_action = accept' 'milter_protocol = 6' 'internal_mail_filter_classes = bounce,notify' 'smtp_tls_security_level = may'
echo 'customer.example OK' > /etc/postfix/vmail_domains; echo 'customer.example smtp:[mail.customer.example]:25' > /etc/postfix/transport_maps
postmap hash:/etc/postfix/vmail_domains hash:/etc/postfix/transport_maps
cat >> /etc/postfix/master.cf <<'C'
10025 inet n - n - - smtpd
  -o content_filter=
  -o receive_override_options=no_header_body_checks
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o smtpd_helo_restrictions=
  -o smtpd_client_restrictions=
  -o smtpd_sender_restrictions=
  -o local_header_rewrite_clients=
  -o syslog_name=postfix-out
C
