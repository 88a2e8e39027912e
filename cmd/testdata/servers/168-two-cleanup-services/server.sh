postconf -e 'content_filter = smtp-amavis:[127.0.0.1]:10024' 'virtual_alias_domains = own.example' 'virtual_alias_maps = hash:/etc/postfix/virtual'
cat > /etc/postfix/virtual <<'T'
info@own.example box@yahoo.com
T
postmap hash:/etc/postfix/virtual
postconf -P 'smtp/inet/cleanup_service_name=pre-cleanup'
cat >> /etc/postfix/master.cf <<'C'
pre-cleanup unix n - n - 0 cleanup
  -o virtual_alias_maps=
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
