postconf -e 'sender_canonical_maps = regexp:/etc/postfix/sender_canonical'
cat > /etc/postfix/sender_canonical <<'T'
/.+/ noreply@example.org
T
