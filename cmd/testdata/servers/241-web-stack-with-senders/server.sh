postconf -e 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/mailpasswd' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_type = cyrus' 'smtp_sasl_mechanism_filter = login' 'smtp_sender_dependent_authentication = yes' \
  'header_size_limit = 4096000' 'smtp_use_tls = yes' 'sender_dependent_relayhost_maps = hash:/etc/postfix/sender_relay' 'sender_canonical_maps = hash:/etc/postfix/canonical' 'smtp_generic_maps = hash:/etc/postfix/generic' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'
printf '@shop.example [smtp.isp.example]:587\ninfo@shop.example [smtp.isp.example]:587\n' > /etc/postfix/sender_relay
echo '[smtp.isp.example]:587 www@shop.example:Gehe1mPa55-42' > /etc/postfix/mailpasswd; chmod 600 /etc/postfix/mailpasswd
echo 'bitrix@shop.example www@shop.example' > /etc/postfix/canonical
printf 'root@srv.example.org www@shop.example\nbitrix@srv.example.org www@shop.example\n' > /etc/postfix/generic
for t in sender_relay mailpasswd canonical generic; do postmap hash:/etc/postfix/$t; done
