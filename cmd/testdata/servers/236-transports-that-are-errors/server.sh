postconf -e 'inet_protocols = ipv4' 'virtual_alias_domains = own.example' 'virtual_alias_maps = hash:/etc/postfix/virtual' 'transport_maps = hash:/etc/postfix/transport' \
  'sender_dependent_default_transport_maps = hash:/etc/postfix/sender_transport' 'sender_dependent_relayhost_maps = hash:/etc/postfix/sender_relay' 'header_checks = regexp:/etc/postfix/header_checks' 'recipient_delimiter = +' \
  'local_transport = error:5.3.5 how did this even happen (local)' 'virtual_transport = error:5.3.5 how did this even happen (virtual)' 'relay_transport = error:5.7.1 relay is so very disabled' \
  'lmtp_destination_recipient_limit = 1' 'always_bcc = backup@srv.example.org' 'recipient_bcc_maps = hash:/etc/postfix/jobs_bcc' 'sender_bcc_maps = hash:/etc/postfix/jobs_bcc' 'smtp_tls_security_level = may'
printf '@own.example jane\n' > /etc/postfix/virtual
printf 'jane@srv.example.org lmtp:unix:private/dovecot-lmtp\nbackup@srv.example.org lmtp:unix:private/dovecot-lmtp\n' > /etc/postfix/transport
echo '@shop.example relayservice' > /etc/postfix/sender_transport
echo '@shop.example [smtp.shop.example]:587' > /etc/postfix/sender_relay
echo 'jobs@own.example jane@srv.example.org' > /etc/postfix/jobs_bcc
echo '/./ INFO checker headers' > /etc/postfix/header_checks
echo '[smtp.shop.example]:587 shop:Gehe1mPa55-42' > /etc/postfix/relay_creds; chmod 600 /etc/postfix/relay_creds
for t in virtual transport sender_transport sender_relay jobs_bcc; do postmap hash:/etc/postfix/$t; done
cat >> /etc/postfix/master.cf <<'C'
relayservice unix - - n - - smtp
  -o smtp_sasl_auth_enable=yes
  -o smtp_sasl_security_options=noanonymous
  -o smtp_tls_security_level=secure
  -o smtp_tls_CAfile=/etc/ssl/certs/ca-certificates.crt
  -o smtp_sasl_password_maps=texthash:/etc/postfix/relay_creds
  -o smtp_tls_wrappermode=no
C
