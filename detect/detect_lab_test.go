//go:build lab

package detect_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/detect"
	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

// detected runs the real program on the server and reads what it prints.
func detected(t *testing.T, l *lab.Lab, args ...string) (detect.Facts, lab.Result) {
	t.Helper()
	res := l.Run(append([]string{"relayhost", "detect", "--json"}, args...)...)
	if res.Code != 0 {
		t.Fatalf("detect --json %q: got %s\nwant exit 0", args, res)
	}
	var facts detect.Facts
	if err := json.Unmarshal([]byte(res.Stdout), &facts); err != nil {
		t.Fatalf("detect --json %q: got %v, want a JSON document\n%s", args, err, res)
	}
	return facts, res
}

// late is three times what a run takes on a quiet machine when no metadata
// service answers.
const late = 4 * time.Second

// polite checks what every run owes to the hosts that it asks.
func polite(t *testing.T, l *lab.Lab) {
	t.Helper()
	for host, x := range l.World.Exchangers() {
		err := x.Manners()
		for wait := 0; err != nil && wait < 20; wait++ { // the last QUIT may be on its way still
			time.Sleep(50 * time.Millisecond)
			err = x.Manners()
		}
		if err != nil {
			t.Errorf("sessions at %s: got\n%v\nwant QUIT in each and no MAIL, RCPT or AUTH", host, err)
		}
	}
}

// TestLabProviders runs `detect --no-probe` on a server of each provider.
func TestLabProviders(t *testing.T) {
	t.Parallel()
	for _, id := range lab.Clouds() {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.Cloud(id), lab.NoPostfix())
			machine := lab.CloudOf(id)
			l.World.DNS.PTR(netip.MustParseAddr("203.0.113.10"), ptrOf[id])
			facts, res := detected(t, l, "--no-probe")
			want, confidence := id, detect.Certain
			switch id {
			case "hyperv":
				want, confidence = "", detect.None
			case "openstack", "contabo":
				confidence = detect.Likely
			case "brightbox":
			}
			h := facts.Host
			if h.Provider != want || h.Confidence != confidence {
				t.Errorf("got %q, %s: %v, want %q and %s", h.Provider, h.Confidence, h.Evidence, want, confidence)
			}
			if want != "" && (h.Region != machine.Region || h.InstanceID != machine.InstanceID) {
				t.Errorf("region %q, want %q; instance %q, want %q; %v", h.Region, machine.Region, h.InstanceID, machine.InstanceID, h.Evidence)
			}
			if machine.PublicIPv4 != "" && h.PublicIPv4 != machine.PublicIPv4 {
				t.Errorf("address %q, want %q", h.PublicIPv4, machine.PublicIPv4)
			}
			if n := l.World.Metadata().WithoutToken(); id == "aws" && n > 0 {
				t.Errorf("%d requests without a token, want at most 0", n)
			}
			if facts.Port25.Verdict != detect.NotProbed {
				t.Errorf("verdict %s, want %s", facts.Port25.Verdict, detect.NotProbed)
			}
			if n := l.Server.Traffic().Connections[25]; n != 0 {
				t.Errorf("%d connections to port 25, want 0", n)
			}
			t.Logf("%s; %s", res.Took, strings.Join(h.Evidence, "; "))
		})
	}
}

var ptrOf = map[string]string{"contabo": "vmi1234567.contaboserver.net."}

