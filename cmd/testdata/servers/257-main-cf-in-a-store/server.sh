mkdir -p /nix/store; touch /etc/NIXOS
for f in main.cf master.cf; do cat /etc/postfix/$f > /nix/store/0abc-postfix-$f; rm /etc/postfix/$f; ln -s /nix/store/0abc-postfix-$f /etc/postfix/$f; done
touch -d '2 hours ago' /nix/store/*
