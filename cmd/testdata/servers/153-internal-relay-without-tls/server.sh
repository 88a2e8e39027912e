postconf -e 'smtp_tls_security_level = encrypt' 'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy' 'transport_maps = hash:/etc/postfix/transport' 'virtual_alias_maps = hash:/etc/postfix/virtual'
cat > /etc/postfix/tls_policy <<'T'
[mail.corp.example] none
T
postmap hash:/etc/postfix/tls_policy
cat > /etc/postfix/transport <<'T'
corp.example smtp:[mail.corp.example]
T
postmap hash:/etc/postfix/transport
cat > /etc/postfix/virtual <<'T'
root@srv.example.org admin@corp.example
T
postmap hash:/etc/postfix/virtual
