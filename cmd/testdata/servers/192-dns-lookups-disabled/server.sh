postconf -e 'smtp_dns_support_level = disabled' 'relayhost = [relay.inside.example]'
