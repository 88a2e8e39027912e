postconf -e 'mydestination = $myhostname localhost shared.example' 'virtual_alias_maps = hash:/etc/postfix/virtual' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/virtual <<'T'
jane@shared.example jane@other.shared.example
T
postmap hash:/etc/postfix/virtual
cat > /etc/postfix/transport <<'T'
other.shared.example smtp:[192.0.2.230]
T
postmap hash:/etc/postfix/transport
