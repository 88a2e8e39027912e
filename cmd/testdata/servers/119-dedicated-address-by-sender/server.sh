postconf -e 'sender_dependent_default_transport_maps = hash:/etc/postfix/dependent'
cat > /etc/postfix/dependent <<'T'
@domain1.example smtp-203-0-113-10:
T
postmap hash:/etc/postfix/dependent
cat >> /etc/postfix/master.cf <<'C'
smtp-203-0-113-10 unix - - n - - smtp
  -o smtp_bind_address=203.0.113.10 -o inet_protocols=ipv4 -o smtp_helo_name=domain1.example
C
