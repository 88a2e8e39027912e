postconf -e 'smtp_tls_security_level = may' 'smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix'