// TestLabMetadataTraps: nobody but the provider that DMI names is asked, and no
// trap changes the provider or takes longer than it may.
func TestLabMetadataTraps(t *testing.T) {
	t.Parallel()
	traps := map[string]lab.MetadataTrap{
		"portal": lab.CaptivePortal, "redirect": lab.CaptiveRedirect, "hangs": lab.HangingMetadata, "drips": lab.DrippingMetadata,
		"1 GiB": lab.HugeMetadata, "wrong kinds": lab.WrongMetadata, "EC2 of OpenStack": lab.OpenStackEC2, "nothing there": nil,
	}
	for name, trap := range traps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, id := range []string{"aws", "digitalocean"} {
				t.Run(id, func(t *testing.T) {
					l := lab.New(t, lab.Cloud(id, trap), lab.NoPostfix())
					facts, res := detected(t, l, "--no-probe")
					if h := facts.Host; h.Provider != id || h.Confidence != detect.Certain || h.Region != "" || h.InstanceID != "" {
						t.Errorf("got %+v, want this provider, confidence %q, no region and no instance", h, detect.Certain)
					}
					if res.Took > late {
						t.Errorf("got %s, want at most %s", res.Took, late)
					}
				})
			}
		})
	}
	t.Run("no DMI", func(t *testing.T) {
		l := lab.New(t, lab.Trap(lab.CaptivePortal), lab.NoPostfix())
		facts, _ := detected(t, l, "--no-probe")
		if facts.Host.Provider != "" || facts.Host.Confidence != detect.None {
			t.Errorf("got %+v, want no provider and confidence %q", facts.Host, detect.None)
		}
		if n := len(l.World.Metadata().Requests()); n != 0 {
			t.Errorf("got %d metadata requests, want 0", n)
		}
	})
	t.Run("UpCloud where DMI says DigitalOcean", func(t *testing.T) {
		up := lab.CloudOf("upcloud")
		l := lab.New(t, lab.Cloud("digitalocean", up.ServeHTTP), lab.NoPostfix())
		facts, _ := detected(t, l, "--no-probe")
		if facts.Host.Provider != "digitalocean" || facts.Host.InstanceID != "" {
			t.Errorf("got %+v, want provider %q and no instance", facts.Host, "digitalocean")
		}
	})
	t.Run("proxy in the environment", func(t *testing.T) {
		l := lab.New(t, lab.Cloud("aws"), lab.NoPostfix())
		res := l.Server.Do(lab.Command{Args: []string{"relayhost", "detect", "--json", "--no-probe"},
			Env: []string{"HTTP_PROXY=http://192.0.2.99:3128", "http_proxy=http://192.0.2.99:3128"}})
		if !strings.Contains(res.Stdout, `"region": "eu-west-1"`) && !strings.Contains(res.Stdout, `"region":"eu-west-1"`) {
			t.Errorf("detect with a proxy in the environment: got %s\nwant region %q in it", res, "eu-west-1")
		}
		if n := l.Server.Traffic().Connections[3128]; n != 0 {
			t.Errorf("%d connections to the proxy, want 0", n)
		}
	})
}

// TestLabASN: one look-up over DNS, and only where it was asked for.
func TestLabASN(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoPostfix())
	const name = "10.113.0.203.origin.asn.cymru.com"
	l.World.DNS.Set(name, "TXT", "24940 | 203.0.113.0/24 | DE | ripencc | 2002-06-03")
	if facts, _ := detected(t, l, "--no-probe"); facts.Host.Provider != "" || l.World.DNS.Count(name, "TXT") != 0 {
		t.Errorf("without --asn: got %+v and %d look-ups, want no provider and 0", facts.Host, l.World.DNS.Count(name, "TXT"))
	}
	facts, _ := detected(t, l, "--no-probe", "--asn")
	if facts.Host.Provider != "hetzner" || facts.Host.Confidence != detect.Likely || l.World.DNS.Count(name, "TXT") == 0 {
		t.Errorf("with --asn: got %+v, %d look-ups, want hetzner, likely, and one look-up at least", facts.Host, l.World.DNS.Count(name, "TXT"))
	}
}

// A resolver that answers every name: no provider comes of it.
func TestLabResolverThatAnswersEveryName(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoPostfix(), lab.Trap(lab.CaptivePortal))
	l.World.DNS.Wildcard(netip.MustParseAddr("169.254.169.254"))
	facts, _ := detected(t, l, "--no-probe", "--asn")
	if facts.Host.Provider != "" {
		t.Errorf("a resolver that answers every name: got %+v, want no provider", facts.Host)
	}
}

// situation is a state of the network and the verdicts that it must give.
type situation struct {
	name      string
	opts      []lab.Option
	set       func(l *lab.Lab)
	args      []string
	uid       uint32 // 0: as root
	v4, v6    detect.Verdict
	rule, why string
	full      bool // a variant of another: in the full table only
}

