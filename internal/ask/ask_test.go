package ask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// script is a person who types what stands in it, an empty text for what is offered.
type script struct {
	t       *testing.T
	typed   []string
	asked   []string
	refused []string // why an answer was not taken
}

func (s *script) next(question, preset string, check func(string) error) (string, error) {
	if preset != "" {
		question += " (" + preset + ")"
	}
	s.asked = append(s.asked, question)
	for {
		if len(s.typed) == 0 {
			s.t.Fatalf("%q: got no answer left after the refusals %q, want one", question, s.refused)
		}
		answer := s.typed[0]
		s.typed = s.typed[1:]
		if answer == "" {
			answer = preset
		}
		if answer == "<" {
			return "", ui.ErrBack
		}
		if check == nil {
			return answer, nil
		}
		err := check(answer)
		if err == nil {
			return answer, nil
		}
		s.refused = append(s.refused, err.Error())
	}
}

func (s *script) Select(question string, _ []ui.Option) (string, error) {
	return s.next(question, "", nil)
}

func (s *script) Input(question, preset string, check func(string) error) (string, error) {
	return s.next(question, preset, check)
}

func (s *script) Secret(question string, check func(string) error) (string, error) {
	return s.next(question, "", check)
}

func (s *script) Confirm(question string) (bool, error) {
	answer, err := s.next(question, "", nil)
	return answer == "y", err
}

// terminal is a device that takes what is told, so that questions may be asked.
func terminal(t *testing.T) *os.File { return showing(t, io.Discard) }

// showing is a terminal that hands on what is written to it.
func showing(t *testing.T, shown io.Writer) *os.File {
	t.Helper()
	open := func(path string) *os.File {
		f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		return f
	}
	master := open("/dev/ptmx")
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	go func() { // a terminal that nobody reads would hold the writer
		_, _ = io.Copy(shown, master)
	}()
	return open(fmt.Sprintf("/dev/pts/%d", n))
}

// newQuestions are those of a run with these flags, which the script answers.
func newQuestions(t *testing.T, req setup.Request, typed ...string) (*Questions, *script) {
	t.Helper()
	tty := terminal(t)
	limit, cancel := ui.WithLimit(t.Context(), time.Minute)
	t.Cleanup(cancel)
	deps := setup.Deps{Host: &host.Host{Reader: host.Reader{Root: t.TempDir()}}}
	q := New(Terminal{IO: &ui.Streams{In: tty, Out: tty, Err: tty}, Deps: deps, Request: req, Limit: limit, Complain: func(_, text string) { t.Log(text) }})
	s := &script{t: t, typed: typed}
	q.talk.Prompter = s
	return q, s
}

func relay(t *testing.T, id string) *relays.Relay {
	t.Helper()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	r, err := relays.Find(all, id)
	if err != nil {
		t.Fatal(err)
	}
	return &r
}

func discovery(t *testing.T) setup.Discovery {
	t.Helper()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	return setup.Discovery{Catalog: all, State: postfix.State{Params: map[string]string{}}}
}

// Where nobody is there to be asked, each question names the flag that answers it.
func TestNobodyIsThere(t *testing.T) {
	var out bytes.Buffer
	q := New(Terminal{IO: &ui.Streams{In: strings.NewReader(""), Out: &out, Err: &out}})
	d, ctx := discovery(t), t.Context()
	for _, test := range []struct {
		name, flag string
		ask        func() error
	}{
		{"relay", "--relay", func() error { _, err := q.Relay(ctx, d, nil); return err }},
		{"smarthost", "--smarthost HOST --port PORT", func() error { _, _, err := q.Smarthost(ctx, d, nil, config.Hop{}); return err }},
		{"user", "--username", func() error { return q.Credentials(ctx, relay(t, "brevo"), "", &secret.Credentials{}) }},
		{"password", "--credentials-file", func() error { return q.Credentials(ctx, relay(t, "brevo"), "", &secret.Credentials{Username: "joe"}) }},
		{"sender", "--from", func() error { _, err := q.From(ctx, d, relay(t, "brevo")); return err }},
		{"sign-in", "--sign-in", func() error { _, err := q.SignIn(ctx, config.Hop{Relay: relay(t, "m365")}); return err }},
		{"consent", "--yes", func() error { return q.Consent(ctx, setup.Setup{}, nil, &setup.Queue{}) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var usage setup.UsageError
			if err := test.ask(); !errors.As(err, &usage) || !strings.Contains(usage.Hint, test.flag) || !strings.Contains(err.Error(), "stdin is not a terminal") {
				t.Errorf("got %v with the hint %q, want a usage error that names %s", err, usage.Hint, test.flag)
			}
		})
	}
	if err := q.Install(ctx); !errors.Is(err, setup.ErrNoPostfix) {
		t.Errorf("to install: got %v, want %v", err, setup.ErrNoPostfix)
	}
	if to, err := q.To(ctx, d, "app@example.com"); err != nil || to != "app@example.com" {
		t.Errorf("the recipient: got %q (%v), want the sender", to, err)
	}
}

