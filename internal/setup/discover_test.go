package setup

import (
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// facts counts what it is told, and keeps the notes.
type facts struct {
	heard
	found int
	notes []string
}

func (f *facts) Found(detect.Facts)               { f.found++ }
func (f *facts) Unproven(format string, _ ...any) { f.notes = append(f.notes, format) }

// TestLook: the ports are there while port 25 is silent, and what is known in the end is
// told once, with a note where no relay is needed.
func TestLook(t *testing.T) {
	ports := []detect.Submission{{Host: "smtp.example.net", Port: 587, Result: string(detect.Open)}}
	begun := func() *Look {
		l := &Look{tried: make(chan []detect.Submission, 1), done: make(chan struct{})}
		l.tried <- ports
		return l
	}
	open := detect.Facts{Port25: detect.Port25{Verdict: detect.Open}, Submission: ports}
	for _, tt := range []struct {
		name  string
		look  func() *Look
		found int
		note  bool
	}{
		{"port 25 is silent", begun, 0, false},
		{"port 25 is closed", func() *Look { l := begun(); l.found.Submission = ports; close(l.done); return l }, 1, false},
		{"port 25 is open", func() *Look { l := begun(); l.found = open; close(l.done); return l }, 1, true},
		{"nothing could be found out", func() *Look {
			l := begun()
			l.found.Submission, l.err = ports, errors.New("no")
			close(l.done)
			return l
		}, 0, false},
		{"nothing is looked at", func() *Look { return nil }, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, said := tt.look(), &facts{}
			if got := l.Ports(); l != nil && (len(got.Submission) != 1 || got.Port25.Verdict == detect.Open) {
				t.Errorf("got %+v, want the port alone", got)
			}
			l.Tell(said)
			l.Tell(said)
			if said.found != tt.found || strings.Contains(strings.Join(said.notes, ""), "port 25 is open") != tt.note {
				t.Errorf("got %d times, notes %q; want %d, note %v", said.found, said.notes, tt.found, tt.note)
			}
		})
	}
	l, said := begun(), &facts{}
	l.found = open
	close(l.done)
	if got, err := l.Whole(said); err != nil || got.Port25.Verdict != detect.Open || said.found != 1 || len(said.notes) != 0 {
		t.Errorf("waited for: got %+v, %v, %d times, notes %q; want all of it, once, and the plan's note", got, err, said.found, said.notes)
	}
}

