postconf -e 'default_transport = error' 'relay_transport = error' 'inet_protocols = ipv4' 'relay_domains = backup.example'
