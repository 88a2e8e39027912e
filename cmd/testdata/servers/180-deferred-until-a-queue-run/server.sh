postconf -e 'defer_transports = smtp'
