postconf -e 'sender_bcc_maps = inline:{ @example.org=sent@archive.example }' 'mynetworks = 127.0.0.0/8 172.16.0.0/12'
