postfix stop 2>/dev/null || true
mkdir -p /srv/mail-state; mv /var/spool/postfix /srv/mail-state/spool-postfix; ln -s /srv/mail-state/spool-postfix /var/spool/postfix
postconf -e 'relayhost = [smtp.example.net]:587' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noanonymous' 'smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd' 'smtp_tls_security_level = encrypt' 'smtp_tls_note_starttls_offer = yes' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'sender_dependent_relayhost_maps = texthash:/etc/postfix/relayhost_map' 'smtp_sender_dependent_authentication = yes'
printf '@own.example [smtp.example.net]:587\n@shop.example [smtp.example.net]:587\n' > /etc/postfix/relayhost_map
printf '@shop.example shop:Gehe1mPa55-42\n[smtp.example.net]:587 user:Gehe1mPa55-42\n' > /etc/postfix/sasl_passwd; chmod 600 /etc/postfix/sasl_passwd
