postconf -e 'relayhost = smtp.example.org' 'mydestination =' 'inet_interfaces = loopback-only'
