postconf -e 'relayhost = [smtp.office365.com]:587' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options =' 'smtp_sasl_mechanism_filter = xoauth2' 'smtp_tls_security_level = encrypt' \
  'smtp_destination_concurrency_limit = 1' 'smtp_destination_rate_delay = 2s' 'transport_maps = hash:/etc/postfix/transport_hve, hash:/etc/postfix/transport' 'hvepipe_destination_recipient_limit = 1' 'always_bcc = all@archive.example' 'smtpd_policy_service_timeout = 10s' \
  'smtpd_end_of_data_restrictions = check_policy_service unix:private/hvesizepolicy'
echo 'archive.example hvepipe:' > /etc/postfix/transport_hve; : > /etc/postfix/transport; postmap hash:/etc/postfix/transport_hve hash:/etc/postfix/transport
echo '[smtp.office365.com]:587 u@example.org:/etc/tokens/u' > /etc/postfix/sasl_passwd; postmap hash:/etc/postfix/sasl_passwd
printf '#!/bin/sh\nexec cat > /dev/null\n' > /usr/local/bin/hve; chmod 755 /usr/local/bin/hve
echo 'hvepipe unix - n n - - pipe flags=R user=nobody argv=/usr/local/bin/hve ${sender} ${recipient}' >> /etc/postfix/master.cf
