postconf -e 'relayhost = [smtp.example.net]:587' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_use_tls=yes' 'smtp_tls_security_level = fingerprint' 'smtp_tls_fingerprint_digest = sha1' 'smtp_tls_fingerprint_cert_match = D3:7C:82:FC:D0:5F:8F:D7:DA:A2:59:8C:42:D7:B2:9F:C1:9F:7E:60' 'smtp_tls_ciphers = high' 'smtp_tls_protocols = TLSv1.2 TLSv1.1 TLSv1 !SSLv3 !SSLv2' 'mailbox_command = /usr/bin/procmail' 'inet_interfaces = loopback-only' 'myorigin = $myhostname'
echo '[smtp.example.net]:587 user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
