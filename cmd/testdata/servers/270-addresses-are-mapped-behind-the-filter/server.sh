postconf -e 'content_filter = amavis:[127.0.0.1]:10024' 'receive_override_options = no_address_mappings' 'virtual_alias_domains = own.example' 'virtual_alias_maps = hash:/etc/postfix/virtual' 'smtp_tls_security_level = may'
echo 'jane@own.example jane@gmail.com' > /etc/postfix/virtual; postmap hash:/etc/postfix/virtual
cat >> /etc/postfix/master.cf <<'C'
amavis unix - - - - 2 smtp
  -o smtp_data_done_timeout=1200
  -o smtp_send_xforward_command=yes
127.0.0.1:10025 inet n - - - - smtpd
  -o content_filter=
  -o local_recipient_maps=
  -o relay_recipient_maps=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks=127.0.0.0/8
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks
C
