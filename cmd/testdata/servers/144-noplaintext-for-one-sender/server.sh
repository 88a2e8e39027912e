postconf -e 'smtp_sender_dependent_authentication = yes' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_security_options = noplaintext noanonymous' 'smtp_connection_cache_on_demand = no' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'sender_dependent_relayhost_maps = hash:/etc/postfix/sender_dependent' 'sender_canonical_maps = hash:/etc/postfix/sender_canonical'
cat > /etc/postfix/sender_dependent <<'T'
x@client.example [smtp.other.example]:587
T
postmap hash:/etc/postfix/sender_dependent
cat > /etc/postfix/sender_canonical <<'T'
www-data x@client.example
T
postmap hash:/etc/postfix/sender_canonical
cat > /etc/postfix/sasl_passwd <<'T'
x@client.example x:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
