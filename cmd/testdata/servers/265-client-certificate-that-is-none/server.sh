touch /etc/ssl/renewed.pem
postconf -e 'smtp_tls_security_level = may' 'smtp_tls_cert_file = /etc/ssl/renewed.pem' 'smtp_tls_key_file = /etc/ssl/renewed.pem'
