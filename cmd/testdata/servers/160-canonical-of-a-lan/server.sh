postconf -e 'canonical_maps = hash:/etc/postfix/canonical' 'myorigin = domain.lan'
cat > /etc/postfix/canonical <<'T'
@domain.lan @example.org
T
postmap hash:/etc/postfix/canonical
