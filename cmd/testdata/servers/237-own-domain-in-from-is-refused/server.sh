postconf -e 'header_checks = regexp:/etc/postfix/header_checks'
echo '/^(from|x-original-from|return-path|mail-?from):.*@example\.org[[:space:]]*>?[[:space:]]*$/ REJECT' > /etc/postfix/header_checks
