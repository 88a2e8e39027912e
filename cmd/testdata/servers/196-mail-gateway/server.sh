postconf -e 'append_dot_mydomain = yes' 'best_mx_transport = local' 'mydestination = localhost, $myhostname' \
  'relay_domains = hash:/etc/postfix/domains' 'transport_maps = hash:/etc/postfix/transport' 'relay_transport = smtp:[exchange.corp.example]:25' \
  'default_transport = smtp:smtp.isp.example:25' 'content_filter = scan:127.0.0.1:10024' 'smtp_tls_security_level = may' \
  'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' \
  'smtp_tls_session_cache_database = btree:/var/lib/postfix/smtp_tls_session_cache' 'default_destination_concurrency_limit = 40' \
  'lmtp_destination_concurrency_limit = 20' 'relay_destination_concurrency_limit = 20' 'smtp_destination_concurrency_limit = 20'
echo 'customer.example OK' > /etc/postfix/domains
echo 'partner.example smtp:[mx.partner.example]:25' > /etc/postfix/transport
echo 'partner.example may' > /etc/postfix/tls_policy
postmap hash:/etc/postfix/domains hash:/etc/postfix/transport hash:/etc/postfix/tls_policy
postconf -F '*/unix/chroot = n'
cat >> /etc/postfix/master.cf <<'C'
scan unix - - n - 4 lmtp
  -o lmtp_send_xforward_command=yes
  -o lmtp_connection_cache_on_demand=no
  -o disable_dns_lookups=yes
127.0.0.1:10025 inet n - n - - smtpd
  -o content_filter=
  -o local_recipient_maps=
  -o relay_recipient_maps=
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks=127.0.0.0/8
  -o smtpd_tls_security_level=none
C
