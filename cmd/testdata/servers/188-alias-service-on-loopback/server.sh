postconf -e 'mydestination =' 'relay_domains = alias.example, srv.example.org' 'transport_maps = hash:/etc/postfix/transport'
printf 'alias.example smtp:127.0.0.1:20381\nsrv.example.org smtp:127.0.0.1:20381\n' > /etc/postfix/transport
postmap hash:/etc/postfix/transport
