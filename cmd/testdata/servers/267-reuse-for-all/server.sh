postconf -e 'smtp_tls_connection_reuse = yes' 'smtp_tls_security_level = may' 'smtp_tls_mandatory_protocols = >=TLSv1.2' 'smtp_tls_protocols = >=TLSv1.2' 'smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache' 'smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt' 'remote_header_rewrite_domain = domain.invalid' 'recipient_delimiter = +' 'transport_maps = hash:/etc/postfix/transport'
postconf -M 'tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy'
echo 'partner.example smtp:[mail.partner.example]' > /etc/postfix/transport; postmap hash:/etc/postfix/transport
