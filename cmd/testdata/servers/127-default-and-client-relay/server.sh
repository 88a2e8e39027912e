postconf -e 'relayhost = [smtp.example.net]:587' 'inet_protocols = ipv4' 'sender_dependent_relayhost_maps = hash:/etc/postfix/sender_relay' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
cat > /etc/postfix/sender_relay <<'T'
@client.example [mail.auth.example]:2525
T
postmap hash:/etc/postfix/sender_relay
cat > /etc/postfix/sasl_passwd <<'T'
[smtp.example.net]:587 user:Gehe1mPa55-42
[mail.auth.example]:2525 client:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
