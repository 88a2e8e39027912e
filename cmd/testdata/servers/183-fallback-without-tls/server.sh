mkdir -p /etc/relayhost
cat > /etc/relayhost/relayhost.toml <<'T'
version = 1
relay = "smarthost"
host = "smtp1.corp.example"
port = 587
from = "me@example.org"
to = "somebody@gmail.com"

[[fallback]]
relay = "smarthost"
host = "smtp2.corp.example"
port = 587
T
