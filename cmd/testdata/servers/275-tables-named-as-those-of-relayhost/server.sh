postconf -e 'sender_dependent_default_transport_maps = hash:/etc/postfix/relayhost_map' 'transport_maps = hash:/etc/postfix/relayhost_maps'
echo '@shop.example shop:[smtp.shop.example]' > /etc/postfix/relayhost_map; echo 'partner.example smtp:[mail.partner.example]' > /etc/postfix/relayhost_maps
postmap hash:/etc/postfix/relayhost_map hash:/etc/postfix/relayhost_maps
echo 'shop unix - - n - - smtp -o smtp_helo_name=shop.example.org' >> /etc/postfix/master.cf
