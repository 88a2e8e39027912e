postmulti -e init
postmulti -I postfix-out -G mta -e create
postconf -c /etc/postfix-out -e 'master_service_disable =' 'authorized_submit_users = root' 'inet_interfaces = loopback-only' 'myhostname = out.example.org' 'multi_instance_enable = yes' 'mynetworks = 127.0.0.0/8' 'mydestination =' 'maillog_file = /var/log/mail-out.log'
postconf -c /etc/postfix-out -MX smtp/inet || true
postconf -c /etc/postfix-out -M '127.0.0.1:10026/inet=127.0.0.1:10026 inet n - n - - smtpd'
postconf -c /etc/postfix-out -F '*/unix/chroot = n'
postconf -e 'relayhost = [127.0.0.1]:10026' 'inet_interfaces = loopback-only' 'mydestination =' 'local_transport = error:local delivery is disabled'
