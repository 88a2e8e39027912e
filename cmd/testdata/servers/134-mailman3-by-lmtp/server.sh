mkdir -p /var/lib/mailman/data
postconf -e 'transport_maps = hash:/var/lib/mailman/data/postfix_lmtp' 'local_recipient_maps = proxy:unix:passwd.byname $alias_maps hash:/var/lib/mailman/data/postfix_lmtp' 'relay_domains = hash:/var/lib/mailman/data/postfix_domains' 'recipient_delimiter = +' 'owner_request_special = no'
cat > /var/lib/mailman/data/postfix_lmtp <<'T'
test@lists.example.org lmtp:[127.0.0.1]:8024
test-request@lists.example.org lmtp:[127.0.0.1]:8024
T
postmap hash:/var/lib/mailman/data/postfix_lmtp
cat > /var/lib/mailman/data/postfix_domains <<'T'
lists.example.org lists.example.org
T
postmap hash:/var/lib/mailman/data/postfix_domains
