cat > /usr/local/bin/postdns <<'T'
#!/bin/sh
while read -r verb key; do
  case "$key" in
  *@hidden.example|hidden.example) echo '200 smtptor:[mail.hidden.example]' ;;
  *) echo '500 not found' ;;
  esac
done
T
chmod 755 /usr/local/bin/postdns
echo 'pinned.example smtptor:[mail.hidden.example]' > /etc/postfix/tor_transport; postmap hash:/etc/postfix/tor_transport
postconf -e 'transport_maps = hash:/etc/postfix/tor_transport, tcp:127.0.0.1:23000'
cat >> /etc/postfix/master.cf <<'C'
127.0.0.1:23000 inet n n n - 0 spawn user=nobody argv=/usr/local/bin/postdns
smtptor unix - - n - - smtp
  -o smtp_dns_support_level=disabled
  -o smtp_host_lookup=native
C
echo '192.0.2.215 mail.hidden.example' >> /etc/hosts
