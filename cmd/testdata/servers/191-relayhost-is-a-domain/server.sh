postconf -e 'relayhost = $mydomain' 'myorigin = $mydomain' 'mydestination = $myhostname, localhost'
