package firewall

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"relayhost/internal/host"
)

// chain wraps rules as `nft -j list ruleset` (1.0.6) prints them in a base
// chain of the output hook.
func chain(policy string, rules ...string) string {
	var b strings.Builder
	b.WriteString(`{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
{"table": {"family": "inet", "name": "filter", "handle": 1}},
{"set": {"family": "inet", "name": "mailports", "table": "filter", "type": "inet_service", "handle": 4, "elem": [25, 465]}},
{"chain": {"family": "inet", "table": "filter", "name": "other", "handle": 1}},
{"chain": {"family": "inet", "table": "filter", "name": "output", "handle": 2, "type": "filter", "hook": "output", "prio": 0, "policy": "` + policy + `"}}`)
	for _, r := range rules {
		name, expr, _ := strings.Cut(r, ": ")
		b.WriteString(`,` + "\n" + `{"rule": {"family": "inet", "table": "filter", "chain": "` + name + `", "handle": 9, "expr": [` + expr + `]}}`)
	}
	b.WriteString("]}")
	return b.String()
}

const (
	port25    = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 25}}`
	not25     = `{"match": {"op": "!=", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 25}}`
	portSet   = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [25, 587, {"range": [2000, 3000]}]}}}`
	portRange = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"range": [20, 30]}}}`
	portNamed = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": "@mailports"}}`
	port587   = `{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 587}}`
	notRoot   = `{"match": {"op": "!=", "left": {"meta": {"key": "skuid"}}, "right": 0}}`
	users     = `{"match": {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": {"set": [0, 101]}}}`
	loopback  = `{"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": "lo"}}`
	known     = `{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}`
	isTCP     = `{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}}`
	isUDP     = `{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "udp"}}`
	overIPv6  = `{"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv6"}}`
	toSome    = `{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": {"prefix": {"addr": "192.0.2.0", "len": 24}}}}`
	limited   = `{"limit": {"rate": 10, "burst": 5, "per": "minute"}}`
	owner     = `{"xt": {"type": "match", "name": "owner"}}`
	drop      = `{"drop": null}`
	accept    = `{"accept": null}`
	reject    = `{"reject": {"type": "icmpx", "expr": "port-unreachable"}}`
	tcpReset  = `{"reject": {"type": "tcp reset"}}`
	vmap      = `{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[25, {"drop": null}], [26, {"accept": null}]]}}}`
	count     = `{"counter": {"packets": 0, "bytes": 0}}`
)

func list(parts ...string) string { return strings.Join(parts, ", ") }

