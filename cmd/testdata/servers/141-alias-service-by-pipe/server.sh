useradd -m anonaddy
cat > /usr/local/bin/anonaddy <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/anonaddy
postconf -e 'relayhost = [smtp.example.net]:587' 'smtp_sasl_auth_enable = yes' 'smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd' 'smtp_sasl_security_options = noanonymous' 'smtp_tls_security_level = encrypt' 'relay_domains = sub.example.org' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/sasl_passwd <<'T'
[smtp.example.net]:587 user:Gehe1mPa55-42
T
chmod 600 /etc/postfix/sasl_passwd
postmap hash:/etc/postfix/sasl_passwd
cat > /etc/postfix/transport <<'T'
sub.example.org anonaddy:
T
postmap hash:/etc/postfix/transport
cat >> /etc/postfix/master.cf <<'C'
anonaddy unix - n n - - pipe
  flags=F user=anonaddy argv=/usr/local/bin/anonaddy ${sender} ${recipient}
C
