postconf -e 'content_filter = smtp-amavis:[127.0.0.1]:10024'
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
