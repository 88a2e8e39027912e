postconf -e 'fallback_transport = smtp:[192.0.2.232]:25' 'local_recipient_maps ='
