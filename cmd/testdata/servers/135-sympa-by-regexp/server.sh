useradd -m sympa
cat > /usr/local/bin/queue <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/queue
postconf -e 'relay_domains = $mydestination, lists.example.org' 'sympa_destination_recipient_limit = 1' 'sympabounce_destination_recipient_limit = 1' 'recipient_delimiter = +' 'transport_maps = regexp:/etc/postfix/transport_regexp'
cat > /etc/postfix/transport_regexp <<'T'
/^.*-owner@lists\.example\.org$/ sympabounce:
/^.*@lists\.example\.org$/ sympa:
T
cat >> /etc/postfix/master.cf <<'C'
sympa unix - n n - - pipe
  flags=R user=sympa argv=/usr/local/bin/queue ${recipient}
sympabounce unix - n n - - pipe
  flags=R user=sympa argv=/usr/local/bin/queue ${recipient}
C
