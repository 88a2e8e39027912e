postconf -e 'sender_dependent_default_transport_maps = pcre:/etc/postfix/sdd_transport.pcre'
echo '/@shop\.example$/   shop-smtp:' > /etc/postfix/sdd_transport.pcre
cat >> /etc/postfix/master.cf <<'C'
shop-smtp     unix -       -       n       -       -       smtp
    -o smtp_bind_address=203.0.113.10
    -o smtp_bind_address6=
    -o inet_protocols=ipv4
    -o smtp_helo_name=shop.example
    -o syslog_name=postfix-shop
C
