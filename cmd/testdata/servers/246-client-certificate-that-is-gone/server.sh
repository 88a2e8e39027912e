postconf -e 'smtp_tls_security_level = may' 'smtp_tls_cert_file = /etc/letsencrypt/live/old.example.org/fullchain.pem' 'smtp_tls_key_file = /etc/letsencrypt/live/old.example.org/privkey.pem'
