postconf -e 'transport_maps = hash:/etc/postfix/transport' 'sender_dependent_default_transport_maps = hash:/etc/postfix/senders, $transport_maps' 'lmtp_host_lookup = native'
echo 'partner.example smtp:[192.0.2.219]' > /etc/postfix/transport
echo '@partner.example smtp:[192.0.2.219]' > /etc/postfix/senders
postmap hash:/etc/postfix/transport hash:/etc/postfix/senders
