postconf -e 'default_transport = smtp:127.0.0.1:10027' 'recipient_canonical_maps = tcp:127.0.0.1:10002' 'recipient_canonical_classes = envelope_recipient,header_recipient' 'virtual_alias_domains = fwd.example' 'virtual_alias_maps = hash:/etc/postfix/virtual'
cat > /etc/postfix/virtual <<'T'
info@fwd.example box@gmail.com
T
postmap hash:/etc/postfix/virtual
cat >> /etc/postfix/master.cf <<'C'
cleanup-srs unix n - n - 0 cleanup
  -o sender_canonical_maps=tcp:127.0.0.1:10001
  -o sender_canonical_classes=envelope_sender
127.0.0.1:10027 inet n - n - - smtpd
  -o smtpd_milters=
  -o cleanup_service_name=cleanup-srs
  -o smtpd_tls_security_level=none
  -o content_filter=smtp:
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
C
