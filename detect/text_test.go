package detect

import (
	"encoding/csv"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relayhost/relays"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden compares got with testdata/name, or with path where it has a slash.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if strings.Contains(name, "/") {
		path = name
	}
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s: got the difference (-want +got)\n%s\nwant none; if the new text is right, run go test ./detect -update",
			path, cmp.Diff(string(want), got))
	}
}

func TestHostsTable(t *testing.T) {
	hosts, err := Hosts()
	if err != nil {
		t.Fatal(err)
	}
	table := HostsTable(hosts)
	for line := range strings.Lines(table) {
		if len(strings.TrimRight(line, "\n")) > 80 {
			t.Errorf("table of hosts: got a line of %d columns, want at most 80: %s", len(strings.TrimRight(line, "\n")), line)
		}
	}
	for _, h := range hosts {
		if !strings.Contains(table, h.ID+" ") {
			t.Errorf("table of hosts: got no %q in it, want each provider", h.ID+" ")
		}
		for line := range strings.Lines(h.Text()) {
			if len(strings.TrimRight(line, "\n")) > textWidth && len(strings.Fields(line)) > 2 {
				t.Errorf("%s: got a line of %d columns, want at most %d: %s", h.ID, len(strings.TrimRight(line, "\n")), textWidth, line)
			}
		}
		text := strings.Join(strings.Fields(h.Text()), " ")
		for _, want := range append([]string{h.Policy.URL, h.Policy.AsOf.String(), confidenceWords[h.Policy.Confidence], strings.Join(strings.Fields(h.Policy.Conflicts), " ")}, h.Policy.Steps...) {
			if want = strings.Join(strings.Fields(want), " "); !strings.Contains(text, want) {
				t.Errorf("%s: the text lacks %q", h.ID, want)
			}
		}
	}
	rows, err := csv.NewReader(strings.NewReader(HostsCSV(hosts))).ReadAll()
	if err != nil || len(rows) != len(hosts)+1 {
		t.Errorf("got %d rows, %v, want %d", len(rows), err, len(hosts)+1)
	}
}

