postconf -e 'virtual_alias_domains = own.example' 'virtual_alias_maps = hash:/etc/postfix/valias' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/valias <<'T'
u@own.example own.example/u@mda.example
T
postmap hash:/etc/postfix/valias
cat > /etc/postfix/transport <<'T'
mda.example lmtp:[127.0.0.1]:2424
T
postmap hash:/etc/postfix/transport
