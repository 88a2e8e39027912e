postconf -e 'smtp_header_checks = regexp:/etc/postfix/smtp_header_checks'
cat > /etc/postfix/smtp_header_checks <<'T'
/^From:.*$/ REPLACE From: noreply@example.org
/^Sender:.*$/ REPLACE Sender: noreply@example.org
T