func catalogue(t *testing.T) []relays.Relay {
	t.Helper()
	list, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// unblockCases are servers of which everything, or nothing, is known.
func unblockFacts(t *testing.T, id string) UnblockFacts {
	t.Helper()
	entry, ok := HostByID(id)
	if !ok {
		t.Fatalf("HostByID(%q): got none, want a provider", id)
	}
	f := UnblockFacts{Entry: entry, Hostname: "mail.example.com", Domain: "example.com", Catalog: catalogue(t)}
	f.Facts.Host = Host{Provider: id, Name: entry.Name, PublicIPv4: "203.0.113.10", Confidence: Certain}
	return f
}

func TestUnblockRequest(t *testing.T) {
	known := []DomainFinding{
		{"ptr", "pass", "203.0.113.10 is mail.example.com"}, {"fcrdns", "pass", "mail.example.com is 203.0.113.10"},
		{"spf", "pass", "v=spf1 ip4:203.0.113.10 -all"}, {"dkim", "pass", "s1._domainkey.example.com"}, {"dmarc", "pass", "v=DMARC1; p=quarantine"},
	}
	for _, id := range []string{"aws", "gcp", "hetzner", "ovh", "digitalocean", "vultr", "cox", "telekom"} {
		t.Run(id, func(t *testing.T) {
			f := unblockFacts(t, id)
			f.Findings, f.Purpose, f.Volume = known, "invoices and password resets to our own customers", "about 300 a day"
			if id == "aws" {
				f.Facts.Host.Region, f.Facts.Host.InstanceID = "eu-west-1", "i-0123456789abcdef0"
			}
			u, err := UnblockRequest(f)
			if err != nil {
				t.Fatal(err)
			}
			if len(u.Missing) > 0 {
				t.Errorf("missing: got %v, want none", u.Missing)
			}
			if strings.Contains(u.Request, "<") {
				t.Errorf("the request has a gap: got\n%s\nwant no %q in it", u.Request, "<")
			}
			if strings.TrimSpace(u.Instead) == "" {
				t.Errorf("instead: got %q, want some text", u.Instead)
			}
			golden(t, "unblock_"+id+".txt", u.Text())
		})
	}
}

func TestUnblockRequestNamesWhatIsMissing(t *testing.T) {
	f := unblockFacts(t, "hetzner")
	f.Facts.Host.PublicIPv4 = ""
	f.Findings = []DomainFinding{{"ptr", "fail", "there is none"}, {"spf", "fail", "example.com publishes none"}, {"dkim", "skip", ""}, {"dmarc", "warn", "p=none"}}
	u, err := UnblockRequest(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Missing) != 5 {
		t.Errorf("missing: got %q, want 5", u.Missing)
	}
	golden(t, "unblock_missing.txt", u.Text())
}

// A provider that does not lift the block gets no request, and a relay and port
// that its own policy lets through.
func TestUnblockWithoutAWay(t *testing.T) {
	for id, want := range map[string]string{"gcp": "port 587", "digitalocean": "port 25", "cox": "port 587", "azure": "port 587", "cloudzy": "HTTPS"} {
		t.Run(id, func(t *testing.T) {
			u, err := UnblockRequest(unblockFacts(t, id))
			if err != nil {
				t.Fatal(err)
			}
			if id != "cloudzy" && u.Request != "" {
				t.Errorf("%s does not lift the block: got the request\n%s\nwant none", id, u.Request)
			}
			if !strings.Contains(u.Instead, want) {
				t.Errorf("instead %q, want %s", u.Instead, want)
			}
		})
	}
}

func TestLines(t *testing.T) {
	base := func(id string, v Verdict, why string) Facts {
		f := Facts{Version: 1, Host: Host{Provider: id, Region: "eu-west-1", InstanceID: "i-0123456789abcdef0", PublicIPv4: "203.0.113.10",
			Confidence: Certain, Evidence: []string{"sys_vendor is X", "metadata: identity document of EC2"}},
			Port25: Port25{Verdict: v, IPv4: v, IPv6: Unreachable, Why: why}}
		if h, ok := HostByID(id); ok {
			f.Host.Name = h.Name
			f.Policy = &Policy{Blocked: h.Policy.Blocked, Unblock: h.Policy.Unblock, URL: h.Policy.URL, AsOf: h.Policy.AsOf.String()}
		}
		f.Submission = []Submission{{Relay: "ses", Port: 587, Result: "open"}, {Relay: "ses", Port: 465, Result: "untrusted", Step: "tls", Detail: "certificate signed by unknown authority"}, {Relay: "ses", Port: 2587, Result: "timeout", Step: "connect"}}
		r := &run{Options: Options{Catalog: catalogue(t), euid: func() int { return 0 }}}
		f.Advice, f.Next = r.advise(f)
		return f
	}
	local := base("aws", BlockedLocally, "a rule on this host stops it: nft: inet filter output: tcp dport 25 drop")
	local.Port25.LocalRule = "nft: inet filter output: tcp dport 25 drop"
	r := &run{Options: Options{euid: func() int { return 0 }}}
	local.Advice, local.Next = r.advise(local)
	offline := base("", Offline, "no outgoing connection works from this host, on any port")
	offline.Host = Host{Confidence: None, Evidence: []string{"no DMI strings on this machine"}}
	var all strings.Builder
	for _, f := range []Facts{
		base("aws", Blocked, "no answer from 3 mail services on port 25, while 5 connections to other ports got an answer"),
		local, base("hetzner", Open, "gmail-smtp-in.l.google.com greeted on port 25"),
		base("telekom", Refused, "connections to port 25 are refused by 3 mail services, which mail exchangers themselves never do"), offline,
	} {
		lines := f.Lines()
		if len(lines) > 12 {
			t.Errorf("got %d lines, want at most 12", len(lines))
		}
		all.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	golden(t, "lines.txt", all.String())
	for _, width := range []int{80, 40} {
		for _, line := range local.Brief(width) {
			if len(line) > width {
				t.Errorf("Brief(%d): got a line of %d columns, want at most %d: %q", width, len(line), width, line)
			}
		}
	}
}

// next is a command of ours or of the system, complete as it is.
func TestAdviceForEveryVerdict(t *testing.T) {
	for _, v := range []Verdict{Open, Blocked, BlockedLocally, Refused, Prohibited, Intermittent, Intercepted, Unreachable, Offline, DNSFailed, Inconclusive, NotProbed} {
		t.Run(string(v), func(t *testing.T) {
			for _, works := range []bool{true, false} {
				f := Facts{Port25: Port25{Verdict: v}}
				for _, p := range []int{587, 465, 2525} {
					row := Submission{Relay: "gmail", Port: p, Result: "timeout", Step: "connect"}
					if works {
						row.Result, row.Step = "open", ""
					}
					f.Submission = append(f.Submission, row)
				}
				r := &run{Options: Options{Catalog: catalogue(t), euid: func() int { return 0 }}}
				advice, next := r.advise(f)
				if advice == "" || next == "" || strings.ContainsAny(next, "<>[]|") || strings.Contains(advice, "\n") {
					t.Errorf("%s: advice %q, next %q, want some and no %q in it and some", v, advice, next, "\n")
				}
				if !works && strings.Contains(next, " setup") {
					t.Errorf("%s: %s though no port works, want no %q in it", v, next, " setup")
				}
			}
		})
	}
}

func TestRank(t *testing.T) {
	open := func(ports ...int) []Submission {
		rows := []Submission{}
		for _, p := range []int{587, 465, 2525} {
			row := Submission{Relay: "other", Port: p, Result: "timeout", Step: "connect"}
			for _, o := range ports {
				if o == p {
					row.Result, row.Step = "open", ""
				}
			}
			rows = append(rows, row)
		}
		return rows
	}
	for _, c := range []struct {
		name   string
		facts  Facts
		relay  string // "" is the first
		port   int
		region string
		works  Reach
		first  bool
		reason string
	}{
		{"AWS: SES in its own region first", Facts{Host: Host{Provider: "aws", Region: "eu-west-1"}, Submission: open(587, 465, 2525)}, "ses", 587, "eu-west-1", ReachSeen, true, "own region"},
		{"Hetzner: not 465", Facts{Host: Host{Provider: "hetzner"}}, "yahoo", 587, "", ReachLikely, false, ""},
		{"DigitalOcean: 2525", Facts{Host: Host{Provider: "digitalocean"}}, "postmark", 2525, "", ReachLikely, false, "587 "},
		{"DigitalOcean: the extra ports of SES", Facts{Host: Host{Provider: "digitalocean"}}, "ses", 2587, "", ReachLikely, false, ""},
		{"Linode: 2525", Facts{Host: Host{Provider: "linode"}}, "sendgrid", 2525, "", ReachLikely, false, ""},
		{"Scaleway: its own service by an extra port", Facts{Host: Host{Provider: "scaleway"}}, "scaleway", 2587, "", ReachLikely, true, ""},
		{"a service with blocked ports alone", Facts{Host: Host{Provider: "digitalocean"}}, "gmail", 587, "", ReachDenied, false, "blocks port"},
		{"the probe beats the policy", Facts{Host: Host{Provider: "digitalocean"}, Submission: open(587)}, "gmail", 587, "", ReachSeen, false, ""},
		{"only 2525 gets out", Facts{Submission: open(2525)}, "postmark", 2525, "", ReachSeen, false, "587 "},
		{"nothing gets out", Facts{Submission: open(), Port25: Port25{Verdict: Offline}}, "postmark", 0, "", ReachClosed, false, "none of"},
		{"unknown host, nothing probed", Facts{}, "postmark", 587, "", ReachUnknown, false, "not been tried"},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := Rank(c.facts, catalogue(t))
			for i, got := range list {
				if got.Relay != c.relay {
					continue
				}
				if got.Port != c.port || got.Region != c.region || got.Works != c.works || !strings.Contains(got.Reason, c.reason) {
					t.Errorf("got %+v, want port %d, region %q, %q and %q in the reason", got, c.port, c.region, c.works, c.reason)
				}
				if c.first && i != 0 {
					t.Errorf("%s: got place %d, want 1", c.relay, i+1)
				}
				return
			}
			t.Errorf("Rank: got %d relays without %q, want it among them", len(list), c.relay)
		})
	}
	list := Rank(Facts{Host: Host{Provider: "digitalocean"}}, catalogue(t))
	for i := 1; i < len(list); i++ {
		if list[i-1].Works.rank() > list[i].Works.rank() {
			t.Errorf("Rank: got %s (%s) before %s (%s), want the better reach first", list[i-1].Relay, list[i-1].Works, list[i].Relay, list[i].Works)
		}
	}
}

