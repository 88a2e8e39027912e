postconf -e 'relay_domains = company.example' 'transport_maps = hash:/etc/postfix/another, hash:/etc/postfix/transport'
: > /etc/postfix/another
echo 'company.example smtp:[archive.corp.example]' > /etc/postfix/transport
postmap hash:/etc/postfix/another hash:/etc/postfix/transport
