useradd -r vmail || true
cat > /usr/local/bin/deliver <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/deliver

openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=srv.example.org -keyout /etc/ssl/private/suite.key -out /etc/ssl/certs/suite.crt 2>/dev/null ||
  cp /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/suite.crt
postconf -e 'smtpd_tls_CAfile = /etc/ssl/certs/suite.crt' 'smtp_tls_CAfile = $smtpd_tls_CAfile' 'smtp_tls_CApath = /etc/ssl/certs' 'smtp_tls_security_level = may' 'smtp_tls_note_starttls_offer = yes' \
  'header_checks = pcre:/etc/postfix/header_checks' 'body_checks = pcre:/etc/postfix/body_checks.pcre' 'enable_original_recipient = no' 'swap_bangpath = no' 'allow_percent_hack = no' 'allow_min_user = no' \
  'virtual_alias_domains =' 'virtual_mailbox_domains = proxy:hash:/etc/postfix/domains' 'virtual_mailbox_maps = static:x' 'virtual_transport = dovecot' 'dovecot_destination_recipient_limit = 1' \
  'mydestination = $myhostname, localhost, localhost.localdomain' 'myorigin = $myhostname' 'mydomain = $myhostname' 'content_filter = smtp-amavis:[127.0.0.1]:10024' \
  'sender_dependent_relayhost_maps = proxy:hash:/etc/postfix/sender_relays' 'transport_maps = proxy:hash:/etc/postfix/transports' \
  'proxy_read_maps = $canonical_maps $lmtp_generic_maps $local_recipient_maps $mydestination $relay_domains $sender_canonical_maps $smtp_generic_maps $transport_maps $virtual_alias_domains $virtual_alias_maps $virtual_mailbox_domains $virtual_mailbox_maps $sender_dependent_relayhost_maps'
echo '/^Received: .*with ESMTPSA/ IGNORE' > /etc/postfix/header_checks
: > /etc/postfix/body_checks.pcre
echo 'own.example dovecot' > /etc/postfix/domains
echo '@shop.example [smtp.shop.example]:587' > /etc/postfix/sender_relays
echo 'own.example dovecot' > /etc/postfix/transports
postmap hash:/etc/postfix/domains hash:/etc/postfix/sender_relays hash:/etc/postfix/transports
cat >> /etc/postfix/master.cf <<'C'
dovecot unix - n n - - pipe
  flags=DRh user=vmail argv=/usr/local/bin/deliver
smtp-amavis unix - - n - 2 smtp
  -o syslog_name=postfix/amavis
  -o smtp_data_done_timeout=1200
  -o smtp_send_xforward_command=yes
  -o disable_dns_lookups=yes
  -o max_use=20
127.0.0.1:10025 inet n - n - - smtpd
  -o syslog_name=postfix/10025
  -o content_filter=
  -o mynetworks_style=host
  -o mynetworks=127.0.0.0/8
  -o local_recipient_maps=
  -o relay_recipient_maps=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks
C
