{ printf '# Warning: This file is auto-generated and might be overwritten by\n#          univention-config-registry.\n#          Please edit the following file(s) instead:\n'; cat /etc/postfix/main.cf; } > /tmp/main.cf; cat /tmp/main.cf > /etc/postfix/main.cf
postconf -e 'myhostname = srv.example.org' 'myorigin = srv.example.org' 'smtp_helo_name = srv.example.org' 'mydestination = $myhostname, localhost.$mydomain, localhost' 'mynetworks_style = subnet' 'inet_protocols = ipv4' \
  'masquerade_domains = $mydomain' 'masquerade_exceptions = root' 'relay_domains = $mydestination' 'transport_maps = hash:/etc/postfix/transport' 'relayhost = smtp.isp.example' 'delay_warning_time = 0h' \
  'virtual_maps = hash:/etc/postfix/virtual' 'canonical_maps = hash:/etc/postfix/canonical' 'relocated_maps = hash:/etc/postfix/relocated' 'virtual_mailbox_domains = own.example' 'virtual_mailbox_maps = static:x' 'virtual_transport = lmtp:127.0.0.1:2003' 'smtputf8_enable = no'
echo 'partner.example smtp:[mail.partner.example]' > /etc/postfix/transport
echo 'info@own.example u@own.example' > /etc/postfix/virtual
: > /etc/postfix/canonical; : > /etc/postfix/relocated
for t in transport virtual canonical relocated; do postmap hash:/etc/postfix/$t; done
sed -i -E 's/^(pickup|qmgr) +unix/\1 fifo/' /etc/postfix/master.cf
