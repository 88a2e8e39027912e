mkdir -p /etc/yunohost; touch /etc/yunohost/installed
postconf -e 'mydomain = example.org' 'mydestination = localhost' 'smtp_tls_mandatory_protocols = >=TLSv1.3' 'smtp_tls_protocols = >=TLSv1.3' 'smtp_tls_security_level = may' \
  'smtp_tls_exclude_ciphers = aNULL, MD5, DES, ADH, RC4, 3DES' 'smtp_tls_mandatory_ciphers = high' 'tls_eecdh_auto_curves = X25519 prime256v1 secp384r1' 'tls_ffdhe_auto_groups =' \
  'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'virtual_mailbox_domains = /etc/postfix/virtual-mailbox-domains' 'virtual_mailbox_maps = hash:/etc/postfix/accounts' 'virtual_mailbox_base =' \
  'virtual_alias_maps = hash:/etc/postfix/accounts-aliases' 'virtual_alias_domains =' 'virtual_transport = dovecot' 'dovecot_destination_recipient_limit = 1' \
  'sender_canonical_maps = tcp:localhost:10001' 'sender_canonical_classes = envelope_sender' 'recipient_canonical_maps = tcp:localhost:10002' 'recipient_canonical_classes= envelope_recipient,header_recipient' \
  'smtp_header_checks = regexp:/etc/postfix/header_checks' 'smtp_reply_filter = regexp:/etc/postfix/smtp_reply_filter' 'smtpd_milters = inet:localhost:8891' 'non_smtpd_milters = inet:localhost:8891' \
  'milter_default_action = accept' 'milter_protocol = 6' 'smtp_destination_concurrency_limit = 2' 'default_destination_rate_delay = 5s'
printf 'own.example\nsrv.example.org\n' > /etc/postfix/virtual-mailbox-domains
echo 'u@own.example u' > /etc/postfix/accounts
echo 'root@srv.example.org u@own.example' > /etc/postfix/accounts-aliases
postmap hash:/etc/postfix/accounts hash:/etc/postfix/accounts-aliases
echo '/^Received:.*with ESMTPSA/ IGNORE' > /etc/postfix/header_checks
echo '/^5([0-9][0-9] )5(.*information. [^ ]+ - gsmtp.*)/ 4${1}4$2' > /etc/postfix/smtp_reply_filter
printf '#!/bin/sh\nexec cat > /dev/null\n' > /usr/local/bin/deliver; chmod 755 /usr/local/bin/deliver
echo 'dovecot unix - n n - - pipe flags=DRhu user=nobody argv=/usr/local/bin/deliver' >> /etc/postfix/master.cf
