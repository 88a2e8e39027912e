// Package firewall finds the local rule that stops a new TCP connection to a port:
// nftables, iptables, ufw. It reads the rules as text, changes none, and says of a
// condition that cannot be known that it may hold.
package firewall

import (
	"context"
	"slices"
	"strings"
	"sync"

	"relayhost/internal/host"
)

// Action is what a rule does to a packet.
type Action string

// The actions that stop a packet, or send it elsewhere.
const (
	Drop   Action = "drop"
	Reject Action = "reject"
	DNAT   Action = "dnat"
)

// Rule is a local rule that stands in the way of a packet.
type Rule struct {
	Tool   string // nft | iptables | ip6tables | iptables-legacy | ip6tables-legacy | ufw
	Text   string // as the tool prints it, as far as we can tell
	Action Action
}

func (r *Rule) String() string { return r.Tool + ": " + r.Text }

// Packet is what the rules are asked about: a new TCP connection.
type Packet struct {
	Port int
	IPv6 bool
	UID  int // of the process that connects
}

// Query asks a program of the host (host.Reader.Query).
type Query func(context.Context, host.Query) (host.Output, error)

// truth is the outcome of a match: rules use conditions that we cannot know.
type truth int

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// not turns a match around; what is unknown stays unknown.
func (t truth) not() truth { return yes - t }

// rules is the local rules as text, read once.
type rules struct {
	nft  []byte
	ipt4 []byte
	ipt6 []byte
	old4 []byte // of the legacy iptables, where iptables itself speaks nftables
	old6 []byte
	ufw  []byte
	able []string // the tools that could be asked
}

// read asks every tool that is installed, all at once; they need root.
func read(ctx context.Context, query Query) rules {
	var f rules
	ask := func(into *[]byte, q host.Query) func() {
		return func() {
			if out, err := query(ctx, q); err == nil && out.Code == 0 {
				*into = out.Stdout
			}
		}
	}
	inParallel(
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
			f.able = append(f.able, tool.name)
		}
	}
	return f
}

// find returns the rule that stops p. ufw's own words come first, since that
// is where its administrator would change it.
func (f rules) find(p Packet) *Rule {
	save, old, name := f.ipt4, f.old4, "iptables"
	if p.IPv6 {
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
	if r := findUfw(f.ufw, p); r != nil && (strings.Contains(found.Text, "ufw") || strings.HasPrefix(found.Text, "-P ")) {
		r.Action = found.Action
		return r
	}
	return found
}

// findUfw reads lines like "25/tcp  DENY OUT  Anywhere" of `ufw status verbose`,
// and the default for what goes out.
func findUfw(status []byte, p Packet) *Rule {
	var byDefault *Rule
	for line := range strings.Lines(string(status)) {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "Default:") && (strings.Contains(line, "deny (outgoing)") || strings.Contains(line, "reject (outgoing)")) {
			byDefault = &Rule{Tool: "ufw", Text: clean(strings.Join(fields, " ")), Action: Drop}
		}
		at := slices.Index(fields, "OUT")
		if at < 2 || fields[at-1] != "DENY" && fields[at-1] != "REJECT" {
			continue
		}
		if strings.Contains(line, "(v6)") != p.IPv6 {
			continue
		}
		port, _, _ := strings.Cut(fields[0], "/")
		if !portIn(port, p.Port) {
			continue
		}
		return &Rule{Tool: "ufw", Text: clean(strings.Join(fields, " ")), Action: Drop}
	}
	return byDefault
}

func inParallel(tasks ...func()) {
	var wait sync.WaitGroup
	for _, task := range tasks {
		wait.Go(task)
	}
	wait.Wait()
}

// maxShown bounds a foreign text in the output, in bytes.
const maxShown = 200

// clean makes foreign bytes fit for a terminal: printable ASCII, one line.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text[:min(len(text), maxShown)])
}
