postconf -e 'relay_domains = backup.example' 'relay_transport = relay:[mx.backup.example]' 'smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination'
postconf -P 'relay/unix/smtp_helo_timeout=5' 'relay/unix/smtp_connect_timeout=5'
sed -i '/^relay /a\        -o fallback_relay=' /etc/postfix/master.cf
