postconf -e 'relayhost = [smtp.resend.com]:587' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'smtp_generic_maps = hash:/etc/postfix/generic' \
  'sender_canonical_maps = regexp:/etc/postfix/hs_sender_canonical' 'sender_canonical_classes = envelope_sender' 'smtp_header_checks = regexp:/etc/postfix/hs_smtp_header_checks' \
  'smtp_reply_filter = regexp:/etc/postfix/hs_smtp_reply_filter' 'smtp_destination_rate_delay = 1s'
echo '[smtp.resend.com]:587 resend:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
printf 'root box@example.org\nwww-data box@example.org\n@srv.example.org box@example.org\n@localhost box@example.org\n' > /etc/postfix/generic
postmap hash:/etc/postfix/generic
printf '/^(.*@example\\.org)$/ ${1}\n/^.+$/ box@example.org\n' > /etc/postfix/hs_sender_canonical
printf '/^From:.*@example\\.org>?[[:space:]]*$/ DUNNO\n/^From:.*$/ REPLACE From: <box@example.org>\n' > /etc/postfix/hs_smtp_header_checks
echo '/^550([ -].*Too many requests.*)$/ 450${1}' > /etc/postfix/hs_smtp_reply_filter
