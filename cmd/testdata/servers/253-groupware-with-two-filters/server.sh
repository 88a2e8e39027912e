postconf -e 'mydestination = hash:/etc/postfix/mydestination' 'transport_maps = hash:/etc/postfix/transport' 'virtual_alias_maps = $alias_maps, hash:/etc/postfix/virtual_alias_maps' 'local_recipient_maps = hash:/etc/postfix/local_recipient_maps' 'mailbox_transport = lmtp:unix:private/cyrus' 'content_filter = smtp-amavis:[127.0.0.1]:10024' 'smtp_tls_security_level = may' 'recipient_delimiter = +'
printf 'example.org OK\nsrv.example.org OK\nlocalhost OK\n' > /etc/postfix/mydestination
echo 'shared@own.example lmtp:unix:private/cyrus' > /etc/postfix/transport
echo 'john@example.org jane@example.org' > /etc/postfix/virtual_alias_maps
printf 'jane@example.org OK\nroot OK\nroot@srv.example.org OK\n' > /etc/postfix/local_recipient_maps
for t in mydestination transport virtual_alias_maps local_recipient_maps; do postmap hash:/etc/postfix/$t; done
cat >> /etc/postfix/master.cf <<'C'
smtp-amavis unix - - n - 3 smtp
  -o smtp_data_done_timeout=1800
  -o disable_dns_lookups=yes
  -o smtp_send_xforward_command=yes
  -o max_use=20
  -o smtp_bind_address=127.0.0.1
127.0.0.1:10025 inet n - n - 100 smtpd
  -o cleanup_service_name=cleanup_internal
  -o content_filter=smtp-wallace:[127.0.0.1]:10026
  -o local_recipient_maps=
  -o relay_recipient_maps=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks=127.0.0.0/8
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8
smtp-wallace unix - - n - 3 smtp
  -o default_destination_recipient_limit=1
  -o smtp_data_done_timeout=1800
  -o disable_dns_lookups=yes
  -o smtp_send_xforward_command=yes
  -o max_use=20
127.0.0.1:10027 inet n - n - 100 smtpd
  -o cleanup_service_name=cleanup_internal
  -o content_filter=
  -o local_recipient_maps=
  -o relay_recipient_maps=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks=127.0.0.0/8
cleanup_internal unix n - n - 0 cleanup
  -o header_checks=
C
