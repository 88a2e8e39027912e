package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/flow"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// write puts a file of the server there.
func (s *server) write(t *testing.T, path, text string) {
	t.Helper()
	writeFile(t, s.deps.Host.Real(path), text)
}

func (s *server) state(t *testing.T) postfix.State {
	t.Helper()
	state, err := postfix.Read(t.Context(), &s.deps.Host.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// apply is a setup that goes the whole way.
func (s *server) apply(t *testing.T) {
	t.Helper()
	if _, err := Commit(t.Context(), s.prepare(t, s.request(t, "right")), CommitOptions{}); err != nil {
		t.Fatal(err)
	}
}

// busy takes the lock that one run at a time has.
func (s *server) busy(t *testing.T) {
	t.Helper()
	release, err := apply.Lock(t.Context(), s.deps.Host, apply.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
}

// Discover reads the stored Config, the catalogue and the tables that a plan compares
// with, and stops at what no setup gets past. It changes nothing.
func TestDiscover(t *testing.T) {
	const main = "/etc/postfix/main.cf"
	text := func(text string) func(*testing.T, *server) {
		return func(t *testing.T, s *server) { s.write(t, config.Path, text) }
	}
	fresh := func(d Discovery, _ *server) string {
		if d.Stored.First().Name() != "" || d.Before.Host != "" {
			return fmt.Sprintf("relay %q, in use %q, want none", d.Stored.First().Name(), d.Before.Host)
		}
		return ""
	}
	for _, tt := range []struct {
		name    string
		prepare func(*testing.T, *server)
		req     Request
		absent  bool // there is no Postfix
		err     string
		holds   func(Discovery, *server) string // "", or what is wrong
	}{
		{name: "nothing is stored", holds: fresh},
		{name: "no Postfix", absent: true, holds: fresh},
		{name: "after a setup", prepare: func(t *testing.T, s *server) { s.apply(t) }, holds: func(d Discovery, s *server) string {
			used, missing, err := InUse(d.Stored, d.State, d.Find)
			stored, before := *d.Stored.First(), d.Before
			if stored.Host != "relay.test" || before.Host != "relay.test" || before.Port != s.port || d.Stored.From() != "app@example.com" ||
				err != nil || missing || used.First().Username != "joe" || used.First().Password.Reveal() != "right" {
				return fmt.Sprintf("relay %s from %s, in use %s, account %q (missing: %v, %v), want relay.test, app@example.com, port %d and joe's",
					stored.Host, d.Stored.From(), before.NextHop(), used.First().Username, missing, err, s.port)
			}
			return ""
		}},
		{name: "a key that is unknown", prepare: text("version = 1\nrelais = \"postmark\"\n"), err: config.Path + ":2: unknown key relais"},
		{name: "a file that is no TOML", prepare: text("relay\n"), err: config.Path + ":1: "},
		{name: "a relay that is unknown", prepare: text("version = 1\nrelay = \"nobody\"\nfrom = \"a@example.com\"\n"), err: config.Path + ":2: "},
		{name: "a relay that is unknown, and another one is asked for", prepare: text("version = 1\nrelay = \"nobody\"\nfrom = \"a@example.com\"\n"),
			req: Request{Relay: "postmark"}, holds: func(d Discovery, _ *server) string {
				if r, err := d.Find("postmark"); err != nil || r.Name != "Postmark" || d.Stored.From() != "a@example.com" {
					return fmt.Sprintf("%q (%v) from %s, want Postmark from a@example.com", r.Name, err, d.Stored.From())
				}
				return ""
			}},
		{name: "tables", prepare: func(t *testing.T, s *server) {
			s.write(t, main, mainBefore+"relay_domains = hash:/etc/postfix/domains\nmyorigin = /etc/mailname\n")
			s.write(t, "/etc/postfix/domains", "backup.example x\n")
			s.write(t, "/etc/mailname", "web1.example.com\n")
		}, holds: func(d Discovery, _ *server) string {
			if got := string(d.State.Maps["/etc/postfix/domains"]) + string(d.State.Maps["/etc/mailname"]); got != "backup.example x\nweb1.example.com\n" {
				return fmt.Sprintf("tables %q, want both files", got)
			}
			return ""
		}},
		{name: "Ansible", prepare: func(t *testing.T, s *server) { s.write(t, main, "# Ansible managed\n"+mainBefore) }, err: "Ansible manages the mail of this host"},
		{name: "Ansible, with --force", prepare: func(t *testing.T, s *server) { s.write(t, main, "# Ansible managed\n"+mainBefore) }, req: Request{Force: true}, holds: fresh},
		{name: "a Postfix that is too old", prepare: func(t *testing.T, s *server) {
			s.write(t, "/usr/share/postfix.defaults", strings.Replace(defaults, "3.7.11", "3.3.9", 1))
		}, err: "Postfix 3.3 is too old"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			if tt.prepare != nil {
				tt.prepare(t, s)
			}
			before, state := s.tree(t), postfix.State{}
			if !tt.absent {
				state = s.state(t)
			}
			d, err := Discover(t.Context(), s.deps, state, tt.req, nobody{})
			switch {
			case tt.err != "":
				if err == nil || !strings.HasPrefix(err.Error(), tt.err) {
					t.Errorf("got the error %v, want %q", err, tt.err)
				}
			case err != nil:
				t.Fatalf("got the error %v, want none", err)
			default:
				if wrong := tt.holds(d, s); wrong != "" {
					t.Error("got " + wrong)
				}
				if v4, _, err := d.Resolver.Addrs(t.Context(), "relay.test"); !tt.absent && (err != nil || len(v4) != 1) { // smtp_host_lookup is Postfix's
					t.Errorf("addresses of relay.test: got %v (%v), want that of /etc/hosts", v4, err)
				}
			}
			if !maps.Equal(s.tree(t), before) {
				t.Error("the host: got changes, want none")
			}
		})
	}
}

// sender answers the question for the sender, and counts those for the domains to
// deliver to directly.
type sender struct {
	nobody
	asked *int
}

func (sender) Can() bool { return true }

func (sender) From(context.Context, Discovery, *relays.Relay) (string, error) {
	return "new@example.com", nil
}

func (s sender) Direct(context.Context, Discovery) ([]string, error) {
	*s.asked++
	return []string{"lan.example"}, nil
}

// Again asks for the answers that a relay has refused, and for nothing else.
func TestAgain(t *testing.T) {
	asked := 0
	ready := newServer(t)
	s := ready.prepare(t, ready.request(t, "right"))
	c, _, err := Complete(t.Context(), s.Basis, s.Config, sender{asked: &asked}, "", false)
	if err != nil || asked != 1 || len(c.Direct) != 1 {
		t.Fatalf("first: got the domains %q, asked for %d times (%v), want one domain, asked for once", c.Direct, asked, err)
	}
	c.Routes[0].From = ""
	again, err := s.Again(t.Context(), c, sender{asked: &asked}, "")
	if err != nil {
		t.Fatal(err)
	}
	if again.Config.From() != "new@example.com" || again.Config.First().Username != "joe" || asked != 1 || len(again.Config.Direct) != 1 {
		t.Errorf("again: got %s, the account %q and the domains %q, asked for %d times, want the new sender and the rest as it was", again.Config.From(), again.Config.First().Username, again.Config.Direct, asked)
	}
	if !slices.ContainsFunc(again.Plan.Files, func(f plan.File) bool { return bytes.Contains(f.After, []byte("new@example.com")) }) {
		t.Error("the plan: got none with the new sender, want one")
	}
	if s.Config.From() != "app@example.com" {
		t.Errorf("the Setup before: got the sender %s, want the one of before", s.Config.From())
	}
}

// LookAhead goes as far as TLS: it stops a dry run at what no run gets past there, and
// asks nothing that a login comes before.
func TestLookAhead(t *testing.T) {
	stranger, err := smtpd.SelfSigned("relay.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, password string
		change         func(*server, *Setup)
		cause          string // of the finding; "" for no error
		connections    int
	}{
		{"accepted", "right", func(*server, *Setup) {}, "", 1},
		{"a wrong password", "wrong", func(*server, *Setup) {}, "", 1},
		{"a sender that is refused", "right", func(s *server, _ *Setup) {
			s.relay.Configure(func(c *smtpd.Config) {
				c.Sender = func(string) *smtpd.Reply { return &smtpd.Reply{Code: 550, Text: "No"} }
			})
		}, "", 1},
		{"no TLS", "right", func(s *server, _ *Setup) { s.relay.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true }) }, "tls_not_offered", 1},
		{"a certificate of an unknown CA", "right", func(s *server, _ *Setup) {
			s.relay.Configure(func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(stranger) })
		}, "tls_untrusted_issuer", 1},
		{"no TLS, and nothing is probed", "right", func(s *server, ready *Setup) {
			s.relay.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true })
			ready.NoProbe = true
		}, "", 0},
		{"nobody answers, which may be otherwise later", "right", func(s *server, _ *Setup) { _ = s.relay.Close() }, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			before := s.tree(t)
			req := s.request(t, tt.password)
			req.DryRun = true
			ready := s.prepare(t, req)
			ready.NoProbe = false
			tt.change(s, &ready)
			err := LookAhead(t.Context(), ready)
			var proof ProofError
			var told Explained
			if failed := errors.As(err, &proof) && errors.As(err, &told); err != nil && !failed || told.Finding.Cause != tt.cause {
				t.Errorf("got the error %v with the cause %q, want %q", err, told.Finding.Cause, tt.cause)
			}
			if n := s.relay.Counters(); n.Connections != tt.connections || n.Logins+n.Refusals+n.Messages != 0 {
				t.Errorf("at the relay: got %+v, want %d connections and no login", n, tt.connections)
			}
			for _, x := range s.relay.Sessions() {
				if x.Count("AUTH")+x.Count("MAIL") > 0 {
					t.Errorf("at the relay: got the commands %q, want neither AUTH nor MAIL", x.Commands)
				}
			}
			if !maps.Equal(s.tree(t), before) {
				t.Error("the host: got changes, want none")
			}
		})
	}
}

