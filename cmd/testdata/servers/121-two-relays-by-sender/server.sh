postconf -e 'sender_dependent_relayhost_maps = hash:/etc/postfix/relayhost-map' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt'
cat > /etc/postfix/relayhost-map <<'T'
@one.example [relay1.example]:587
@two.example [relay2.example]:587
T
postmap hash:/etc/postfix/relayhost-map
cat > /etc/postfix/sasl_passwd <<'T'
[relay1.example]:587 a:Gehe1mPa55-42
[relay2.example]:587 b:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
