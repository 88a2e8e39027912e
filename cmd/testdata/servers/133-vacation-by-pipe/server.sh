useradd -m vacation
cat > /usr/local/bin/vacation <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/vacation
postconf -e 'virtual_mailbox_domains = own.example' 'virtual_mailbox_maps = static:x' 'virtual_transport = lmtp:inet:127.0.0.1:2424' 'virtual_alias_maps = hash:/etc/postfix/virtual' 'transport_maps = hash:/etc/postfix/transport_maps'
cat > /etc/postfix/virtual <<'T'
jane@own.example jane@own.example, jane#own.example@autoreply.own.example
T
postmap hash:/etc/postfix/virtual
cat > /etc/postfix/transport_maps <<'T'
autoreply.own.example vacation:
T
postmap hash:/etc/postfix/transport_maps
cat >> /etc/postfix/master.cf <<'C'
vacation unix - n n - - pipe
  flags=Rq user=vacation argv=/usr/local/bin/vacation -f ${sender} -- ${recipient}
C