// full is set for the whole table; otherwise each mechanism is run once.
var full = os.Getenv("LAB_FULL") != ""

func world(opts ...lab.Option) []lab.Option {
	return append([]lab.Option{lab.Cloud("aws"), lab.MailExchangers(), lab.Delay(10 * time.Millisecond)}, opts...)
}

func provider(f lab.Fate, families ...lab.Family) []lab.Option {
	if len(families) == 0 {
		families = []lab.Family{lab.Both}
	}
	return world(lab.Port(25, f, families[0]))
}

func rule(text string) func(l *lab.Lab) {
	return func(l *lab.Lab) { l.Server.LocalRule(text) }
}

const nobody = 65534

func situations() []situation {
	return []situation{
		{name: "open", opts: world(), v4: detect.Open, v6: detect.Open},
		{name: "open, not root", full: true, opts: world(), uid: nobody, v4: detect.Open, v6: detect.Open},
		{name: "dropped", opts: provider(lab.Dropped), v4: detect.Blocked, v6: detect.Blocked},
		{name: "dropped, not root", full: true, opts: provider(lab.Dropped), uid: nobody, v4: detect.Blocked, v6: detect.Blocked, why: "root only"},
		{name: "dropped on IPv4", full: true, opts: provider(lab.Dropped, lab.IPv4), v4: detect.Blocked, v6: detect.Open},
		{name: "dropped on IPv6", opts: provider(lab.Dropped, lab.IPv6), v4: detect.Open, v6: detect.Blocked},
		{name: "reset", opts: provider(lab.Reset), v4: detect.Refused, v6: detect.Refused},
		{name: "port unreachable", full: true, opts: provider(lab.NoPort), v4: detect.Refused, v6: detect.Refused},
		{name: "prohibited", opts: provider(lab.Prohibited), v4: detect.Prohibited, v6: detect.Prohibited},
		{name: "host unreachable", full: true, opts: provider(lab.NoHost), v4: detect.Prohibited, v6: detect.Prohibited},
		{name: "every second SYN is lost", full: true, opts: provider(lab.Lossy), v4: detect.Intermittent},
		{name: "every second connection meets silence", opts: provider(lab.Intermittent, lab.IPv4), v4: detect.Intermittent, v6: detect.Open},
		{name: "every second connection meets silence, IPv6", full: true, opts: provider(lab.Intermittent, lab.IPv6), v4: detect.Open, v6: detect.Intermittent},
		{name: "one silent, one refused", opts: world(), set: func(l *lab.Lab) {
			for i, host := range []string{"gmail-smtp-in.l.google.com", "outlook-com.olc.protection.outlook.com"} {
				addrs := l.World.Exchanger(host).Addrs
				l.World.Rule(fmt.Sprintf("ip daddr %s tcp dport 25 %s", addrs[0], []lab.Fate{lab.Dropped, lab.Reset}[i]))
				l.World.Rule(fmt.Sprintf("ip6 daddr %s tcp dport 25 %s", addrs[1], []lab.Fate{lab.Dropped, lab.Reset}[i]))
			}
			l.World.Rule("ip daddr " + l.World.Exchanger("mta5.am0.yahoodns.net").Addrs[0].String() + " tcp dport 25 drop")
		}, v4: detect.Inconclusive, v6: detect.Inconclusive},
		{name: "targets on IPv4 alone", opts: world(), set: func(l *lab.Lab) {
			for host, x := range l.World.Exchangers() {
				l.World.DNS.Delete(host)
				l.World.DNS.Set(host, "A", x.Addrs[0].String())
			}
		}, v4: detect.Open, v6: detect.NotProbed},
		{name: "throttled", opts: provider(lab.Throttled, lab.IPv4), v4: detect.Intermittent},
		{name: "no IPv6", opts: world(lab.NoIPv6()), v4: detect.Open, v6: detect.Unreachable},
		{name: "no route for IPv6", full: true, opts: world(lab.NoRoute6()), v4: detect.Open, v6: detect.Unreachable},
		{name: "dropped, no IPv6", full: true, opts: append(provider(lab.Dropped), lab.NoIPv6()), v4: detect.Blocked, v6: detect.Unreachable},
		{name: "no route for IPv4", opts: world(lab.NoRoute4(), lab.Resolver("2001:db8::53")), v4: detect.Unreachable, v6: detect.Open},
		{name: "local drop", opts: world(), set: rule("tcp dport 25 drop"), v4: detect.BlockedLocally, v6: detect.BlockedLocally, rule: "tcp dport 25 drop"},
		{name: "local reject", opts: world(), set: rule("tcp dport 25 reject"), v4: detect.BlockedLocally, v6: detect.BlockedLocally, rule: "tcp dport 25 reject"},
		{name: "local reject, not root", opts: world(), set: rule("tcp dport 25 reject"), uid: nobody, v4: detect.BlockedLocally, v6: detect.BlockedLocally},
		{name: "local reset, not root", full: true, opts: world(), set: rule("tcp dport 25 reject with tcp reset"), uid: nobody, v4: detect.BlockedLocally, v6: detect.BlockedLocally},
		{name: "local prohibition, not root", full: true, opts: world(), set: rule("tcp dport 25 reject with icmpx type admin-prohibited"), uid: nobody, v4: detect.BlockedLocally, v6: detect.BlockedLocally},
		{name: "local rule by user", opts: world(), set: rule("meta skuid != 0 tcp dport 25 reject"), v4: detect.BlockedLocally, rule: "meta skuid != 0"},
		{name: "local rule by user, nft is not there", full: true, opts: world(), set: func(l *lab.Lab) {
			l.Server.LocalRule("meta skuid != 0 tcp dport 25 drop")
			l.Server.Shell("rm -f /usr/sbin/nft /usr/sbin/*tables*-save")
		}, v4: detect.BlockedLocally, why: "matches by user"},
		{name: "prohibit route", opts: world(), set: func(l *lab.Lab) {
			for host := range l.World.Exchangers() {
				for _, a := range l.World.Exchanger(host).Addrs {
					family := "-4"
					if a.Is6() {
						family = "-6"
					}
					l.Server.Shell("ip " + family + " route add prohibit " + a.String())
				}
			}
		}, v4: detect.BlockedLocally, v6: detect.BlockedLocally},
		{name: "masked by two", opts: []lab.Option{lab.MailExchangers(maskAll), lab.Delay(10 * time.Millisecond)}, v4: detect.Intercepted, v6: detect.Intercepted},
		{name: "masked by one", opts: []lab.Option{lab.MailExchangers(maskOne), lab.Delay(10 * time.Millisecond)}, v4: detect.Open, v6: detect.Open},
		{name: "transparent proxy", opts: world(lab.MailExchanger("proxy.example", "proxy.example")), set: func(l *lab.Lab) {
			for _, a := range l.World.Exchanger("proxy.example").Addrs {
				l.World.Intercept(25, netip.AddrPortFrom(a, 25))
			}
		}, v4: detect.Intercepted, v6: detect.Intercepted},
		{name: "listed address", opts: []lab.Option{lab.MailExchangers(listAll), lab.Delay(10 * time.Millisecond)}, v4: detect.Open, v6: detect.Open, why: "554"},
		{name: "late greeting", full: true, opts: []lab.Option{lab.MailExchangers(lateAll), lab.Delay(10 * time.Millisecond)}, v4: detect.Open, v6: detect.Open},
		{name: "resets one connection in two", full: true, opts: world(lab.NoIPv6()), set: func(l *lab.Lab) {
			for host := range l.World.Exchangers() {
				l.World.Exchanger(host).ResetEvery(2)
				c, err := l.Server.Dial(context.Background(), "tcp", l.World.Exchanger(host).Addrs[0].String()+":25")
				if err == nil {
					c.Close()
				}
			}
		}, v4: detect.Intermittent, v6: detect.Unreachable},
		{name: "DNS fails", opts: world(), set: func(l *lab.Lab) { l.World.DNS.Fail("", lab.DNSFault{Rcode: 2}) }, v4: detect.DNSFailed, v6: detect.DNSFailed},
		{name: "DNS is silent, the network works", opts: world(), set: func(l *lab.Lab) {
			l.World.DNS.Fail("", lab.DNSFault{Drop: true})
		}, v4: detect.DNSFailed, v6: detect.DNSFailed},
		{name: "the time is too short, DNS is silent", opts: world(), args: []string{"--timeout", "700ms"}, set: func(l *lab.Lab) {
			l.World.DNS.Fail("", lab.DNSFault{Drop: true})
		}, v4: detect.Inconclusive, v6: detect.Inconclusive, why: "--timeout"},
		{name: "the time is too short, port 25 is dropped", opts: provider(lab.Dropped), args: []string{"--timeout", "1s"}, v4: detect.Inconclusive, v6: detect.Inconclusive, why: "--timeout"},
		{name: "the time is too short, a local rule", full: true, opts: world(), args: []string{"--timeout", "1s"}, set: rule("tcp dport 25 drop"), v4: detect.BlockedLocally, v6: detect.BlockedLocally, rule: "tcp dport 25 drop"},
		{name: "just time enough", full: true, opts: provider(lab.Dropped), args: []string{"--timeout", "3500ms"}, v4: detect.Blocked, v6: detect.Blocked},
		{name: "a resolver that answers with this host", opts: world(), set: lies("127.0.0.1"), v4: detect.DNSFailed, v6: detect.DNSFailed, why: "127.0.0.1"},
		{name: "a resolver that answers with one address", full: true, opts: world(), set: lies("198.51.100.200"), v4: detect.DNSFailed, v6: detect.NotProbed, why: "198.51.100.200"},
		{name: "nothing gets out", opts: world(), set: func(l *lab.Lab) { l.World.Rule("drop") }, v4: detect.Offline, v6: detect.Offline},
		{name: "no route at all", full: true, opts: world(lab.NoRoute4(), lab.NoRoute6()), v4: detect.Offline, v6: detect.Offline},
		{name: "all TCP is dropped", full: true, opts: world(), set: func(l *lab.Lab) { l.World.Rule("meta l4proto tcp drop") }, v4: detect.Offline, v6: detect.Offline},
		{name: "target of one's own", opts: world(lab.MailExchanger("example.net", "mx.example.net")), args: []string{"--target", "mx.example.net"}, v4: detect.Open, v6: detect.Open},
		{name: "target that does not exist", full: true, opts: world(), args: []string{"--target", "mx.nowhere.example"}, v4: detect.DNSFailed, v6: detect.DNSFailed},
	}
}

