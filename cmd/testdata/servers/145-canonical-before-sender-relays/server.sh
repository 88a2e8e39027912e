postconf -e 'relayhost =' 'sender_dependent_relayhost_maps = hash:/etc/postfix/relayhost_maps' 'sender_canonical_maps = regexp:/etc/postfix/sender_canonical' 'sender_canonical_classes = envelope_sender'
cat > /etc/postfix/relayhost_maps <<'T'
no-reply@domain1.example [smtp.other.example]:25
@domain2.example [smtp.other.example]:25
T
postmap hash:/etc/postfix/relayhost_maps
cat > /etc/postfix/sender_canonical <<'T'
/.*/ no-reply@domain1.example
T
