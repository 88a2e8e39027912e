postconf -e 'mydestination =' 'relayhost = smtp.corp.example' 'masquerade_domains = example.org' 'myorigin = srv.example.org'