func TestFindNft(t *testing.T) {
	root, mailer := Packet{Port: 25}, Packet{Port: 25, UID: 101}
	six := Packet{Port: 25, IPv6: true}
	for _, c := range []struct {
		name  string
		rules string
		p     Packet
		want  string // the quoted rule; "" for none
		act   Action
	}{
		{"nothing", chain("accept"), root, "", ""},
		{"drop", chain("accept", "output: "+list(port25, count, drop)), root, "inet filter output: tcp dport 25 counter drop", Drop},
		{"reject", chain("accept", "output: "+list(port25, reject)), six, "reject with icmpx port-unreachable", Reject},
		{"reset", chain("accept", "output: "+list(port25, tcpReset)), root, "reject with tcp reset", Reject},
		{"a set", chain("accept", "output: "+list(portSet, drop)), root, "tcp dport { 25, 587, 2000-3000 } drop", Drop},
		{"a range", chain("accept", "output: "+list(portRange, drop)), root, "20-30", Drop},
		{"a named set", chain("accept", "output: "+list(portNamed, drop)), root, "@mailports", Drop},
		{"a verdict map", chain("accept", "output: "+vmap), root, "vmap", Drop},
		{"another port", chain("accept", "output: "+list(port587, drop)), root, "", ""},
		{"loopback only", chain("accept", "output: "+list(loopback, port25, drop)), root, "", ""},
		{"UDP", chain("accept", "output: "+list(isUDP, drop)), root, "", ""},
		{"all TCP", chain("accept", "output: "+list(isTCP, drop)), root, "meta l4proto tcp drop", Drop},
		{"accepted before", chain("accept", "output: "+list(port25, accept), "output: "+list(port25, drop)), root, "", ""},
		{"established ones are accepted before", chain("accept", "output: "+list(known, accept), "output: "+list(port25, drop)), root, "dport 25 drop", Drop},
		{"rule by user, root", chain("accept", "output: "+list(notRoot, port25, reject)), root, "", ""},
		{"rule by user, postfix", chain("accept", "output: "+list(notRoot, port25, reject)), mailer, "meta skuid != 0 tcp dport 25 reject", Reject},
		{"users that may, then drop, postfix", chain("accept", "output: "+list(users, port25, accept), "output: "+list(port25, drop)), mailer, "", ""},
		{"policy drop", chain("drop", "output: "+list(known, accept), "output: "+list(port587, accept)), root, "chain inet filter output: policy drop", Drop},
		{"policy drop, 25 accepted", chain("drop", "output: "+list(port25, accept)), root, "", ""},
		{"policy drop, all but 25 accepted", chain("drop", "output: "+list(not25, accept)), root, "policy drop", Drop},
		{"jump", chain("accept", `output: {"jump": {"target": "other"}}`, "other: "+list(port25, drop)), root, "inet filter other: tcp dport 25 drop", Drop},
		{"goto, and back to the policy", chain("drop", `output: {"goto": {"target": "other"}}`, "output: "+accept), root, "policy drop", Drop},
		{"return from a jump", chain("accept", `output: {"jump": {"target": "other"}}`, "other: "+`{"return": null}`, "other: "+drop, "output: "+list(port25, reject)), root, "reject", Reject},
		{"chains in a circle", chain("accept", `output: {"jump": {"target": "other"}}`, `other: {"jump": {"target": "other"}}`), root, "", ""},
		{"IPv6 only, IPv4 asked", chain("accept", "output: "+list(overIPv6, port25, drop)), root, "", ""},
		{"IPv6 only, IPv6 asked", chain("accept", "output: "+list(overIPv6, port25, drop)), six, "ipv6", Drop},
		{"some addresses: names port 25, so it is quoted", chain("accept", "output: "+list(toSome, port25, drop)), root, "192.0.2.0/24", Drop},
		{"some addresses, all ports: not quoted", chain("accept", "output: "+list(toSome, drop)), root, "", ""},
		{"a limit that we cannot know", chain("accept", "output: "+list(port25, limited, drop)), root, "limit drop", Drop},
		{"a match of iptables-nft that we cannot know", chain("accept", "output: "+list(port25, owner, drop)), root, "xt match owner drop", Drop},
		{"a named verdict map", strings.Replace(chain("accept", `output: {"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@ports"}}`),
			`{"chain"`, `{"map": {"family": "inet", "name": "ports", "table": "filter", "type": "inet_service", "map": "verdict", "elem": [[25, {"drop": null}], [443, {"accept": null}]]}}, {"chain"`, 1), root, "vmap", Drop},
		{"a set of two fields", chain("accept", "output: "+list(joined(`{"concat": ["tcp", 465]}, {"concat": ["tcp", 25]}`), drop)), root, "drop", Drop},
		{"a set of two fields without the port", chain("accept", "output: "+list(joined(`{"concat": ["tcp", 465]}`), drop)), root, "", ""},
		{"an IPv4 address, IPv6 asked", chain("accept", "output: "+list(toSome, port25, drop)), six, "", ""},
		{"not an IPv4 address, IPv6 asked", chain("accept", "output: "+list(strings.Replace(toSome, "==", "!=", 1), port25, drop)), six, "", ""},
		{"no JSON", "Operation not permitted", root, "", ""},
		{"another shape", `{"nftables": 5}`, root, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) { checkRule(t, findNft([]byte(c.rules), c.p), c.want, c.act) })
	}
}

// joined matches "meta l4proto . th dport" against the elements.
func joined(elems string) string {
	return `{"match": {"op": "==", "left": {"concat": [{"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]}, "right": {"set": [` + elems + `]}}}`
}

// The chains of firewalld 2 with a policy that rejects port 25, as nft 1.0.6
// prints them.
func TestFindFirewalld(t *testing.T) {
	data, err := os.ReadFile("testdata/nft_firewalld.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, six := range []bool{false, true} {
		r := findNft(data, Packet{Port: 25, IPv6: six})
		checkRule(t, r, "inet firewalld filter_OUT_policy_nomail_deny: tcp dport 25 reject with icmpx admin-prohibited", Reject)
		checkRule(t, findNft(data, Packet{Port: 587, IPv6: six}), "", "")
	}
}