func TestShowCommand(t *testing.T) {
	for _, tt := range []struct {
		name, rule, want string
	}{
		{"firewalld", "nft: inet firewalld filter_OUT_policy_nomail_deny: tcp dport 25 reject with icmpx admin-prohibited", "sudo nft -a list chain inet firewalld filter_OUT_policy_nomail_deny"},
		{"iptables", "iptables: -A OUTPUT -p tcp -m tcp --dport 25 -j DROP", "sudo iptables -S OUTPUT"},
		{"ip6tables", "ip6tables: -A nomail -j REJECT", "sudo ip6tables -S nomail"},
		{"iptables policy", "iptables: -P OUTPUT DROP", "sudo iptables -S OUTPUT"},
		{"iptables-legacy", "iptables-legacy: -A OUTPUT -j DROP", "sudo iptables-legacy -S OUTPUT"},
		{"ufw", "ufw: 25/tcp DENY OUT Anywhere", "sudo ufw status numbered"},
		{"nft rule", "nft: inet filter output: tcp dport 25 drop", "sudo nft -a list chain inet filter output"},
		{"nft policy", "nft: chain inet filter output: policy drop", "sudo nft -a list chain inet filter output"},
		{"none", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := showCommand(tt.rule); got != tt.want {
				t.Errorf("%s: %q, want %q", tt.rule, got, tt.want)
			}
		})
	}
}

// What is said of the way to an open port 25 fits the way that the provider offers.
func TestUnblockWords(t *testing.T) {
	for way, want := range map[string]string{
		"no": "not opened on request; details: relayhost unblock", "request": "may be opened on request; how to ask: relayhost unblock",
		"self_service": "you can open it yourself; how: relayhost unblock", "automatic": "opened at once by a form; how: relayhost unblock",
		"unknown": "whether it can be opened is not known; how to ask: relayhost unblock",
	} {
		t.Run(way, func(t *testing.T) {
			f := Facts{Port25: Port25{Verdict: Blocked}, Policy: &Policy{Unblock: way, Blocked: []int{25}}}
			if got := strings.Join(f.Lines(), "\n"); !strings.Contains(got, want) {
				t.Errorf("got\n%s\nwant %q", got, want)
			}
			f.Port25.Verdict = Open
			if got := strings.Join(f.Lines(), "\n"); strings.Contains(got, unblockSays[way]) {
				t.Errorf("%s, open: got\n%s\nwant nothing on how to open it", way, got)
			}
		})
	}
}
