postconf -e 'sender_canonical_maps = hash:/etc/postfix/no-srs, tcp:127.0.0.1:10001' 'sender_canonical_classes = envelope_sender' 'recipient_canonical_maps = tcp:127.0.0.1:10002' 'recipient_canonical_classes = envelope_recipient,header_recipient'
cat > /etc/postfix/no-srs <<'T'
boss@partner.example boss@partner.example
T
postmap hash:/etc/postfix/no-srs
