postconf -e 'mydestination = $myhostname, localhost.example.org, localhost' 'sender_bcc_maps = hash:/etc/postfix/bcc' 'sender_dependent_default_transport_maps = hash:/etc/postfix/dependent' \
  'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' 'smtp_tls_security_level = dane' 'resolve_dequoted_address = no' 'allow_percent_hack = no' 'virtual_alias_maps = hash:/etc/postfix/virtual'
echo '@copied.example archive@partner.example' > /etc/postfix/bcc
echo '@shop.example smtp-17240:' > /etc/postfix/dependent
: > /etc/postfix/virtual
postmap hash:/etc/postfix/bcc hash:/etc/postfix/dependent hash:/etc/postfix/virtual
echo 'smtp-17240 unix - - n - - smtp -o smtp_helo_name=shop.example' >> /etc/postfix/master.cf