func checkRule(t *testing.T, got *Rule, want string, act Action) {
	t.Helper()
	switch {
	case got == nil && want == "":
	case got == nil || want == "":
		t.Errorf("got %v, want %q", got, want)
	case !strings.Contains(got.Text, want) || got.Action != act:
		t.Errorf("got %s (%s), want %q (%s)", got, got.Action, want, act)
	}
}

const (
	saveHead = "# Generated by iptables-save v1.8.9 (nf_tables)\n*nat\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -m tcp --dport 25 -j DROP\nCOMMIT\n*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:LIMIT - [0:0]\n"
	saveTail = "COMMIT\n# Completed\n"
)

func TestFindIptables(t *testing.T) {
	root, mailer := Packet{Port: 25}, Packet{Port: 25, UID: 101}
	for _, c := range []struct {
		name, rules string
		p           Packet
		want        string
		act         Action
	}{
		{"nothing in the filter table", "", root, "", ""},
		{"drop", "-A OUTPUT -p tcp -m tcp --dport 25 -j DROP\n", root, "--dport 25 -j DROP", Drop},
		{"reject by user, root", "-A OUTPUT -p tcp -m tcp --dport 25 -m owner ! --uid-owner 0 -j REJECT --reject-with icmp-port-unreachable\n", root, "", ""},
		{"reject by user, postfix", "-A OUTPUT -p tcp -m tcp --dport 25 -m owner ! --uid-owner 0 -j REJECT --reject-with icmp-port-unreachable\n", mailer, "! --uid-owner 0 -j REJECT", Reject},
		{"multiport", "-A OUTPUT -p tcp -m multiport --dports 25,465,587 -j REJECT\n", root, "--dports 25,465,587", Reject},
		{"a range", "-A OUTPUT -p tcp -m tcp --dport 20:30 -j DROP\n", root, "20:30", Drop},
		{"all but a port", "-A OUTPUT -p tcp -m tcp ! --dport 443 -j DROP\n", root, "! --dport 443", Drop},
		{"another port", "-A OUTPUT -p tcp -m tcp --dport 2525 -j DROP\n", root, "", ""},
		{"UDP", "-A OUTPUT -p udp -j DROP\n", root, "", ""},
		{"accepted before", "-A OUTPUT -p tcp -m tcp --dport 25 -j ACCEPT\n-A OUTPUT -j DROP\n", root, "", ""},
		{"loopback accepted before", "-A OUTPUT -o lo -j ACCEPT\n-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A OUTPUT -j DROP\n", root, "-A OUTPUT -j DROP", Drop},
		{"not loopback", "-A OUTPUT ! -o lo -p tcp -m tcp --dport 25 -j DROP\n", root, "! -o lo", Drop},
		{"a chain of one's own", "-A OUTPUT -p tcp -m tcp --dport 25 -j LIMIT\n-A LIMIT -j REJECT\n", root, "-A LIMIT -j REJECT", Reject},
		{"a chain that returns", "-A OUTPUT -j LIMIT\n-A LIMIT -j RETURN\n-A LIMIT -j DROP\n", root, "", ""},
		{"one interface: names port 25, so it is quoted", "-A OUTPUT -o eth0 -p tcp -m tcp --dport 25 -j DROP\n", root, "-o eth0", Drop},
		{"one address, all ports: not quoted", "-A OUTPUT -d 192.0.2.1/32 -j DROP\n", root, "", ""},
		{"a comment with words of rules", `-A OUTPUT -p tcp -m tcp --dport 587 -m comment --comment "no --dport 25 -j DROP" -j ACCEPT` + "\n", root, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkRule(t, findIptables([]byte(saveHead+c.rules+saveTail), "iptables", c.p), c.want, c.act)
		})
	}
	t.Run("policy", func(t *testing.T) {
		save := strings.Replace(saveHead, "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT", "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP", 1) + saveTail
		checkRule(t, findIptables([]byte(save), "ip6tables", root), "-P OUTPUT DROP", Drop)
	})
}

