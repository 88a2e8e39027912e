cat >> /etc/postfix/main.cf <<'M'
# the relay
relay_fqdn = smtp.example.net
relay_service = submission
relayhost =
# of the provider
  [${relay_fqdn}]:$relay_service
M
sed -i '/^relayhost = *$/{N;/\n#/!d}' /etc/postfix/main.cf
grep -c '^relayhost' /etc/postfix/main.cf
postconf -e  'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt'
echo '[smtp.example.net]:submission user:Gehe1mPa55-42' > /etc/postfix/sasl_passwd
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
