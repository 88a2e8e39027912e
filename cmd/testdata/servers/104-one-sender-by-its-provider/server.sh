postconf -e 'sender_dependent_relayhost_maps = hash:/etc/postfix/relayhost_map' 'smtp_sender_dependent_authentication = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = may'
cat > /etc/postfix/relayhost_map <<'T'
@mailbox.example [smtp.mailbox.example]:587
T
postmap hash:/etc/postfix/relayhost_map
cat > /etc/postfix/sasl_passwd <<'T'
me@mailbox.example me@mailbox.example:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
