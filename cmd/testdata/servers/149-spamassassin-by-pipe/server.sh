useradd -m spamd
cat > /usr/bin/spamc <<'T'
#!/bin/sh
while [ "$1" != -e ]; do shift; done
shift; exec "$@"
T
chmod 755 /usr/bin/spamc
postconf -P 'smtp/inet/content_filter=spamassassin'
cat >> /etc/postfix/master.cf <<'C'
spamassassin unix - n n - - pipe
  user=spamd argv=/usr/bin/spamc -f -e
  /usr/sbin/sendmail -oi -f ${sender} ${recipient}
C
