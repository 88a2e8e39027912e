postconf -e 'relay_domains = $mydestination the.backed-up.example' 'relay_recipient_maps = hash:/etc/postfix/relay_recipients'
cat > /etc/postfix/relay_recipients <<'T'
u@the.backed-up.example x
T
postmap hash:/etc/postfix/relay_recipients
