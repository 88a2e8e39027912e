postconf -e 'smtp_bind_address = 203.0.113.10' 'inet_protocols = ipv4' 'content_filter = smtp-amavis:[127.0.0.1]:10024' 'smtp_tls_security_level = may' 'postscreen_greet_action = enforce' 'postscreen_access_list = permit_mynetworks' 'postscreen_dnsbl_action = ignore' 'postscreen_dnsbl_sites =' 'sender_dependent_relayhost_maps = texthash:/etc/postfix/relayhost_map' 'smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd' 'smtp_sender_dependent_authentication = yes'
: > /etc/postfix/relayhost_map; : > /etc/postfix/sasl_passwd
postconf -M 'smtp/inet=smtp inet n - n - 1 postscreen' 'smtpd/pass=smtpd pass - - n - - smtpd' 'dnsblog/unix=dnsblog unix - - n - 0 dnsblog' 'tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy'
cat >> /etc/postfix/master.cf <<'C'
smtp-amavis unix - - - - 2 smtp
  -o smtp_bind_address=127.0.0.1
  -o smtp_data_done_timeout=1200
  -o smtp_send_xforward_command=yes
  -o disable_dns_lookups=yes
  -o max_use=20
  -o syslog_name=postfix/smtp-amavis
127.0.0.1:10025 inet n - - - - smtpd
  -o content_filter=
  -o local_recipient_maps=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks=127.0.0.0/8
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks,no_milters
  -o syslog_name=postfix/smtpd-amavis
C
