postconf -e 'luser_relay = catchall@yahoo.com' 'local_recipient_maps ='
