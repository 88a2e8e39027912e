package detect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// zone answers from memory.
type zone struct {
	addrs map[string][]string
	mx    map[string]string
	ptr   map[string]string
	txt   map[string][]string
	asked []string
	mu    sync.Mutex
}

func (z *zone) note(q string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.asked = append(z.asked, q)
}

func (z *zone) Addrs(_ context.Context, name string) (v4, v6 []netip.Addr, err error) {
	z.note(name)
	for _, text := range z.addrs[name] {
		a := netip.MustParseAddr(text)
		if a.Is4() {
			v4 = append(v4, a)
		} else {
			v6 = append(v6, a)
		}
	}
	if len(v4)+len(v6) == 0 {
		return nil, nil, resolve.ErrNotFound
	}
	return v4, v6, nil
}

func (z *zone) MX(_ context.Context, name string) ([]resolve.MX, error) {
	if z.mx[name] == "" {
		return nil, resolve.ErrNotFound
	}
	return []resolve.MX{{Host: z.mx[name], Preference: 10}}, nil
}

func (z *zone) PTR(_ context.Context, a netip.Addr) ([]string, error) {
	return []string{z.ptr[a.String()]}, nil
}

func (z *zone) TXT(_ context.Context, name string) ([]string, error) {
	z.note(name)
	return z.txt[name], nil
}

// bench is a run against a zone and a probe of the test's own.
func bench(t *testing.T, z *zone, probe func(smtpprobe.Target) smtpprobe.Result) Options {
	t.Helper()
	return Options{
		Reader: &host.Reader{Root: t.TempDir()}, Resolver: z,
		probe:  func(_ context.Context, t smtpprobe.Target) smtpprobe.Result { return probe(t) },
		query:  func(context.Context, host.Query) (host.Output, error) { return host.Output{}, errors.New("not here") },
		euid:   func() int { return 1000 },
		local:  func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("203.0.113.10")} },
		routed: func(netip.Addr) bool { return true },
	}
}

func everybody() *zone {
	z := &zone{addrs: map[string][]string{}, mx: map[string]string{}, ptr: map[string]string{}, txt: map[string][]string{}}
	names := slices.Clone(DefaultTargets)
	for _, e := range slices.Concat(Controls, SubmissionControls) {
		names = append(names, e.Host)
	}
	for i, n := range names {
		last := string(rune('1' + i))
		z.addrs[n] = []string{"198.51.100." + last, "2001:db8::" + last}
	}
	return z
}

// The exchanger of the own domain is told about and never decides; where it is
// this host or in a private network it is not even asked.
func TestOwnDomain(t *testing.T) {
	for _, c := range []struct {
		name, addr string
		asked      bool
	}{
		{"elsewhere", "198.51.100.99", true},
		{"this host", "203.0.113.10", false},
		{"private", "10.0.0.25", false},
		{"no exchanger", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := everybody()
			if c.addr != "" {
				z.mx["example.com"] = "mx.example.com"
				z.addrs["mx.example.com"] = []string{c.addr}
			}
			o := bench(t, z, func(p smtpprobe.Target) smtpprobe.Result {
				r := failed(smtpprobe.FaultTimeout, silence)
				if p.Addr.Port() != 25 || p.Name == "mx.example.com" {
					r = hello("mx.example.com ESMTP")
				}
				r.Addr = p.Addr
				return r
			})
			o.Domain = "example.com"
			facts, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			asked := slices.ContainsFunc(facts.Port25.Probes, func(p Probe) bool { return p.Target == "mx.example.com" && p.Result == "open" })
			if asked != c.asked || facts.Port25.Verdict != Blocked {
				t.Errorf("asked %v, verdict %s: %s, want %v and %s", asked, facts.Port25.Verdict, facts.Port25.Why, c.asked, Blocked)
			}
		})
	}
}

