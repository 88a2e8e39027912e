postconf -e 'default_transport = error:no mail leaves' 'relay_transport = error' 'sender_dependent_default_transport_maps = hash:/etc/postfix/sender_transport' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = may'
cat > /etc/postfix/sender_transport <<'T'
@alerts.example smtp:[smtp.other.example]:587
T
postmap hash:/etc/postfix/sender_transport
cat > /etc/postfix/sasl_passwd <<'T'
[smtp.other.example]:587 alerts:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
