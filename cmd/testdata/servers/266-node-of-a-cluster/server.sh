postconf -e 'inet_interfaces = loopback-only' 'myhostname = node1' 'myorigin = $myhostname' 'mydestination =' 'relayhost = [gateway]' 'relay_transport = relay'
