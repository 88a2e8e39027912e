postconf -e 'header_checks = regexp:/etc/postfix/header_checks'
cat > /etc/postfix/header_checks <<'T'
/^To: .*@yahoo\.com/ FILTER smtp:[192.0.2.227]:25
T