// MailFlow has nothing to compare where nothing changes or there is no Postfix, and
// stops at what Postfix would die of, also where it can compare nothing. As root it
// starts a private Postfix (TestLabStages).
func TestMailFlow(t *testing.T) {
	const fault = "no mail can leave with this configuration: transport_maps = hash:/etc/postfix/gone: "
	type row struct {
		name   string
		change func(*Setup)
		broken bool   // a table is missing
		err    string // beginning of the error; "" for none
		told   string // beginning of what is told; "" for nothing
	}
	rows := []row{
		{"nothing changes", func(s *Setup) { s.Plan = flow.Unchanged(s.State) }, true, "", ""},
		{"no Postfix yet", func(s *Setup) { s.State.Installed = false }, true, "", ""},
		{"a table is missing", func(s *Setup) { s.State.Master = nil }, true, fault, ""},
		{"a table is missing, with --force", func(s *Setup) { s.State.Master, s.Force = nil, true }, true, "", "unproven: " + fault[strings.Index(fault, "transport"):]},
		{"nothing is missing", func(s *Setup) { s.State.Master = nil }, false, "", ""},
	}
	if os.Geteuid() != 0 {
		rows = append(rows, row{"not root", func(*Setup) {}, false, "", "unproven: where mail goes before and after the change was not compared: that needs root"},
			row{"not root, and a table is missing", func(*Setup) {}, true, fault, ""})
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			if tt.broken {
				s.write(t, "/etc/postfix/main.cf", mainBefore+"transport_maps = hash:/etc/postfix/gone\n")
			}
			ready := s.prepare(t, s.request(t, "right"))
			tt.change(&ready)
			s.told.lines = nil
			table, err := MailFlow(t.Context(), ready)
			if table != nil || (err != nil) != (tt.err != "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("got %+v and the error %v, want no table and %q", table, err, tt.err)
			}
			if told := strings.Join(s.told.lines, "\n"); (told == "") != (tt.told == "") || !strings.HasPrefix(told, tt.told) {
				t.Errorf("told: got %q, want %q", told, tt.told)
			}
		})
	}
}

