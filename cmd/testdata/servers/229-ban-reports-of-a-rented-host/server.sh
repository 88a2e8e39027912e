echo mail.example.org > /etc/mailname
postconf -e 'myhostname = mail.example.org' 'mydestination = $myhostname, localhost' 'myorigin = /etc/mailname'
