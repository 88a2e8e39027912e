postconf -e 'sender_dependent_default_transport_maps = hash:/etc/postfix/sender_transport'
cat > /etc/postfix/sender_transport <<'T'
@domain1.example group1
@domain2.example group2
T
postmap hash:/etc/postfix/sender_transport
cat >> /etc/postfix/master.cf <<'C'
group1 unix - - n - 10 smtp
  -o myhostname=hostname-1.example.org
group2 unix - - n - 10 smtp
  -o myhostname=hostname-2.example.org
C