// Rehearse sends nothing where no proof is asked for, while another run is at work, or
// without root, and gives the lock back. As root it starts a private Postfix
// (TestLabStages).
func TestRehearse(t *testing.T) {
	type row struct {
		name  string
		proof bool   // one is asked for
		busy  bool   // another run is at work
		err   string // beginning of the error; "" for none
	}
	rows := []row{
		{"no proof", false, false, ""},
		{"no proof beside another run", false, true, ""},
		{"another run", true, true, "another relayhost is running"},
	}
	if os.Geteuid() != 0 {
		rows = append(rows, row{"not root", true, false, "rehearsal: a private Postfix needs root"})
	}
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			before := s.tree(t)
			ready := s.prepare(t, s.request(t, "right"))
			if ready.NoProof = !tt.proof; tt.busy {
				s.busy(t)
			}
			if err := Rehearse(t.Context(), ready, nil, nil); (err != nil) != (tt.err != "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
				t.Errorf("got the error %v, want %q", err, tt.err)
			}
			if n := s.relay.Counters(); n.Connections != 0 {
				t.Errorf("at the relay: got %+v, want nothing", n)
			}
			if !maps.Equal(s.tree(t), before) {
				t.Error("the host: got changes, want none")
			}
			if !tt.busy {
				s.busy(t) // fails where the lock has been kept
			}
		})
	}
}

