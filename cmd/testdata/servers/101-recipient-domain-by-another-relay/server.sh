postconf -e 'transport_maps = texthash:/etc/postfix/transport' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = texthash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = may'
cat > /etc/postfix/transport <<'T'
yahoo.com smtp:[smtp.other.example]:587
T
cat > /etc/postfix/sasl_passwd <<'T'
[smtp.other.example]:587 other@example.org:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
