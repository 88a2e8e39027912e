postconf -e 'virtual_mailbox_domains = own.example' 'virtual_mailbox_maps = static:x' 'virtual_transport = lmtp:inet:127.0.0.1:2424' 'transport_maps = hash:/etc/postfix/transport'
cat > /etc/postfix/transport <<'T'
announce@own.example smtp:[192.0.2.215]
T
postmap hash:/etc/postfix/transport
