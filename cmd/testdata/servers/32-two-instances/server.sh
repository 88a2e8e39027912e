postmulti -e init
postmulti -I postfix-out -G mta -e create
postconf -c /etc/postfix-out -e 'master_service_disable =' 'authorized_submit_users = root' 'inet_interfaces = 203.0.113.10' 'smtp_bind_address = 203.0.113.10' 'myhostname = out.example.org' 'multi_instance_enable = yes' 'sender_based_routing = yes' 'maillog_file = /var/log/mail-out.log'
postconf -e 'relayhost = [203.0.113.10]'
postconf -e 'inet_interfaces = loopback-only'
postconf -c /etc/postfix-out -e 'mynetworks = 127.0.0.0/8 203.0.113.10'
postconf -c /etc/postfix-out -F 'smtp/unix/chroot = n' 'relay/unix/chroot = n'
