postconf -e 'transport_maps = hash:/etc/postfix/transport' 'domain1_destination_rate_delay = 1s'
cat > /etc/postfix/transport <<'T'
yahoo.com domain1:
T
postmap hash:/etc/postfix/transport
cat >> /etc/postfix/master.cf <<'C'
domain1 unix - - n - - smtp
  -o smtp_fallback_relay=
  -o smtp_helo_name=slow.example.org
C
