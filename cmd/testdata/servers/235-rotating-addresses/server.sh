postconf -e 'sender_dependent_default_transport_maps = randmap:{relay1,relay2}' 'smtp_connection_cache_on_demand = no'
cat >> /etc/postfix/master.cf <<'C'
relay1 unix - - n - - smtp -o smtp_helo_name=relay1.example.org -o syslog_name=relay1
relay2 unix - - n - - smtp -o smtp_helo_name=relay2.example.org -o syslog_name=relay2
C
