postconf -e 'smtp_dns_support_level = dnssec' 'smtp_host_lookup = dns' 'smtp_tls_security_level = dane' 'transport_maps = inline:{ {partner.example = smtp:[mail.partner.example]} }'
