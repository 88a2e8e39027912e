postconf -e 'smtp_fallback_relay = [192.0.2.233]:25'
