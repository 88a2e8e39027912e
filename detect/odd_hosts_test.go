package detect

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// slow is a zone whose resolver takes its time.
type slow struct {
	*zone
	after time.Duration
}

func (s slow) Addrs(ctx context.Context, name string) (v4, v6 []netip.Addr, err error) {
	select {
	case <-time.After(s.after):
		return s.zone.Addrs(ctx, name)
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// A run that is given too little time says so, and takes neither silence that
// has not lasted nor names that were still being asked for as a fault of the
// network. What was seen stands.
func TestRunOfTooLittleTime(t *testing.T) {
	silent := func(ctx context.Context, p smtpprobe.Target) smtpprobe.Result {
		<-ctx.Done()
		r := failed(smtpprobe.FaultTimeout, silence)
		r.Addr, r.Err = p.Addr, ctx.Err()
		return r
	}
	only25 := func(ctx context.Context, p smtpprobe.Target) smtpprobe.Result {
		if p.Addr.Port() == 25 {
			return silent(ctx, p)
		}
		r := hello("mx ESMTP")
		r.Addr = p.Addr
		return r
	}
	greets := func(_ context.Context, p smtpprobe.Target) smtpprobe.Result {
		r := hello(p.Name + " ESMTP")
		r.Addr = p.Addr
		return r
	}
	refuses := func(_ context.Context, p smtpprobe.Target) smtpprobe.Result {
		r := hello("")
		if p.Addr.Port() == 25 {
			r = failed(smtpprobe.FaultRefused, aRoundTrip)
		}
		r.Addr = p.Addr
		return r
	}
	// As `nft -j list ruleset` prints a rule that drops port 25 on the way out.
	const dropped = `{"nftables": [
{"chain": {"family": "inet", "table": "filter", "name": "output", "handle": 2, "type": "filter", "hook": "output", "prio": 0, "policy": "accept"}},
{"rule": {"family": "inet", "table": "filter", "chain": "output", "handle": 9, "expr": [
{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 25}}, {"drop": null}]}}]}`
	for _, c := range []struct {
		name       string
		dns        time.Duration
		probe      func(context.Context, smtpprobe.Target) smtpprobe.Result
		rules      string
		want       Verdict
		submission string
		why        string
	}{
		{"the resolver has not answered yet", time.Hour, greets, "", Inconclusive, "not_probed", "--timeout"},
		{"nobody has answered yet", 0, silent, "", Inconclusive, "not_probed", "--timeout"},
		{"port 25 is silent so far", 0, only25, "", Inconclusive, "open", "--timeout"},
		{"port 25 is silent so far, and a rule drops it", 0, only25, dropped, BlockedLocally, "open", "dport 25"},
		{"port 25 has answered", 0, greets, "", Open, "open", "greeted"},
		{"port 25 has refused", 0, refuses, "", Refused, "open", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
			defer cancel()
			o := bench(t, everybody(), nil)
			o.Resolver, o.probe = slow{everybody(), c.dns}, c.probe
			if c.rules != "" {
				o.euid = func() int { return 0 }
				o.query = func(context.Context, host.Query) (host.Output, error) {
					return host.Output{Stdout: []byte(c.rules)}, nil
				}
			}
			start := time.Now()
			facts, err := Run(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); took > time.Second {
				t.Errorf("took %s, want at most %s", took, time.Second)
			}
			p := facts.Port25
			if p.Verdict != c.want || !strings.Contains(p.Why, c.why) {
				t.Errorf("got %s: %s, want %s and %v in it", p.Verdict, p.Why, c.want, c.why)
			}
			for _, row := range facts.Submission {
				if row.Result != c.submission {
					t.Errorf("port %d: got %s %s, want %s", row.Port, row.Result, row.Detail, c.submission)
				}
			}
			if p.Verdict == Inconclusive {
				for _, row := range p.Probes {
					if row.Result != string(NotProbed) {
						t.Errorf("%s: got %s, want %s", row.Target, row.Result, string(NotProbed))
					}
				}
			}
			if c.submission != "open" && (facts.Next != "relayhost detect" || !strings.Contains(facts.Advice, "too short")) {
				t.Errorf("got %s; %s, want %q in it and %q", facts.Advice, facts.Next, "too short", "relayhost detect")
			}
			if n := len(facts.Lines()); n > maxLines {
				t.Errorf("got %d lines, want at most %d", n, maxLines)
			}
		})
	}
}

// A resolver that gives this host's own address, a private one or the same one
// for everybody does not say what gets out.
func TestResolverThatLies(t *testing.T) {
	refuse := func(p smtpprobe.Target) smtpprobe.Result {
		r := failed(smtpprobe.FaultRefused, atOnceHere)
		r.Addr = p.Addr
		return r
	}
	for _, said := range []string{"127.0.0.1", "192.168.1.1", "0.0.0.0", "203.0.113.10", "169.254.169.254", "100.64.0.1", "198.51.100.77"} {
		t.Run(said, func(t *testing.T) {
			z := everybody()
			for name := range z.addrs {
				z.addrs[name] = []string{said}
			}
			facts, err := Run(t.Context(), bench(t, z, refuse))
			if err != nil {
				t.Fatal(err)
			}
			p := facts.Port25
			if p.Verdict != DNSFailed || !strings.Contains(p.Why, said) || facts.Next != "cat /etc/resolv.conf" {
				t.Errorf("got %s (%s): %s; %s, want %s and %q", p.Verdict, p.IPv4, p.Why, facts.Next, DNSFailed, "cat /etc/resolv.conf")
			}
		})
	}
	// Names that the user gives are the user's to know.
	z := everybody()
	z.addrs["mx.corp.example"] = []string{"10.0.0.25"}
	o := bench(t, z, func(p smtpprobe.Target) smtpprobe.Result {
		r := hello("mx.corp.example ESMTP")
		r.Addr = p.Addr
		return r
	})
	o.Targets = []string{"mx.corp.example"}
	if facts, err := Run(t.Context(), o); err != nil || facts.Port25.Verdict != Open {
		t.Errorf("got %v; %s: %s, want %s", err, facts.Port25.Verdict, facts.Port25.Why, Open)
	}
	o.Targets = []string{"mx.mistyped.example"}
	if facts, err := Run(t.Context(), o); err != nil || facts.Port25.Verdict != DNSFailed || !strings.Contains(facts.Advice, "--target") {
		t.Errorf("got %v; %s: %s, want %s and %q in it", err, facts.Port25.Verdict, facts.Advice, DNSFailed, "--target")
	}
}

// mute is a resolver that has no answer.
type mute struct {
	*zone
	err error
}

func (m mute) Addrs(_ context.Context, name string) (v4, v6 []netip.Addr, err error) {
	m.note(name)
	return nil, nil, m.err
}

// Where no resolver answers, the names of APIs are not looked up after all the others have
// timed out; where one answers, if only with a failure, they are.
func TestNoResolverAnswers(t *testing.T) {
	for err, asked := range map[error]bool{resolve.ErrTimeout: false, resolve.ErrTemporary: true} {
		m := mute{everybody(), err}
		o := bench(t, m.zone, func(p smtpprobe.Target) smtpprobe.Result {
			r := failed(smtpprobe.FaultTimeout, silence)
			r.Addr = p.Addr
			return r
		})
		o.Resolver, o.Catalog = m, []relays.Relay{{ID: "brevo", Tier: 1}}
		facts, err := Run(t.Context(), o)
		if err != nil || len(facts.HTTPS) > 0 != asked || slices.Contains(m.asked, "api.brevo.com") != asked {
			t.Errorf("%v: got %v, %+v, asked for %v; want api.brevo.com among them: %t", m.err, err, facts.HTTPS, m.asked, asked)
		}
		if want := map[bool]Verdict{true: DNSFailed, false: Offline}[asked]; facts.Port25.Verdict != want {
			t.Errorf("%v: got %s: %s, want %s", m.err, facts.Port25.Verdict, facts.Port25.Why, want)
		}
	}
}

// A resolv.conf that cannot be read is a fact, not the end of the run.
func TestResolvConfThatCannotBeRead(t *testing.T) {
	o := bench(t, nil, func(p smtpprobe.Target) smtpprobe.Result {
		r := hello("x")
		r.Addr = p.Addr
		return r
	})
	o.Resolver = nil
	if err := os.MkdirAll(filepath.Join(o.Reader.Root, "etc/resolv.conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	facts, err := Run(t.Context(), o)
	if err != nil || facts.Port25.Verdict != DNSFailed || !strings.Contains(facts.Port25.Why, "resolv.conf") {
		t.Errorf("got %v; %s: %s, want %s and %q in it", err, facts.Port25.Verdict, facts.Port25.Why, DNSFailed, "resolv.conf")
	}
}

func TestCheckTarget(t *testing.T) {
	for name, good := range map[string]bool{
		"mx.example.net": true, "MX.example.net.": true, "mx": true, "192.0.2.1": true, "2001:db8::1": true, "fe80::1%eth0": true, "xn--mnchen-3ya.de": true, "1and1.com": true,
		"": false, ".": false, "-x": false, "a..b": false, "a b": false, "mx.example.net:25": false, "http://mx": false, "a\x1b[31mb": false, "m\u00fcnchen.de": false, strings.Repeat("a", 64): false,
		strings.Repeat("a.", 130): false, "x-.y": false, "a_b.c": false,
	} {
		t.Run(fmt.Sprintf("%.30q", name), func(t *testing.T) {
			if err := CheckTarget(name); (err == nil) != good {
				t.Errorf("CheckTarget(%q): got %v, want no error: %v", name, err, good)
			}
		})
	}
}

// What setup is called by is what detect was called by, as one word for a shell.
func TestNextNamesTheRelayAsTheUserDid(t *testing.T) {
	for named, want := range map[string]string{
		"": "--relay postmark", "postmark": "--relay postmark", "./corp.toml": "--relay ./corp.toml",
		"/root/my relay.toml": "--relay '/root/my relay.toml'", "it's": `--relay 'it'\''s'`, "$(x)": "--relay '$(x)'",
	} {
		t.Run(cmp.Or(named, "none"), func(t *testing.T) {
			o := bench(t, everybody(), func(p smtpprobe.Target) smtpprobe.Result {
				r := hello(p.Name + " ESMTP")
				r.Addr = p.Addr
				return r
			})
			for _, r := range catalogue(t) {
				if r.ID == "postmark" {
					o.Relay, o.Named, o.Host = &r, named, "smtp.gmail.com"
				}
			}
			facts, err := Run(t.Context(), o)
			if err != nil || facts.Next != "sudo relayhost setup "+want {
				t.Errorf("%q: got %v; %s, want %s", named, err, facts.Next, "sudo relayhost setup "+want)
			}
		})
	}
}
