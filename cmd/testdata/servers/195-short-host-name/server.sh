postconf -e 'mydestination = $myhostname, localhost.example.org, localhost' 'append_dot_mydomain = no' 'mailbox_transport = lmtp:inet:127.0.0.1:2424' \
  'transport_maps = hash:/etc/postfix/transport'
echo 'corp.example smtp:[mail.corp.example]' > /etc/postfix/transport
postmap hash:/etc/postfix/transport
