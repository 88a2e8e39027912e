//go:build lab

package detect_test

import (
	"strings"
	"testing"
	"time"

	"relayhost/detect"
	"relayhost/internal/lab"
)

// TestLabFirewallTools: rules that the real tools have made are found, and quoted
// in the words of the tool that an administrator would change them with.
func TestLabFirewallTools(t *testing.T) {
	l := lab.New(t, lab.MailExchangers(), lab.Delay(5*time.Millisecond), lab.Packages("ufw", "iptables"))
	s := l.Server
	both := func(rule string) string { return "iptables " + rule + " && ip6tables " + rule }
	const flush = "for t in iptables ip6tables; do $t -P OUTPUT ACCEPT; $t -F; $t -X; done; "
	for _, c := range []struct {
		name, make, undo string
		rule, next       string
	}{
		{"iptables, reject", both("-A OUTPUT -p tcp --dport 25 -j REJECT"), flush, "iptables: -A OUTPUT -p tcp -m tcp --dport 25 -j REJECT", "sudo iptables -S OUTPUT"},
		{"iptables, a chain of its own", both("-N nomail") + " && " + both("-A nomail -j DROP") + " && " + both("-A OUTPUT -p tcp -m multiport --dports 25,26 -j nomail"), flush, "iptables: -A nomail -j DROP", "sudo iptables -S nomail"},
		{"iptables, policy", both("-A OUTPUT -p tcp -m multiport --dports 53,443,465,587,2525 -j ACCEPT") + " && " + both("-A OUTPUT -p udp -j ACCEPT") + " && " + both("-A OUTPUT -p icmpv6 -j ACCEPT") + " && " + both("-P OUTPUT DROP"), flush, "iptables: -P OUTPUT DROP", "sudo iptables -S OUTPUT"},
		{"legacy iptables", "iptables-legacy -A OUTPUT -p tcp --dport 25 -j DROP && ip6tables-legacy -A OUTPUT -p tcp --dport 25 -j DROP", "iptables-legacy -F; ip6tables-legacy -F", "iptables-legacy: -A OUTPUT", "sudo iptables-legacy -S OUTPUT"},
		{"ufw, deny", "ufw --force enable && ufw deny out 25/tcp", "ufw delete deny out 25/tcp", "ufw: 25/tcp DENY OUT Anywhere", "sudo ufw status numbered"},
		{"ufw, reject", "ufw reject out 25/tcp", "ufw delete reject out 25/tcp", "ufw: 25/tcp REJECT OUT Anywhere", "sudo ufw status numbered"},
		{"ufw, deny all", "ufw allow out 53 && ufw allow out 443,465,587,2525/tcp && ufw default deny outgoing", "ufw --force disable", "ufw: Default: deny (incoming), deny (outgoing)", "sudo ufw status numbered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Shell(c.make)
			defer s.Run("sh", "-c", c.undo)
			facts, res := detected(t, l)
			p := facts.Port25
			if p.IPv4 != detect.BlockedLocally || p.IPv6 != detect.BlockedLocally || !strings.HasPrefix(p.LocalRule, c.rule) || facts.Next != c.next {
				t.Errorf("got %s, %s; rule %q; next %q; %s, want %s and %s and %v at its start and %q", p.IPv4, p.IPv6, p.LocalRule, facts.Next, p.Why, detect.BlockedLocally, detect.BlockedLocally, c.rule, c.next)
			}
			t.Logf("%s; %s", res.Took, p.Why)
		})
	}
	if facts, _ := detected(t, l); facts.Port25.Verdict != detect.Open {
		t.Errorf("without rules: got %s: %s, want %s", facts.Port25.Verdict, facts.Port25.Why, detect.Open)
	}
}
