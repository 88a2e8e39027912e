cat > /usr/local/bin/to-chat <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/to-chat
echo chat.example.org > /etc/mailname
postconf -e 'myorigin = /etc/mailname' 'mydestination = localhost, chat.example.org' 'transport_maps = hash:/etc/postfix/transport' 'virtual_alias_maps = regexp:/etc/postfix/virtual' \
  'allow_percent_hack = no' 'allow_untrusted_routing = yes' 'strict_rfc821_envelopes = no' 'recipient_delimiter = +' \
  'smtpd_recipient_restrictions = permit_mynetworks, check_recipient_access regexp:/etc/postfix/access, reject'
echo '/@chat\.example\.org$/ OK' > /etc/postfix/access
printf 'if !/^(root|postmaster|abuse)@/\n/^stream.*@chat\.example\.org$/ chat@localhost\nendif\n' > /etc/postfix/virtual
echo 'chat@localhost chat:' > /etc/postfix/transport
postmap hash:/etc/postfix/transport
echo 'chat unix - n n - - pipe flags= user=nobody argv=/usr/local/bin/to-chat ${original_recipient}' >> /etc/postfix/master.cf
