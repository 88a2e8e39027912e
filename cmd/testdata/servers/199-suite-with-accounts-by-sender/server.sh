postconf -e 'relayhost =' 'relay_domains = proxy:hash:/etc/postfix/relay_domains' 'sender_dependent_default_transport_maps = proxy:hash:/etc/postfix/sender_transports' \
  'smtp_dns_support_level = dnssec' 'smtp_tls_security_level = dane' 'smtp_tls_policy_maps = proxy:hash:/etc/postfix/tls_policy' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' \
  'smtp_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1' 'smtp_header_checks = pcre:/etc/postfix/anonymize_headers.pcre' \
  'virtual_mailbox_domains = proxy:hash:/etc/postfix/domains' 'virtual_mailbox_maps = static:x' 'virtual_transport = lmtp:inet:127.0.0.1:2424' \
  'non_smtpd_milters = inet:127.0.0.1:9900' 'smtpd_milters = inet:127.0.0.1:9900' 'milter_default_action = accept' 'milter_protocol = 6' \
  'mydestination = localhost.localdomain, localhost' 'smtp_address_preference = ipv4' 'smtp_sender_dependent_authentication = yes' 'smtp_sasl_auth_enable = yes' \
  'smtp_sasl_password_maps = proxy:hash:/etc/postfix/sasl_by_sender, proxy:hash:/etc/postfix/sasl_by_transport' 'smtp_sasl_security_options =' 'smtp_sasl_mechanism_filter = plain, login' 'smtp_sasl_auth_soft_bounce = no' \
  'transport_maps = pcre:/etc/postfix/custom_transport.pcre, pcre:/etc/postfix/local_transport, proxy:hash:/etc/postfix/transports' 'smtputf8_enable = no' \
  'proxy_read_maps = proxy:hash:/etc/postfix/sasl_by_transport, $sender_dependent_default_transport_maps, $smtp_tls_policy_maps, $virtual_mailbox_domains, $relay_domains, $transport_maps, $smtp_sasl_password_maps'
echo 'customer.example OK' > /etc/postfix/relay_domains
echo '@shop.example smtp:[smtp.shop.example]:587' > /etc/postfix/sender_transports
echo 'smtp.shop.example encrypt' > /etc/postfix/tls_policy
echo '/^\s*User-Agent/ IGNORE' > /etc/postfix/anonymize_headers.pcre
echo 'own.example OK' > /etc/postfix/domains
printf '%s\n' '@shop.example shop:Gehe1mPa55-42' > /etc/postfix/sasl_by_sender
printf '%s\n' '[smtp.partner.example]:587 partner:Gehe1mPa55-42' > /etc/postfix/sasl_by_transport
: > /etc/postfix/custom_transport.pcre
echo '/@srv\.example\.org$/ local:' > /etc/postfix/local_transport
echo 'partner.example smtp:[smtp.partner.example]:587' > /etc/postfix/transports
chmod 600 /etc/postfix/sasl_by_sender /etc/postfix/sasl_by_transport
for t in relay_domains sender_transports tls_policy domains sasl_by_sender sasl_by_transport transports; do postmap hash:/etc/postfix/$t; done
chmod 644 /etc/postfix/sasl_by_sender.db /etc/postfix/sasl_by_transport.db
