cat > /usr/local/bin/to-mailman <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/to-mailman
postconf -e 'relay_domains = lists.example.org' 'transport_maps = hash:/etc/postfix/transport' 'mailman_destination_recipient_limit = 1'
cat > /etc/postfix/transport <<'T'
lists.example.org mailman:
T
postmap hash:/etc/postfix/transport
postconf -MX mailman/unix 2>/dev/null || true
cat >> /etc/postfix/master.cf <<'C'
mailman unix - n n - - pipe
  flags=FR user=list argv=/usr/local/bin/to-mailman ${nexthop} ${user}
C
