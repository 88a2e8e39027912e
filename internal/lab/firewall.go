package lab

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"sync"

	"github.com/vishvananda/netns"
)

// Fate is what becomes of a connection attempt on its way.
type Fate string

// What a provider may do with a port. But for Open and Intermittent they are
// the ends of rules of nft(8), so that a test can have one of its own.
const (
	// Open lets connections through.
	Open Fate = ""
	// Dropped answers with silence: the client times out.
	Dropped Fate = "drop"
	// Reset gives ECONNREFUSED after a round trip.
	Reset Fate = "reject with tcp reset"
	// Prohibited gives EHOSTUNREACH, with IPv6 EACCES, after a round trip.
	Prohibited Fate = "reject with icmpx type admin-prohibited"
	// NoPort gives ECONNREFUSED after a round trip.
	NoPort Fate = "reject with icmpx type port-unreachable"
	// NoHost gives EHOSTUNREACH after a round trip.
	NoHost Fate = "reject with icmpx type host-unreachable"
	// NoNet gives ENETUNREACH after a round trip.
	NoNet Fate = "reject with icmpx type no-route"
	// Lossy loses every second SYN, from the first on: each connection
	// takes a second longer.
	Lossy Fate = "tcp flags syn numgen inc mod 2 == 0 drop"
	// Throttled lets three connections through and then, for a while, none.
	Throttled Fate = "tcp flags syn limit rate over 3/hour burst 3 packets drop"
	// Intermittent lets every second connection through, the first one too;
	// the others meet silence.
	Intermittent Fate = "intermittent"
)

// Family is an address family, or both.
type Family string

// The address families as nft(8) names them.
const (
	Both Family = ""
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// firewall is the provider's: rules on what comes from the servers, before
// routing, so that they hold for any destination whether it exists or not.
type firewall struct {
	ns netns.NsHandle

	mu        sync.Mutex
	block     map[gate]Fate
	order     []gate
	intercept []string
	rules     []string
}

type gate struct {
	port   int
	family Family
}

// Block sets what the provider does with TCP connections of the servers to a
// port. It replaces what was set before; Open lets them through again.
func (w *World) Block(port int, f Fate, family Family) {
	w.t.Helper()
	w.firewall(func(fw *firewall) {
		g := gate{port, family}
		if fw.block == nil {
			fw.block = map[gate]Fate{}
		}
		if _, ok := fw.block[g]; !ok {
			fw.order = append(fw.order, g)
		}
		fw.block[g] = f
	})
}

// Intercept sends all connections of the servers to a port to one address, as
// a transparent proxy does; of the family of that address.
func (w *World) Intercept(port int, to netip.AddrPort) {
	w.t.Helper()
	family := "ip"
	if to.Addr().Is6() {
		family = "ip6"
	}
	w.firewall(func(fw *firewall) {
		fw.intercept = append(fw.intercept, fmt.Sprintf("tcp dport %d dnat %s to %s", port, family, to))
	})
}

// Rule adds a rule of nft(8) to the provider's, on packets from the servers
// ("udp dport 53 drop").
func (w *World) Rule(rule string) {
	w.t.Helper()
	w.firewall(func(fw *firewall) { fw.rules = append(fw.rules, rule) })
}

// NoRules takes all of the provider's rules away.
func (w *World) NoRules() {
	w.t.Helper()
	w.firewall(func(fw *firewall) {
		fw.block, fw.order, fw.intercept, fw.rules = nil, nil, nil, nil
	})
}

// firewall changes the provider's rules and loads them, as one transaction.
func (w *World) firewall(change func(*firewall)) {
	w.t.Helper()
	w.fw.mu.Lock()
	defer w.fw.mu.Unlock()
	change(&w.fw)
	if err := nft(w.fw.ns, w.fw.script()); err != nil {
		w.t.Fatalf("lab: provider's firewall: %v", err)
	}
}

func (fw *firewall) script() string {
	var b strings.Builder
	b.WriteString("table inet provider\ndelete table inet provider\ntable inet provider {\n")
	b.WriteString(" set doomed { type inet_service; flags dynamic, timeout; timeout 2m; }\n")
	b.WriteString(" chain filter { type filter hook prerouting priority mangle; policy accept;\n")
	for _, r := range fw.rules {
		fmt.Fprintf(&b, "  iifname \"srv*\" %s\n", r)
	}
	for _, g := range fw.order {
		f := fw.block[g]
		if f == Open {
			continue
		}
		match := fmt.Sprintf("tcp dport %d", g.port)
		if g.family != Both {
			match = "meta nfproto " + string(g.family) + " " + match
		}
		if f == Intermittent {
			// A connection that has lost its first SYN loses the repeats.
			fmt.Fprintf(&b, "  iifname \"srv*\" %s tcp flags syn tcp sport @doomed drop\n", match)
			f = "tcp flags syn numgen inc mod 2 == 1 add @doomed { tcp sport } drop"
		}
		fmt.Fprintf(&b, "  iifname \"srv*\" %s %s\n", match, f)
	}
	b.WriteString(" }\n chain intercept { type nat hook prerouting priority dstnat; policy accept;\n")
	for _, r := range fw.intercept {
		fmt.Fprintf(&b, "  iifname \"srv*\" %s\n", r)
	}
	b.WriteString(" }\n}\n")
	return b.String()
}

// LocalRule adds a rule of nft(8) to the server's own output chain:
// "tcp dport 25 reject", "meta skuid != 0 tcp dport 25 drop".
func (s *Server) LocalRule(rule string) {
	s.t.Helper()
	s.Nft(fmt.Sprintf(`table inet filter {
	chain output {
		type filter hook output priority filter; policy accept;
		%s
	}
}
`, rule))
}

// Nft loads a script of nft(8) in the server's network namespace, with the
// machine's nft: the server needs none.
func (s *Server) Nft(script string) {
	s.t.Helper()
	if err := nft(s.net, script); err != nil {
		s.t.Fatalf("lab: %s: %v", s.cfg.hostname, err)
	}
}

func nft(ns netns.NsHandle, script string) error {
	path, err := exec.LookPath("nft")
	if err != nil {
		return fmt.Errorf("nft is needed (apt-get install nftables): %w", err)
	}
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-f", "-")
	cmd.Stdin = strings.NewReader(script)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := inNet(ns, cmd.Start); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("nft: %w: %s\n%s", err, out.Bytes(), script)
	}
	return nil
}
