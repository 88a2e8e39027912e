package setup

import (
	"fmt"
	"os"
	"strings"

	"relayhost/internal/config"
	"relayhost/internal/verify"
)

// NextSteps are the lines on what only the administrator can do after a setup.
func NextSteps(c config.Config, delivered bool) []string {
	lines := []string{"", "what to do next:"}
	switch {
	case delivered && verify.Simulator(c.First().Relay, c.To):
		lines = append(lines, "- prove it with a mailbox of your own as well: relayhost verify --to "+c.From())
	case delivered:
		lines = append(lines, "- look for the test message in the mailbox of "+c.To)
	}
	if records := dnsRecords(c); len(records) > 0 {
		lines = append(lines, "- publish in DNS what is not there yet; relayhost verify checks it:")
		lines = append(lines, records...)
	}
	into := "> /etc/cron.d/relayhost"
	if os.Getenv("SUDO_USER") != "" { // the shell itself is no root
		into = "| sudo tee /etc/cron.d/relayhost"
	}
	return append(lines, "- have it checked daily; verify prints nothing while all is well:",
		"    echo '17 6 * * * root relayhost verify --no-send' "+into)
}

// dnsRecords are those that the service wants for the sender's domain. What
// stands in <> is in the service's own console.
func dnsRecords(c config.Config) []string {
	relay := c.First().Relay
	domain, dns := DomainOf(c.From()), relay.DNS
	var lines []string
	if dns.SPF != "" {
		lines = append(lines, fmt.Sprintf("    TXT %s: v=spf1 %s ~all", domain, dns.SPF), "      (add it to the SPF record that exists: there may be one only)")
	}
	for _, r := range dns.DKIM {
		name := strings.TrimSuffix(r.Name, "."+domain) + "." + domain
		if r.Value == "" {
			lines = append(lines, fmt.Sprintf("    %s %s: as the console of %s shows it", r.Type, name, relay.Name))
			continue
		}
		lines = append(lines, fmt.Sprintf("    %s %s: %s", r.Type, name, r.Value))
	}
	if strings.Contains(strings.Join(lines, ""), "<") {
		lines = append(lines, "      (what stands in <> is in your account at "+relay.Name+")")
	}
	return lines
}
