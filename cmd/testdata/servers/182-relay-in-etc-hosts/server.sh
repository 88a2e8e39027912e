postconf -e 'relayhost = [smtp.example.intranet]'
