package setup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// A fingerprint, or none at all, is in place before the ports are probed: their
// certificates need not verify by the CA file then.
func TestCertificateNeedNotVerify(t *testing.T) {
	untrusted := detect.Submission{Result: string(smtpprobe.FaultUntrusted)}
	silent := detect.Submission{Result: string(smtpprobe.FaultTimeout)}
	pin := strings.Repeat("00", 32)
	for _, test := range []struct {
		name  string
		pin   string
		given config.Given
		want  bool
	}{
		{"by the CA file", "", config.Given{}, false},
		{"pinned now", "", config.Given{Fingerprint: pin}, true},
		{"pinned before", pin, config.Given{}, true},
		{"pinned before, by a CA file now", pin, config.Given{CAFile: "/ca.pem"}, false},
		{"not verified", "", config.Given{NoVerify: true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Discovery{Catalog: []relays.Relay{{ID: "corp", Hosts: relays.Hosts{Default: "mail.test"}}}, Stored: config.New()}
			*d.Stored.First() = config.Hop{Relay: relays.Relay{ID: "corp"}, Host: "mail.test", Pin: test.pin}
			d.Before = *d.Stored.First()
			c, err := Named(t.Context(), Deps{}, d, Request{Given: test.given}, nobody{})
			if err != nil {
				t.Fatal(err)
			}
			if got := reachable(*c.First(), untrusted); got != test.want {
				t.Errorf("an untrusted certificate: got %v, want %v", got, test.want)
			}
			if reachable(*c.First(), silent) {
				t.Error("silence: got reachable, want not")
			}
		})
	}
}

// A smarthost wants a login wherever credentials are given, however they are.
func TestSmarthostLogsIn(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "relayhost"), []byte("username=u\npassword=p\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, systemd string
		req           Request
		want          bool
	}{
		{"none", "", Request{}, false},
		{"a file", "", Request{Given: config.Given{CredentialsFile: "-"}}, true},
		{"a user name alone", "", Request{Username: "u"}, true},
		{"systemd's", dir, Request{}, true},
		{"systemd's of something else", t.TempDir(), Request{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("CREDENTIALS_DIRECTORY", test.systemd)
			test.req.Smarthost, test.req.Port = "mail.test", 587
			h, err := smarthost(t.Context(), Discovery{}, test.req, nobody{})
			if err != nil {
				t.Fatal(err)
			}
			if got := len(h.Relay.Auth.Mechanisms) > 0; got != test.want {
				t.Errorf("login: got %v, want %v", got, test.want)
			}
		})
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	_, err := ReadCredentials(t.Context(), config.New(), Request{}, nobody{})
	var hinted HintedError
	if !errors.As(err, &hinted) || !strings.Contains(hinted.Hint, dir) {
		t.Errorf("credentials of systemd that others can read: got %v, want a hint on %s", err, dir)
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
	fresh := config.Hop{Relay: relay, Host: "mail.test"}
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
		{"not signed by the CA file", []config.Hop{{Relay: relay, Host: "mail.test", CAFile: "/ca.pem"}}, Request{}, []detect.Submission{untrusted}, nil, "none of mail.test's ports is reachable"},
		{"no CA bundle, and no answer", []config.Hop{fresh}, Request{}, []detect.Submission{shut}, nil, "none of mail.test's ports is reachable"},
		{"no probe, and none known", []config.Hop{fresh}, Request{NoProbe: true}, nil, nil, "--no-probe cannot choose a port"},
		{"no probe, and one known", []config.Hop{at(587, relays.StartTLS)}, Request{NoProbe: true}, nil, []int{587}, ""},
		{"no probe, and none known of a fallback", []config.Hop{at(587, relays.StartTLS), fresh}, Request{NoProbe: true}, nil, nil, "default route, fallback 1 names no port"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := with(config.Route{Name: config.DefaultRoute, Hops: test.hops})
			s.Facts = &detect.Facts{Submission: test.tried}
			c, err := SelectPorts(t.Context(), s.Deps, s.Discovery, s.Config, test.req)
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

// A port that nobody can choose is a proof that failed, with its cause.
func TestUnreachable(t *testing.T) {
	h := config.Hop{Relay: relays.Relay{ID: "corp"}, Host: "mail.test"}
	err := unreachable(h, []detect.Submission{{Port: 587, Result: string(detect.DNSFailed), Detail: "no such host"}})
	var proof ProofError
	var found Explained
	if !errors.As(err, &proof) || !errors.As(err, &found) || found.Finding.Check != "dns" {
		t.Errorf("got %v, want a failed proof with a finding on dns", err)
	}
}

// somebody answers the questions about a smarthost.
type somebody struct {
	nobody
	login bool
}

func (somebody) Can() bool { return true }

func (s somebody) Smarthost(_ context.Context, _ Discovery, h config.Hop) (config.Hop, bool, error) {
	h.Host, h.Port, h.TLS, h.Pin = cmp.Or(h.Host, "mail.corp.example"), 25, relays.StartTLS, "00"
	return h, s.login, nil
}

// What is answered about a smarthost is kept: host, port, fingerprint and login.
func TestSmarthostAnswers(t *testing.T) {
	for _, login := range []bool{false, true} {
		t.Run(fmt.Sprintf("login %v", login), func(t *testing.T) {
			h, err := smarthost(t.Context(), Discovery{}, Request{}, somebody{login: login})
			if err != nil {
				t.Fatal(err)
			}
			if h.Host != "mail.corp.example" || h.Port != 25 || h.Pin != "00" || (len(h.Relay.Auth.Mechanisms) > 0) != login {
				t.Errorf("login %v: got %+v, want the answers", login, h)
			}
		})
	}
	var usage UsageError
	if _, err := smarthost(t.Context(), Discovery{}, Request{Smarthost: "mail.corp.example"}, nobody{}); !errors.As(err, &usage) {
		t.Errorf("nobody to ask and no port: got %v, want a usage error", err)
	}
}

// A look at a relay shows its certificate and whether it offers a login, whatever the
// certificate is worth; a fingerprint that differs is told as such.
func TestLookAt(t *testing.T) {
	s := newServer(t)
	ready := s.prepare(t, s.request(t, "right"))
	h := config.Hop{Host: "relay.test", Port: s.port, TLS: relays.StartTLS}
	res, err := LookAt(t.Context(), s.deps, ready.Discovery, h)
	if _, offered := WantsLogin(res); err != nil || res.Certificate == nil || !offered {
		t.Fatalf("got %+v, %v, want a certificate and AUTH", res, err)
	}
	sum := sha256.Sum256(res.Certificate.Raw)
	h.Pin = hex.EncodeToString(sum[:])
	if res, err := LookAt(t.Context(), s.deps, ready.Discovery, h); err != nil || res.Fault.Certificate() {
		t.Errorf("its fingerprint: got %+v, %v, want it trusted", res, err)
	}
	h.Pin = strings.Repeat("00", 32)
	res, err = LookAt(t.Context(), s.deps, ready.Discovery, h)
	if err != nil || !errors.Is(res.Err, smtpprobe.ErrPin) || res.Certificate == nil {
		t.Fatalf("another fingerprint: got %+v, %v, want ErrPin and the certificate", res, err)
	}
	text := subject{}.failedProbe(res.Err, res)
	var hinted HintedError
	if !strings.Contains(text.Error(), "does not have the pinned fingerprint") || !errors.As(text, &hinted) || !strings.Contains(hinted.Hint, hex.EncodeToString(sum[:])) {
		t.Errorf("got %v, hint %q, want the right cause and the fingerprint", text, hinted.Hint)
	}
}
