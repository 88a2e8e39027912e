cat > /usr/local/bin/to-papra <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/to-papra
postconf -e 'transport_maps = hash:/etc/postfix/transport, hash:/etc/postfix/papra_transport' 'virtual_alias_maps = hash:/etc/postfix/virtual' 'mydestination = $myhostname, example.org, localhost'
echo 'partner.example smtp:[192.0.2.223]' > /etc/postfix/transport
echo 'papra-intake@localhost papra_pipe:' > /etc/postfix/papra_transport
echo 'papra@example.org papra-intake@localhost' > /etc/postfix/virtual
postmap hash:/etc/postfix/transport hash:/etc/postfix/papra_transport hash:/etc/postfix/virtual
echo 'papra_pipe unix - n n - 1 pipe flags=Rq user=nobody argv=/usr/local/bin/to-papra' >> /etc/postfix/master.cf
