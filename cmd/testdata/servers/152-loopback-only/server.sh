postconf -e 'inet_interfaces = loopback-only' 'mydestination = $myhostname' 'myorigin = $myhostname' 'append_dot_mydomain = no' 'unknown_local_recipient_reject_code = 550' 'recipient_delimiter = +'