// However things go wrong, a run keeps to its connections.
func TestConnectionsAreBounded(t *testing.T) {
	for name, fault := range map[string]smtpprobe.Fault{"silence": smtpprobe.FaultTimeout, "refused": smtpprobe.FaultRefused, "reset": smtpprobe.FaultReset} {
		for _, everySecond := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, every second %v", name, everySecond), func(t *testing.T) {
				var mu sync.Mutex
				n := 0
				o := bench(t, everybody(), func(p smtpprobe.Target) smtpprobe.Result {
					mu.Lock()
					n++
					odd := n%2 == 1
					mu.Unlock()
					r := failed(fault, 20*time.Millisecond)
					if everySecond && odd {
						r = hello("x")
					}
					r.Addr = p.Addr
					return r
				})
				o.euid = func() int { return 0 }
				if _, err := Run(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if n < 11 || n > connectionsPlain {
					t.Errorf("got %d connections, want at least 11 and at most %d", n, connectionsPlain)
				}
			})
		}
	}
}

// A port of a relay is open where any address of the relay answers, and only then are the
// others counted.
func TestSubmissionByAnyAddress(t *testing.T) {
	relay, err := relays.Get("postmark")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		addrs  []string
		routed func(netip.Addr) bool
		others string // of the target
		want   string
	}{
		{"IPv4 silent", []string{"198.51.100.1", "2001:db8::1"}, nil, "[2001:db8::1]", "open"},
		{"first of two silent", []string{"198.51.100.1", "198.51.100.2"}, nil, "[198.51.100.2]", "open"},
		{"four", []string{"198.51.100.1", "198.51.100.2", "2001:db8::1", "2001:db8::2"}, nil, "[2001:db8::1 2001:db8::2]", "open"},
		{"one", []string{"198.51.100.1"}, nil, "[]", "timeout"},
		{"no IPv6", []string{"198.51.100.1", "2001:db8::1"}, netip.Addr.Is4, "[]", "timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := everybody()
			z.addrs["smtp.postmarkapp.com"] = c.addrs
			o := bench(t, z, func(p smtpprobe.Target) smtpprobe.Result {
				if got := fmt.Sprint(p.Others); got != c.others {
					t.Errorf("port %d: got the other addresses %s, want %s", p.Addr.Port(), got, c.others)
				}
				r := failed(smtpprobe.FaultTimeout, silence)
				r.Addr = p.Addr
				if len(p.Others) > 0 {
					r = hello("smtp.postmarkapp.com ESMTP")
					r.Addr = netip.AddrPortFrom(p.Others[0], p.Addr.Port())
				}
				return r
			})
			o.Relay = &relay
			if c.routed != nil {
				o.routed = c.routed
			}
			tried, err := Submissions(t.Context(), o)
			if err != nil || len(tried) == 0 {
				t.Fatalf("got %v and %v, want the ports of the relay", tried, err)
			}
			for _, s := range tried {
				if s.Result != c.want {
					t.Errorf("port %d: got %s, want %s", s.Port, s.Result, c.want)
				}
			}
		})
	}
}

func TestByNetwork(t *testing.T) {
	const cymru = "10.113.0.203.origin.asn.cymru.com"
	for _, c := range []struct {
		name, ptr string
		txt       []string
		asn       bool
		want      string
		asked     int
	}{
		{"reverse DNS", "static.10.113.0.203.clients.your-server.de.", nil, true, "hetzner", 0},
		{"reverse DNS in capitals", "VMI123.CONTABOSERVER.NET", nil, false, "contabo", 0},
		{"a name that only looks like it", "clients.your-server.de.example.net", nil, false, "", 0},
		{"AS number", "mail.example.com", []string{"24940 | 203.0.113.0/24 | DE | ripencc | 2002-06-03"}, true, "hetzner", 1},
		{"AS number, not asked for", "mail.example.com", []string{"24940 | 203.0.113.0/24 | DE | ripencc |"}, false, "", 0},
		{"several origins", "", []string{"64496 16276 | 203.0.113.0/24 | FR | ripencc |"}, true, "ovh", 1},
		{"the longest prefix", "", []string{"3320 | 203.0.0.0/16 | DE | ripencc |", "51167 | 203.0.113.0/24 | DE | ripencc |"}, true, "contabo", 1},
		{"another prefix than ours", "", []string{"24940 | 198.51.100.0/24 | DE | ripencc |"}, true, "", 1},
		{"nonsense", "", []string{"", "|", "x | y", "99999999999999 | 203.0.113.0/24"}, true, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			z := &zone{ptr: map[string]string{"203.0.113.10": c.ptr}, txt: map[string][]string{cymru: c.txt}}
			o := bench(t, z, nil)
			o.NoProbe, o.ASN = true, c.asn
			facts, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if facts.Host.Provider != c.want || len(z.asked) != c.asked {
				t.Errorf("got %+v, asked %v, want provider %q and %d questions", facts.Host, z.asked, c.want, c.asked)
			}
			if c.want != "" && facts.Host.Confidence != Likely {
				t.Errorf("confidence %s, want %s", facts.Host.Confidence, Likely)
			}
		})
	}
}