func TestFindUfw(t *testing.T) {
	const status = `Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
22/tcp                     ALLOW IN    Anywhere
25/tcp                     DENY OUT    Anywhere
25/tcp (v6)                REJECT OUT  Anywhere (v6)
`
	f := rules{ufw: []byte(status), ipt4: []byte(strings.Replace(saveHead, ":LIMIT", ":ufw-user-output", 1) +
		"-A OUTPUT -j ufw-user-output\n-A ufw-user-output -p tcp -m tcp --dport 25 -j DROP\n" + saveTail)}
	checkRule(t, f.find(Packet{Port: 25}), "25/tcp DENY OUT Anywhere", Drop)
	checkRule(t, f.find(Packet{Port: 465}), "", "")
	checkRule(t, findUfw([]byte(status), Packet{Port: 25, IPv6: true}), "REJECT OUT", Drop)
}

// What only the legacy iptables has, and what ufw does by default.
func TestFindLegacyAndDefault(t *testing.T) {
	save := []byte(saveHead + "-A OUTPUT -p tcp -m tcp --dport 25 -j DROP\n" + saveTail)
	f := rules{ipt4: []byte(saveHead + saveTail), ipt6: []byte(saveHead + saveTail), nft: []byte(chain("accept")), old4: save, old6: save}
	for _, six := range []bool{false, true} {
		t.Run(fmt.Sprintf("IPv6 %v", six), func(t *testing.T) {
			r := f.find(Packet{Port: 25, IPv6: six})
			checkRule(t, r, "--dport 25 -j DROP", Drop)
			if !strings.Contains(r.Tool, "-legacy") {
				t.Errorf("tool: got %s, want one that ends in -legacy", r.Tool)
			}
		})
	}
	policy := strings.Replace(saveHead, "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT", "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT DROP", 1) + saveTail
	f = rules{ipt4: []byte(policy), ufw: []byte("Status: active\nDefault: deny (incoming), deny (outgoing), disabled (routed)\n")}
	checkRule(t, f.find(Packet{Port: 25}), "Default: deny (incoming), deny (outgoing)", Drop)
	f.ufw = []byte("Status: inactive\n")
	checkRule(t, f.find(Packet{Port: 25}), "-P OUTPUT DROP", Drop)
}

// Tools that are missing or fail are no rules, and are not said to have been read.
func TestReadFirewall(t *testing.T) {
	f := read(t.Context(), func(_ context.Context, q host.Query) (host.Output, error) {
		switch {
		case strings.HasPrefix(q.String(), "nft"):
			return host.Output{Stdout: []byte(chain("accept", "output: "+list(port25, drop)))}, nil
		case strings.HasPrefix(q.String(), "ufw"):
			return host.Output{Code: 1}, nil
		default:
			return host.Output{}, errors.New("program not found")
		}
	})
	if len(f.able) != 1 || f.able[0] != "nft" {
		t.Errorf("tools that were read: got %v, want nft alone", f.able)
	}
	checkRule(t, f.find(Packet{Port: 25}), "tcp dport 25 drop", Drop)
}

func FuzzFindNft(f *testing.F) {
	f.Add([]byte(chain("drop", "output: "+list(port25, drop), "output: "+vmap)))
	f.Add([]byte(chain("accept", "output: "+list(portSet, users, reject), `output: {"jump": {"target": "other"}}`)))
	f.Add([]byte(`{"nftables":[{"rule":{"expr":[{"match":{"left":5,"right":[]}}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := findNft(data, Packet{Port: 25}); r != nil && (strings.ContainsFunc(r.Text, func(c rune) bool { return c < ' ' || c > '~' }) || r.Action == "") {
			t.Errorf("rule: got %q with the action %q, want printable ASCII and an action", r.Text, r.Action)
		}
	})
}

func FuzzFindIptables(f *testing.F) {
	f.Add([]byte(saveHead + "-A OUTPUT -p tcp ! --dport 443 -j LIMIT\n-A LIMIT -j REJECT\n" + saveTail))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r := findIptables(data, "iptables", Packet{Port: 25}); r != nil && r.Action == "" {
			t.Errorf("rule %q: got no action, want one", r.Text)
		}
	})
}