func TestRelay(t *testing.T) {
	open := &detect.Facts{Port25: detect.Port25{Verdict: detect.Open}}
	for _, test := range []struct {
		name  string
		facts *detect.Facts
		typed []string
		want  string
		err   error
		asked []string
	}{
		{"a choice", nil, []string{"brevo"}, "brevo", nil, []string{"Relay service"}},
		{"port 25 is open, and one is wanted", open, []string{"y", "ses"}, "ses", nil, []string{"Set up a relay anyway?", "Relay service"}},
		{"port 25 is open, and none is wanted", open, []string{"n"}, "", ErrDeclined, []string{"Set up a relay anyway?"}},
		{"back", nil, []string{"<"}, "", ui.ErrBack, []string{"Relay service"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, s := newQuestions(t, setup.Request{}, test.typed...)
			got, err := q.Relay(t.Context(), discovery(t), test.facts)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q (%v), want %q (%v)", got, err, test.want, test.err)
			}
			if !slices.Equal(s.asked, test.asked) {
				t.Errorf("asked: got %q, want %q", s.asked, test.asked)
			}
		})
	}
}

// The best relay for the host comes first; another server only where no relay is
// reachable.
func TestRankedOptions(t *testing.T) {
	d := discovery(t)
	ranked := detect.Rank(detect.Facts{}, d.Catalog)
	options, _ := rankedOptions(d.Catalog, nil)
	if len(options) != len(ranked)+1 || options[len(options)-1] != otherServer {
		t.Errorf("got the options %+v, want the %d that are ranked, and another server last", options, len(ranked))
	}
	var closed []detect.Submission
	for _, r := range d.Catalog {
		for _, p := range r.Ports {
			closed = append(closed, detect.Submission{Port: p.Port, Result: "timeout"})
		}
	}
	options, reason := rankedOptions(d.Catalog, &detect.Facts{Submission: closed})
	if options[0] != otherServer || reason != "" {
		t.Errorf("no port is open: got %q first (%q), want another server", options[0].Text, reason)
	}
}

