postconf -e 'compatibility_level = 2' 'inet_interfaces = loopback-only' 'masquerade_domains = example.org' 'mydestination =' 'myorigin = example.org' 'header_checks = regexp:/etc/postfix/reply_to_header' \
  'smtp_use_tls = yes' 'recipient_canonical_maps = static:owner@gmail.com' 'sender_canonical_maps = static:pi' 'relayhost = [smtp.example.net]:587' 'smtp_sender_dependent_authentication = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd'
echo '/^From:(.*)/ PREPEND Reply-To: noreply@example.org' > /etc/postfix/reply_to_header
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
