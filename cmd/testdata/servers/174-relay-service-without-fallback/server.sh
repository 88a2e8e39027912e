postconf -e 'relay_domains = customer.example' 'smtp_fallback_relay = [192.0.2.233]:25'
postconf -P 'relay/unix/smtp_fallback_relay=' 'relay/unix/smtp_helo_name=relay.example.org'
