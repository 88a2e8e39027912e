postconf -e 'masquerade_domains = example.org' 'masquerade_classes = envelope_sender, envelope_recipient, header_sender, header_recipient' 'mydestination = $myhostname, localhost, example.org' 'local_recipient_maps =' 'alias_maps = hash:/etc/aliases, hash:/etc/postfix/lists'
echo 'list: "|cat >/dev/null"' > /etc/postfix/lists
postalias hash:/etc/postfix/lists
