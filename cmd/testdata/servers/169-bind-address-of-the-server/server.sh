postconf -e 'smtp_bind_address = 203.0.113.10' 'smtp_bind_address_enforce = yes' 'inet_protocols = ipv4'
