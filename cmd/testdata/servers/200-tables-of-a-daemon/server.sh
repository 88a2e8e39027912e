postconf -F '*/unix/chroot = n'
postconf -e 'myorigin = example.org' 'alias_maps =' 'podop = socketmap:unix:/run/tables.socket:' 'mydestination =' 'relayhost =' 'smtp_tls_security_level = may' \
  'smtp_tls_policy_maps = hash:/etc/postfix/tls_policy.map' 'smtp_tls_CApath = /etc/ssl/certs' 'smtp_host_lookup = dns' 'smtp_dns_support_level = dnssec' \
  'virtual_alias_domains =' 'virtual_alias_maps = ${podop}alias' 'virtual_mailbox_domains = ${podop}domain' 'virtual_mailbox_maps = ${podop}mailbox' \
  'relay_domains = ${podop}transport' 'transport_maps = ${podop}transport' 'virtual_transport = lmtp:inet:127.0.0.1:2424' \
  'sender_canonical_maps = ${podop}sendermap' 'sender_canonical_classes = envelope_sender' 'recipient_canonical_maps = ${podop}recipientmap' \
  'recipient_canonical_classes = envelope_recipient,header_recipient' 'lmtp_host_lookup = native'
: > /etc/postfix/tls_policy.map
postmap hash:/etc/postfix/tls_policy.map