// lies makes the resolver give one address for every name.
func lies(addr string) func(*lab.Lab) {
	return func(l *lab.Lab) {
		for _, name := range slices.Concat(detect.DefaultTargets, []string{"www.google.com", "outlook.office365.com", "smtp.gmail.com", "smtp.mail.yahoo.com", "smtp.sendgrid.net"}) {
			l.World.DNS.Delete(name)
		}
		l.World.DNS.Wildcard(netip.MustParseAddr(addr))
	}
}

func maskAll(_ string, c *smtpd.Config) { lab.Masked(c) }
func listAll(_ string, c *smtpd.Config) { lab.Listed(c) }
func maskOne(host string, c *smtpd.Config) {
	if strings.HasSuffix(host, ".yahoodns.net") {
		lab.Masked(c)
	}
}

func lateAll(_ string, c *smtpd.Config) {
	c.Delays = map[smtpd.Step]time.Duration{smtpd.StepGreeting: 5 * time.Second}
}

// TestLabVerdicts runs the real program in each situation.
func TestLabVerdicts(t *testing.T) {
	for _, s := range situations() {
		if s.full && !full {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if s.set == nil { // local rules are told by their time: nothing else may run then
				t.Parallel()
			}
			l := lab.New(t, s.opts...)
			if s.set != nil {
				s.set(l)
			}
			l.Server.ResetTraffic()
			args := append([]string{"relayhost", "detect", "--json"}, s.args...)
			res := l.Server.Do(lab.Command{Args: args, UID: s.uid, GID: s.uid})
			var facts detect.Facts
			if err := json.Unmarshal([]byte(res.Stdout), &facts); err != nil || res.Code != 0 {
				t.Fatalf("detect --json %q: got %v and %s\nwant a JSON document and exit 0", s.args, err, res)
			}
			p := facts.Port25
			if p.IPv4 != s.v4 || s.v6 != "" && p.IPv6 != s.v6 {
				t.Errorf("got IPv4 %s, IPv6 %s; want %s, %s", p.IPv4, p.IPv6, s.v4, s.v6)
			}
			want := s.v4
			if (s.v4 == detect.Unreachable || s.v4 == detect.NotProbed) && s.v6 != detect.Unreachable {
				want = s.v6
			}
			if p.Verdict != want || !strings.Contains(p.Why, s.why) || !strings.Contains(p.LocalRule, s.rule) {
				t.Errorf("got %s: %s; rule %q, want %s and %v in it and %v in it", p.Verdict, p.Why, p.LocalRule, want, s.why, s.rule)
			}
			if n := l.Server.Traffic().Attempts(); n > 14 {
				t.Errorf("got %d connections: %v, want at most 14", n, l.Server.Traffic().Connections)
			}
			if n := len(facts.Lines()); n > 12 {
				t.Errorf("got %d lines, want at most 12:\n%s", n, strings.Join(facts.Lines(), "\n"))
			}
			for _, line := range facts.Lines() {
				if len(line) > 80 && !strings.HasPrefix(strings.TrimSpace(line), "sudo ") {
					t.Errorf("got a line of %d columns, want at most 80: %s", len(line), line)
				}
			}
			if facts.Advice == "" || facts.Next == "" {
				t.Errorf("advice %q, next %q, want some and some", facts.Advice, facts.Next)
			}
			if s.v4 == detect.Open && s.why != "554" && s.set == nil {
				polite(t, l)
			}
			if t.Failed() || testing.Verbose() {
				t.Logf("%s, %d connections\n%s", res.Took, l.Server.Traffic().Attempts(), strings.Join(facts.Lines(), "\n"))
				for _, row := range p.Probes {
					t.Logf("%+v", row)
				}
				t.Logf("%+v", facts.Submission)
			}
		})
	}
}

