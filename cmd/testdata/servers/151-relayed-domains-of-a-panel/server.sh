postconf -e 'relay_domains = hash:/etc/postfix/relaydomains' 'transport_maps = hash:/etc/postfix/relaydomains-transport hash:/etc/postfix/aliases-transport'
cat > /etc/postfix/relaydomains <<'T'
relayed.example OK
alias.relayed.example OK
T
postmap hash:/etc/postfix/relaydomains
cat > /etc/postfix/relaydomains-transport <<'T'
relayed.example smtp:[192.0.2.224]:25
T
postmap hash:/etc/postfix/relaydomains-transport
cat > /etc/postfix/aliases-transport <<'T'
alias.relayed.example smtp:[192.0.2.224]:25
T
postmap hash:/etc/postfix/aliases-transport
