postconf -e 'default_destination_concurrency_limit = 2' 'default_destination_recipient_limit = 5' 'smtp_initial_destination_concurrency = 1' 'smtp_connection_reuse_time_limit = 300s'