// TestLabRelayPorts: every port of the relay as a whole dialogue, with the fault at
// the step where it occurs, in round trips and connections that are counted.
func TestLabRelayPorts(t *testing.T) {
	t.Parallel()
	type port struct {
		port         int
		result, step string
	}
	for _, c := range []struct {
		name string
		opts []lab.Option
		set  func(*lab.Lab)
		want []port
	}{
		{"all open", []lab.Option{lab.Relay("postmark")}, nil, []port{{587, "open", ""}, {2525, "open", ""}}},
		{"587 dropped", []lab.Option{lab.Relay("postmark"), lab.Port(587, lab.Dropped, lab.Both)}, nil, []port{{587, "timeout", "connect"}, {2525, "open", ""}}},
		{"587 refused", []lab.Option{lab.Relay("postmark"), lab.Port(587, lab.Reset, lab.Both)}, nil, []port{{587, "refused", "connect"}, {2525, "open", ""}}},
		{"STARTTLS stripped", []lab.Option{lab.Relay("postmark", func(c *smtpd.Config) { c.NoSTARTTLS = true })}, nil, []port{{587, "no_starttls", "starttls"}, {2525, "no_starttls", "starttls"}}},
		{"no address", nil, nil, []port{{587, "dns_failed", ""}, {2525, "dns_failed", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, append([]lab.Option{lab.Cloud("hetzner"), lab.MailExchangers(func(string, *smtpd.Config) {}), lab.Delay(10 * time.Millisecond)}, c.opts...)...)
			l.Server.ResetTraffic()
			facts, _ := detected(t, l, "--relay", "postmark")
			got := map[int]detect.Submission{}
			for _, s := range facts.Submission {
				got[s.Port] = s
			}
			for _, want := range c.want {
				if s := got[want.port]; s.Result != want.result || s.Step != want.step || s.Relay != "postmark" {
					t.Errorf("port %d: got %+v", want.port, s)
				}
			}
			if n := l.Server.Traffic().Attempts(); n > 24 {
				t.Errorf("got %d connections, want at most 24", n)
			}
		})
	}
}
