useradd -r vmail || true
mkdir -p /var/lib/mailman/data
cat > /usr/local/bin/deliver <<'T'
#!/bin/sh
exec cat > /dev/null
T
chmod 755 /usr/local/bin/deliver

postconf -e 'alias_maps = hash:/etc/aliases, hash:/var/lib/mailman/data/aliases' 'alias_database = hash:/etc/aliases, hash:/var/lib/mailman/data/aliases' \
  'virtual_alias_domains = proxy:hash:/etc/postfix/alias_domains' 'virtual_alias_maps = hash:/var/lib/mailman/data/virtual-mailman, proxy:hash:/etc/postfix/forwardings' \
  'virtual_mailbox_domains = proxy:hash:/etc/postfix/domains' 'virtual_mailbox_maps = proxy:hash:/etc/postfix/mailboxes' 'virtual_transport = maildrop' \
  'maildrop_destination_concurrency_limit = 1' 'maildrop_destination_recipient_limit = 1' 'owner_request_special = no' \
  'transport_maps = hash:/var/lib/mailman/data/transport-mailman, proxy:hash:/etc/postfix/transports' 'relay_domains = hash:/etc/postfix/relaydomains' \
  'sender_bcc_maps = proxy:hash:/etc/postfix/outgoing_bcc' 'smtp_tls_security_level = may' 'smtp_tls_protocols = !SSLv2,!SSLv3, !TLSv1, !TLSv1.1' \
  'smtp_tls_exclude_ciphers = RC4, aNULL' 'enable_original_recipient = yes' \
  'proxy_read_maps = $local_recipient_maps $mydestination $virtual_alias_maps $virtual_alias_domains $sender_bcc_maps $virtual_mailbox_maps $virtual_mailbox_domains $relay_recipient_maps $relay_domains $canonical_maps $sender_canonical_maps $recipient_canonical_maps $relocated_maps $transport_maps $mynetworks'
echo 'staff: root' > /var/lib/mailman/data/aliases
: > /var/lib/mailman/data/virtual-mailman
: > /etc/postfix/alias_domains
: > /etc/postfix/outgoing_bcc
echo 'sales@own.example box@outlook.com' > /etc/postfix/forwardings
echo 'own.example OK' > /etc/postfix/domains
echo 'u@own.example x' > /etc/postfix/mailboxes
echo 'lists.example maildrop:' > /var/lib/mailman/data/transport-mailman
echo 'partner.example smtp:[mail.partner.example]' > /etc/postfix/transports
echo 'customer.example OK' > /etc/postfix/relaydomains
postalias hash:/etc/aliases hash:/var/lib/mailman/data/aliases
for t in /var/lib/mailman/data/virtual-mailman /var/lib/mailman/data/transport-mailman /etc/postfix/alias_domains /etc/postfix/outgoing_bcc \
  /etc/postfix/forwardings /etc/postfix/domains /etc/postfix/mailboxes /etc/postfix/transports /etc/postfix/relaydomains; do postmap hash:$t; done
cat >> /etc/postfix/master.cf <<'C'
maildrop unix - n n - - pipe
  flags=R user=vmail argv=/usr/local/bin/deliver
C
