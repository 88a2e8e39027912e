useradd -m spamd
printf '#!/bin/sh\nwhile [ "$1" != -e ]; do shift; done\nshift; exec "$@"\n' > /usr/bin/spamc; chmod 755 /usr/bin/spamc
postconf -e 'transport_maps = hash:/etc/postfix/transport' 'relay_domains = corp.example' 'mydestination = $myhostname, localhost'
echo 'corp.example smtp:[127.0.0.1]:2600' > /etc/postfix/transport; postmap hash:/etc/postfix/transport
sed -i 's/^smtp      inet .*/&\n  -o content_filter=scan:127.0.0.1:10025/' /etc/postfix/master.cf
cat >> /etc/postfix/master.cf <<'C'
scan unix - - n - 16 smtp
  -o smtp_send_xforward_command=yes
127.0.0.1:10026 inet n - n - 16 smtpd
  -o content_filter=spamassassin
  -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks
  -o smtpd_helo_restrictions=
  -o smtpd_client_restrictions=
  -o smtpd_sender_restrictions=
  -o smtpd_recipient_restrictions=permit_mynetworks,reject
  -o mynetworks_style=host
  -o smtpd_authorized_xforward_hosts=127.0.0.0/8
spamassassin unix -     n       n       -       -       pipe
  user=spamd argv=/usr/bin/spamc -f -e
  /usr/sbin/sendmail -oi -f ${sender} ${recipient}
C