func TestCredentials(t *testing.T) {
	key := strings.Repeat("wJalrXUtnFEMI/K7MDENG", 2)[:40]
	for _, test := range []struct {
		name, id, typedBefore string
		given                 secret.Credentials
		typed                 []string
		want                  secret.Credentials
		asked                 []string
	}{
		{"both", "sendgrid", "", secret.Credentials{Username: "apikey"}, []string{"SG." + strings.Repeat("a", 22) + "." + strings.Repeat("b", 43)},
			secret.Credentials{Username: "apikey", Password: secret.New("SG." + strings.Repeat("a", 22) + "." + strings.Repeat("b", 43))}, []string{"Password"}},
		{"a secret access key", "ses", "", secret.Credentials{}, []string{"AKIAIOSFODNN7EXAMPLE", key},
			secret.Credentials{Username: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New(key)}, []string{"User name", "Password"}},
		{"a user name that was refused", "ses", "AKIAIOSFODNN7EXAMPLE", secret.Credentials{}, []string{"", key},
			secret.Credentials{Username: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New(key)}, []string{"User name (AKIAIOSFODNN7EXAMPLE)", "Password"}},
		{"nothing is missing", "sendgrid", "", secret.Credentials{Username: "apikey", Password: secret.New("pw")}, nil,
			secret.Credentials{Username: "apikey", Password: secret.New("pw")}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, s := newQuestions(t, setup.Request{}, test.typed...)
			got := test.given
			if err := q.Credentials(t.Context(), relay(t, test.id), test.typedBefore, &got); err != nil {
				t.Fatal(err)
			}
			if got.Username != test.want.Username || got.Password.Reveal() != test.want.Password.Reveal() || got.SecretAccessKey.Reveal() != test.want.SecretAccessKey.Reveal() {
				t.Errorf("got user %q, want %q, and the secret that was typed", got.Username, test.want.Username)
			}
			if !slices.Equal(s.asked, test.asked) {
				t.Errorf("asked: got %q, want %q", s.asked, test.asked)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	here := discovery(t)
	here.State.Params["mydestination"] = "example.org"
	for _, test := range []struct {
		name    string
		ask     func(context.Context, *Questions) (string, error)
		typed   []string
		want    string
		refused []string // parts
	}{
		{"a sender", func(ctx context.Context, q *Questions) (string, error) { return q.From(ctx, here, relay(t, "brevo")) },
			[]string{"app", "app@example.com"}, "app@example.com", []string{"enter a full address"}},
		{"a sender of a public mail service, given again", func(ctx context.Context, q *Questions) (string, error) { return q.From(ctx, here, relay(t, "brevo")) },
			[]string{"me@gmail.com", "me@gmail.com"}, "me@gmail.com", []string{"gmail.com is a public mail service"}},
		{"the sender's own mailbox", func(ctx context.Context, q *Questions) (string, error) { return q.To(ctx, here, "app@example.com") },
			[]string{""}, "app@example.com", nil},
		{"a recipient on this server", func(ctx context.Context, q *Questions) (string, error) { return q.To(ctx, here, "app@example.org") },
			[]string{"app@example.org", "you@example.com"}, "you@example.com", []string{"is delivered on this server"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, s := newQuestions(t, setup.Request{NoProbe: true}, test.typed...)
			got, err := test.ask(t.Context(), q)
			if err != nil || got != test.want {
				t.Errorf("got %q (%v), want %q", got, err, test.want)
			}
			if len(s.refused) != len(test.refused) || len(s.refused) > 0 && !strings.Contains(s.refused[0], test.refused[0]) {
				t.Errorf("refused: got %q, want %q", s.refused, test.refused)
			}
		})
	}
}

// with is a setup of one relay, as a preflight has tried it.
func with(t *testing.T) setup.Setup {
	t.Helper()
	h := config.Hop{Relay: relay(t, "brevo"), Host: "smtp-relay.brevo.com", Port: 587, TLS: relays.StartTLS, Username: "joe", Password: secret.New("pw")}
	c := config.New()
	c.Routes[0].From, c.Routes[0].Hops, c.To = "app@example.com", []config.Hop{h}, "you@example.net"
	return setup.Setup{Basis: setup.Basis{Discovery: discovery(t)}, Config: c}
}

// What the relay has refused is asked for again, with what was answered before; what
// nobody was asked for is not.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name     string
		err      error
		typed    bool
		asked    []string
		user     string
		ok       bool
		from, to string // that remain
	}{
		{"a login that was typed", setup.ErrLoginRefused, true, nil, "joe", true, "app@example.com", "you@example.net"},
		{"a login of a file", setup.ErrLoginRefused, false, nil, "", false, "app@example.com", "you@example.net"},
		{"a sender that was asked for", setup.ErrSenderRefused, false, []string{"from"}, "", true, "", "you@example.net"},
		{"a sender by flag", setup.ErrSenderRefused, false, []string{"to"}, "", false, "app@example.com", "you@example.net"},
		{"a recipient that was asked for", setup.ErrRecipientRefused, false, []string{"to"}, "", true, "app@example.com", ""},
		{"a recipient, which may be for the sender", setup.ErrRecipientRefused, false, []string{"from"}, "", true, "", ""},
		{"something else", errors.New("timeout"), true, []string{"from", "to"}, "", false, "app@example.com", "you@example.net"},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, _ := newQuestions(t, setup.Request{})
			q.typed = test.typed
			for _, a := range test.asked {
				q.asked[a] = true
			}
			s := with(t)
			c, user, ok := q.Refused(s.Config, fmt.Errorf("preflight: %w", test.err))
			if user != test.user || ok != test.ok {
				t.Errorf("got user %q, %v, want %q, %v", user, ok, test.user, test.ok)
			}
			if c.Routes[0].From != test.from || c.To != test.to {
				t.Errorf("addresses: got %q and %q, want %q and %q", c.Routes[0].From, c.To, test.from, test.to)
			}
			if before := with(t).Config; s.Config.From() != before.From() || s.Config.To != before.To {
				t.Errorf("addresses of the Config that was handed in: got %q and %q, want %q and %q", s.Config.From(), s.Config.To, before.From(), before.To)
			}
		})
	}
}

