postconf -X smtp_tls_security_level || true
postconf -e 'append_dot_mydomain = no' 'myorigin = $myhostname' 'mydestination = srv.example.org, srv, localhost.localdomain, localhost' 'smtpd_use_tls = yes' 'smtp_use_tls = yes' 'smtp_sasl_auth_enable = no' \
  'inet_interfaces = loopback-only' 'smtp_generic_maps = hash:/etc/postfix/smtp_generic' 'sender_canonical_maps = hash:/etc/postfix/sender_canonical' 'transport_maps = hash:/etc/postfix/transport'
echo 'root@srv.example.org ops@example.org' > /etc/postfix/smtp_generic
echo 'nagios monitoring@example.org' > /etc/postfix/sender_canonical
echo 'corp.example smtp:[mail.corp.example]' > /etc/postfix/transport
postmap hash:/etc/postfix/smtp_generic hash:/etc/postfix/sender_canonical hash:/etc/postfix/transport