// A CA file that holds no PEM is refused for what it is.
func TestRoots(t *testing.T) {
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(ca.PEM())
	for _, tt := range []struct {
		name string
		file []byte
		want string // "" for none
	}{
		{"PEM", ca.PEM(), ""},
		{"DER", block.Bytes, "/root/ca.cer is in DER form, and Postfix reads PEM: convert it with openssl x509"},
		{"neither", []byte("a note"), "/root/ca.cer holds no certificate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, "root"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "root/ca.cer"), tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Roots(&host.Reader{Root: root}, "/root/ca.cer")
			if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Of the ports that are reachable the first in the relay's order is taken that
// starts TLS as the other hops of the route do and is none of theirs; the one that
// the hop has had comes first.
func TestSelectPorts(t *testing.T) {
	relay := relays.Relay{ID: "corp", Name: "Corp", Hosts: relays.Hosts{Default: "mail.test"}, Ports: []relays.Port{
		{Port: 587, TLS: relays.StartTLS}, {Port: 465, TLS: relays.Implicit}, {Port: 2525, TLS: relays.StartTLS}, {Port: 2465, TLS: relays.Implicit},
	}}
	open := func(port int, mode relays.TLSMode) detect.Submission {
		return detect.Submission{Relay: "corp", Host: "mail.test", Port: port, TLS: string(mode), Result: string(detect.Open)}
	}
	shut := detect.Submission{Relay: "corp", Host: "mail.test", Port: 587, TLS: "starttls", Result: "timeout", Step: "connect"}
	untrusted := detect.Submission{Relay: "corp", Host: "mail.test", Port: 2525, TLS: "starttls", Result: string(smtpprobe.FaultUntrusted), Step: "starttls"}
	all := []detect.Submission{shut, open(465, relays.Implicit), open(2525, relays.StartTLS), open(2465, relays.Implicit)}
	fresh := config.Hop{Relay: &relay, Host: "mail.test"}
	at := func(port int, mode relays.TLSMode) config.Hop {
		h := fresh
		h.Port, h.TLS = port, mode
		return h
	}
	for _, test := range []struct {
		name  string
		hops  []config.Hop
		req   Request
		tried []detect.Submission
		want  []int
		fails string
	}{
		{"the first that is open", []config.Hop{fresh}, Request{}, all, []int{465}, ""},
		{"the one that it has had", []config.Hop{at(2525, relays.StartTLS)}, Request{}, all, []int{2525}, ""},
		{"another than the one that it has had", []config.Hop{at(587, relays.StartTLS)}, Request{}, all, []int{465}, ""},
		{"given", []config.Hop{at(587, relays.StartTLS)}, Request{Given: config.Given{Port: 587}}, all, []int{587}, ""},
		{"TLS as the fallback has it", []config.Hop{fresh, at(2525, relays.StartTLS)}, Request{}, append(all, open(587, relays.StartTLS)), []int{587, 2525}, ""},
		{"a port for each hop", []config.Hop{fresh, fresh}, Request{}, all, []int{465, 2465}, ""},
		{"none with that TLS", []config.Hop{fresh, at(2525, relays.StartTLS)}, Request{}, all, nil, "with starttls is reachable"},
		{"none at all", []config.Hop{fresh}, Request{}, []detect.Submission{shut}, nil, "port 587: timeout at connect"},
		{"no CA bundle", []config.Hop{fresh}, Request{}, []detect.Submission{shut, untrusted}, nil, "install ca-certificates"},
		{"not signed by the CA file", []config.Hop{{Relay: &relay, Host: "mail.test", CAFile: "/ca.pem"}}, Request{}, []detect.Submission{untrusted}, nil, "none of mail.test's ports is reachable"},
		{"no CA bundle, and no answer", []config.Hop{fresh}, Request{}, []detect.Submission{shut}, nil, "none of mail.test's ports is reachable"},
		{"no probe, and none known", []config.Hop{fresh}, Request{NoProbe: true}, nil, nil, "--no-probe cannot choose a port"},
		{"no probe, and one known", []config.Hop{at(587, relays.StartTLS)}, Request{NoProbe: true}, nil, []int{587}, ""},
		{"no probe, and none known of a fallback", []config.Hop{at(587, relays.StartTLS), fresh}, Request{NoProbe: true}, nil, nil, "default route, fallback 1 names no port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := with(config.Route{Name: config.DefaultRoute, Hops: test.hops})
			s.Facts, s.Request = &detect.Facts{Submission: test.tried}, test.req
			c, err := SelectPorts(t.Context(), s.Basis, s.Config)
			if test.fails != "" {
				if err == nil || !strings.Contains(err.Error(), test.fails) {
					t.Errorf("got %v, want %q", err, test.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range test.want {
				if got := c.Routes[0].Hops[i].Port; got != want {
					t.Errorf("hop %d: got port %d, want %d", i, got, want)
				}
			}
			if len(test.hops) > 0 && s.Config.Routes[0].Hops[0].Port != test.hops[0].Port {
				t.Errorf("port of the Config that was handed in: got %d, want %d", s.Config.Routes[0].Hops[0].Port, test.hops[0].Port)
			}
		})
	}
}

// The port of a relay that many routes share is told once.
func TestSelectPortsTellsOnce(t *testing.T) {
	relay := relays.Relay{ID: "corp", Name: "Corp", Ports: []relays.Port{{Port: 587, TLS: relays.StartTLS}}, Auth: relays.Auth{Mechanisms: []string{"PLAIN"}}}
	hop := config.Hop{Relay: &relay, Host: "mail.test"}
	s := with(config.Route{Name: config.DefaultRoute, Hops: []config.Hop{hop}}, config.Route{Name: "a", Hops: []config.Hop{hop}}, config.Route{Name: "b", Hops: []config.Hop{hop}})
	s.Facts = &detect.Facts{Submission: []detect.Submission{{Host: "mail.test", Port: 587, TLS: string(relays.StartTLS), Result: string(detect.Open)}}}
	if _, err := SelectPorts(t.Context(), s.Basis, s.Config); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(s.Report.(*heard).lines, "; "); got != "mail.test port 587 is reachable" {
		t.Errorf("got %q, want one line for the three routes", got)
	}
}

// A port that nobody can choose is a proof that failed, with its cause.
func TestUnreachable(t *testing.T) {
	h := config.Hop{Relay: &relays.Relay{ID: "corp"}, Host: "mail.test"}
	err := unreachable(h, []detect.Submission{{Port: 587, Result: string(detect.DNSFailed), Detail: "no such host"}})
	var proof ProofError
	var found Explained
	if !errors.As(err, &proof) || !errors.As(err, &found) || found.Finding.Check != "dns" {
		t.Errorf("got %v, want a failed proof with a finding on dns", err)
	}
	hosts := fmt.Sprintf("look up A of %q: %v: %v", h.Host, resolve.ErrNotFound, resolve.ErrHostsOnly)
	if err = unreachable(h, []detect.Submission{{Port: 587, Result: string(detect.DNSFailed), Detail: hosts}}); !errors.As(err, &found) || found.Finding.Remedy != verify.HostsOnly || !strings.Contains(err.Error(), hosts) {
		t.Errorf("a name in /etc/hosts: got %v with the remedy %q, want the reason and %q", err, found.Finding.Remedy, verify.HostsOnly)
	}
}

// TestResolverHere: detect looks relays up as the Postfix of this host does, or one with the
// default settings.
func TestResolverHere(t *testing.T) {
	const dir, main = "/etc/postfix-out", "/etc/postfix-out/main.cf"
	for name, tt := range map[string]struct {
		main  string
		hosts bool // that of /etc/hosts
		none  bool // no Postfix
	}{
		"native":                 {main: "smtp_host_lookup = native\n", hosts: true},
		"dns":                    {main: "smtp_host_lookup = dns\n"},
		"DNS is off":             {main: "smtp_host_lookup = dns\nsmtp_dns_support_level = disabled\n", hosts: true},
		"DNS is off, as of old":  {main: "smtp_host_lookup = dns\ndisable_dns_lookups = yes\n", hosts: true},
		"DNS is off and then on": {main: "smtp_host_lookup = dns\ndisable_dns_lookups = yes\nsmtp_dns_support_level = enabled\n"},
		"no Postfix":             {none: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if err := os.MkdirAll(s.deps.Host.Real(dir), 0o755); err != nil {
				t.Fatal(err)
			}
			s.write(t, main, tt.main)
			if tt.none {
				s.deps.Host.Path = "/nonexistent"
			}
			v4, _, err := ResolverHere(t.Context(), &s.deps.Host.Reader, dir).Addrs(t.Context(), "relay.test")
			if found := err == nil && len(v4) == 1; found != tt.hosts {
				t.Errorf("got %v, %v, want the address of /etc/hosts: %t", v4, err, tt.hosts)
			}
		})
	}
}
