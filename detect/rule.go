package detect

import (
	"context"
	"slices"
	"strings"

	"relayhost/internal/host"
)

// action is what a rule does to a packet.
type action string

const (
	actionDrop   action = "drop"
	actionReject action = "reject"
	actionDNAT   action = "dnat"
)

// rule is a local firewall rule that stands in the way of port 25.
type rule struct {
	tool   string // nft | iptables | ip6tables | ufw
	text   string // as the tool prints it, as far as we can tell
	action action
}

func (r *rule) String() string { return r.tool + ": " + r.text }

// packet is what the rules are asked about: a new TCP connection to port 25.
type packet struct {
	port int
	ipv6 bool
	uid  int
}

// truth is the outcome of a match: rules use conditions that we cannot know.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func and(a, b truth) truth { return min(a, b) }

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// not turns a match around; what is unknown stays unknown.
func (t truth) not() truth { return yes - t }

// firewall is the local rules as text, read once.
type firewall struct {
	nft  []byte
	ipt4 []byte
	ipt6 []byte
	old4 []byte // of the legacy iptables, where iptables itself speaks nftables
	old6 []byte
	ufw  []byte
	read []string // the tools that could be asked
}

// readFirewall asks every tool that is installed, all at once; they need root.
func readFirewall(ctx context.Context, query queryFunc) firewall {
	var f firewall
	ask := func(into *[]byte, q host.Query) func() {
		return func() {
			if out, err := query(ctx, q); err == nil && out.Code == 0 {
				*into = out.Stdout
			}
		}
	}
	atOnce(
		ask(&f.nft, host.NftRuleset()),
		ask(&f.ipt4, host.IptablesSave(false)),
		ask(&f.ipt6, host.IptablesSave(true)),
		ask(&f.old4, host.IptablesLegacySave(false)),
		ask(&f.old6, host.IptablesLegacySave(true)),
		ask(&f.ufw, host.UfwStatus()),
	)
	for _, tool := range []struct {
		name string
		text []byte
	}{{"nft", f.nft}, {"iptables", f.ipt4}, {"ip6tables", f.ipt6}, {"ufw", f.ufw}} {
		if tool.text != nil {
			f.read = append(f.read, tool.name)
		}
	}
	return f
}

// find returns the rule that stops p. ufw's own words come first, since that
// is where its administrator would change it.
func (f firewall) find(p packet) *rule {
	save, old, name := f.ipt4, f.old4, "iptables"
	if p.ipv6 {
		save, old, name = f.ipt6, f.old6, "ip6tables"
	}
	found := findIptables(save, name, p)
	if found == nil {
		found = findNft(f.nft, p)
	}
	if found == nil {
		found = findIptables(old, name+"-legacy", p)
	}
	if found == nil {
		return nil
	}
	if r := findUfw(f.ufw, p); r != nil && (strings.Contains(found.text, "ufw") || strings.HasPrefix(found.text, "-P ")) {
		r.action = found.action
		return r
	}
	return found
}

// findUfw reads lines like "25/tcp  DENY OUT  Anywhere" of `ufw status verbose`,
// and the default for what goes out.
func findUfw(status []byte, p packet) *rule {
	var byDefault *rule
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "Default:") && (strings.Contains(line, "deny (outgoing)") || strings.Contains(line, "reject (outgoing)")) {
			byDefault = &rule{tool: "ufw", text: clean(strings.Join(fields, " ")), action: actionDrop}
		}
		at := slices.Index(fields, "OUT")
		if at < 2 || fields[at-1] != "DENY" && fields[at-1] != "REJECT" {
			continue
		}
		if strings.Contains(line, "(v6)") != p.ipv6 {
			continue
		}
		port, _, _ := strings.Cut(fields[0], "/")
		if !portIn(port, p.port) {
			continue
		}
		return &rule{tool: "ufw", text: clean(strings.Join(fields, " ")), action: actionDrop}
	}
	return byDefault
}