// After a failure the answer that was wrong is asked for, else the one that is chosen.
func TestChange(t *testing.T) {
	bySender := setup.Explained{Err: errors.New("refused"), Finding: verify.Finding{Cause: "root_at_hostname"}}
	for _, test := range []struct {
		name  string
		err   error
		typed []string
		want  bool
		gone  string // question that is open again
	}{
		{"the sender", bySender, nil, true, askFrom},
		{"what is chosen", errors.New("unknown"), []string{askRelay}, true, askRelay},
		{"nothing", errors.New("unknown"), []string{""}, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, s := newQuestions(t, setup.Request{NoProbe: true}, append([]string{"brevo", "app@example.com"}, test.typed...)...)
			d := discovery(t)
			if _, err := q.Relay(t.Context(), d, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := q.From(t.Context(), d, relay(t, "brevo")); err != nil {
				t.Fatal(err)
			}
			s.asked = nil
			if !q.Answered() {
				t.Error("answered: got false, want true")
			}
			if got := q.Change(test.err); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			for _, question := range []string{askRelay, askFrom} {
				if got, want := q.talk.Answered(question), question != test.gone; got != want {
					t.Errorf("%s: got answered %v, want %v", question, got, want)
				}
			}
			if wantMenu := len(test.typed) > 0; (len(s.asked) == 1) != wantMenu {
				t.Errorf("asked: got %q, want the menu alone: %v", s.asked, wantMenu)
			}
		})
	}
}

func TestPlanScreen(t *testing.T) {
	s := with(t)
	s.Plan = plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify}, {Path: "/etc/postfix/master.cf", Action: plan.Unchanged}}}
	second := config.Route{Name: "shop", Senders: []string{"@shop.example"}, Hops: []config.Hop{{Host: "smtp.example.net", Port: 465, NoVerify: true}, {Host: "smtp.example.org"}}}
	s.Config.Routes = append(s.Config.Routes, second)
	want := []row{
		{"Relay", "smtp-relay.brevo.com port 587, verified TLS"},
		{"Account", "joe"},
		{"Relay", "smtp.example.net port 465, TLS, certificate NOT verified for @shop.example, with 1 fallback"},
		{"Sender", "app@example.com; other senders on this server keep their address"}, // no file says otherwise
		{"Test", "messages to you@example.net, before and after the change"},
		{"Files", "/etc/postfix/main.cf"},
		{"Undo", "sudo relayhost rollback"},
	}
	if got := planScreen(s, nil); !slices.Equal(got, want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
	s.Config.Routes[0].Hops[0].Username = "token"
	s.Config.Routes[0].Hops[0].Password = secret.New("token")
	if got := planScreen(s, nil)[1]; got.text != "the token (not shown)" {
		t.Errorf("an account that is a token: got %q, want it not shown", got.text)
	}
}

// The consent is asked for once more after a look at the difference, and may be taken
// back at the question about the queue.
func TestConsent(t *testing.T) {
	waits := setup.Queue{Fate: "ask", Messages: []postfix.QueuedMessage{{ID: "4F1D12C"}}}
	for _, test := range []struct {
		name  string
		queue setup.Queue
		typed []string
		fate  string
		err   error
	}{
		{"yes", setup.Queue{Fate: "ask"}, []string{"y"}, "ask", nil},
		{"no", setup.Queue{Fate: "ask"}, []string{"n"}, "ask", ErrDeclined},
		{"Enter is no", setup.Queue{Fate: "ask"}, []string{""}, "ask", ErrDeclined},
		{"what is neither", setup.Queue{Fate: "ask"}, []string{"maybe", "yes"}, "ask", nil},
		{"mail that waits", waits, []string{"y", "hold"}, "hold", nil},
		{"back to the consent", waits, []string{"y", "<", "n"}, "ask", ErrDeclined},
		{"mail that waits, by flag", setup.Queue{Fate: "send", Messages: waits.Messages}, []string{"y"}, "send", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			q, _ := newQuestions(t, setup.Request{}, test.typed...)
			w := test.queue
			if err := q.Consent(t.Context(), with(t), nil, &w); !errors.Is(err, test.err) || w.Fate != test.fate {
				t.Errorf("got %v and the fate %q, want %v and %q", err, w.Fate, test.err, test.fate)
			}
		})
	}
}

func TestReadLine(t *testing.T) {
	for _, test := range []struct{ name, in, want, err string }{
		{"a line", "http://localhost/?code=x\nmore", "http://localhost/?code=x", ""},
		{"the end without a line feed", "http://localhost/", "http://localhost/", ""},
		{"nothing", "", "", "read the address from standard input"},
		{"too long", strings.Repeat("x", maxLine+1), "", "too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readLine(strings.NewReader(test.in))
			if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %q (%v), want %q (%q)", got, err, test.want, test.err)
			}
		})
	}
}
