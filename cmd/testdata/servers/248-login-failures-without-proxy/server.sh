postconf -e 'smtp_sasl_auth_cache_name = btree:/var/lib/postfix/sasl_auth_cache' 'smtp_sasl_auth_cache_time = 1h'