// TryOut is Preflight alone without a proof. What Preflight says comes first, and a
// rehearsal that could not be made is told also where the relay accepts.
func TestTryOut(t *testing.T) {
	reply := &smtpd.Reply{Code: 550, Enhanced: "5.7.1", Text: "No"}
	nothing := func(*smtpd.Config) {}
	for _, tt := range []struct {
		name, password string
		relay          func(*smtpd.Config)
		busy           bool // another run is at work, and a proof is asked for
		want           error
		logins         int
	}{
		{"accepted", "right", nothing, false, nil, 1},
		{"a wrong password", "wrong", nothing, false, ErrLoginRefused, 0},
		{"a sender that is refused", "right", func(c *smtpd.Config) { c.Sender = func(string) *smtpd.Reply { return reply } }, false, ErrSenderRefused, 1},
		{"a recipient that is refused", "right", func(c *smtpd.Config) { c.Recipient = func(_, _ string) *smtpd.Reply { return reply } }, false, ErrRecipientRefused, 1},
		{"accepted beside another run", "right", nothing, true, nil, 1},
		{"a wrong password beside another run", "wrong", nothing, true, ErrLoginRefused, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			before := s.tree(t)
			s.relay.Configure(tt.relay)
			ready := s.prepare(t, s.request(t, tt.password))
			if tt.busy {
				s.busy(t)
				ready.NoProof = false
			}
			err := TryOut(t.Context(), ready, nil, nil)
			var proof ProofError
			var locked *apply.Locked
			if !errors.Is(err, tt.want) && !tt.busy || errors.As(err, &proof) != (tt.want != nil) || errors.As(err, &locked) != tt.busy {
				t.Errorf("got the error %v, want %v, and another run: %v", err, tt.want, tt.busy)
			}
			if tt.want != nil && (!errors.Is(err, tt.want) || !strings.HasPrefix(err.Error(), "relay.test port ")) {
				t.Errorf("got the error %v, want %v first", err, tt.want)
			}
			refusals := 0
			if errors.Is(tt.want, ErrLoginRefused) {
				refusals = 1
			}
			if n := s.relay.Counters(); n.Connections != 1 || n.Logins != tt.logins || n.Refusals != refusals || n.Messages != 0 {
				t.Errorf("at the relay: got %+v, want one connection, %d logins, %d of them refused, and no message", n, tt.logins+refusals, refusals)
			}
			if !maps.Equal(s.tree(t), before) {
				t.Error("the host: got changes, want none")
			}
		})
	}
}