func TestCymruName(t *testing.T) {
	for addr, want := range map[string]string{
		"216.90.108.31": "31.108.90.216.origin.asn.cymru.com",
		"2001:db8::1":   "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com",
	} {
		t.Run(addr, func(t *testing.T) {
			if got := cymruName(netip.MustParseAddr(addr)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// The keys of the document are those that scripts rely on.
func TestFactsAsJSON(t *testing.T) {
	o := bench(t, everybody(), func(p smtpprobe.Target) smtpprobe.Result {
		r := hello("mx.google.com ESMTP")
		r.Addr = p.Addr
		return r
	})
	o.Reader = machine{"sys_vendor": "Hetzner"}.reader(t)
	o.NoMetadata = true
	facts, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(facts)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	keys := func(v any) []string {
		var list []string
		if array, ok := v.([]any); ok {
			v = array[0]
		}
		for k := range v.(map[string]any) {
			list = append(list, k)
		}
		slices.Sort(list)
		return list
	}
	port25 := doc["port25"].(map[string]any)
	for name, c := range map[string]struct {
		got  any
		want []string
	}{
		"document":   {doc, []string{"advice", "host", "next", "policy", "port25", "submission", "version"}},
		"host":       {doc["host"], []string{"confidence", "evidence", "instance_id", "name", "provider", "public_ipv4", "region"}},
		"port25":     {port25, []string{"ipv4", "ipv6", "probes", "verdict", "why"}},
		"probe":      {port25["probes"], []string{"address", "banner", "errno", "ms", "port", "result", "target"}},
		"submission": {doc["submission"], []string{"host", "ms", "port", "relay", "result", "tls"}},
		"policy":     {doc["policy"], []string{"as_of", "blocked", "unblock", "url"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := keys(c.got); !slices.Equal(got, c.want) {
				t.Errorf("keys %v, want %v", got, c.want)
			}
		})
	}
}

// No goroutine of a run outlives it, and an end from outside ends it.
func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := bench(t, everybody(), nil)
	o.probe = func(ctx context.Context, p smtpprobe.Target) smtpprobe.Result {
		<-ctx.Done()
		r := failed(smtpprobe.FaultTimeout, time.Millisecond)
		r.Addr, r.Err = p.Addr, ctx.Err()
		return r
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %s, want at most %s", took, time.Second)
	}
}

// What takes longest is said last.
func TestAnnounce(t *testing.T) {
	const metadata, probing = "asking the metadata service of Amazon EC2", "probing port 25 and the submission ports"
	for name, test := range map[string]struct {
		provider string
		o        Options
		want     []string
	}{
		"all":         {"aws", Options{}, []string{metadata, probing}},
		"no probe":    {"aws", Options{NoProbe: true}, []string{metadata}},
		"no metadata": {"aws", Options{NoMetadata: true}, []string{probing}},
		"no cloud":    {"", Options{}, []string{probing}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			test.o.Advance = func(step string) { got = append(got, step) }
			r := &run{Options: test.o}
			r.defaults()
			r.announce(Host{Provider: test.provider, Name: "Amazon EC2"})
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
