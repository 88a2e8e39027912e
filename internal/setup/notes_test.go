package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/lab/claimtest"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// note is what setup tells beside its steps: told where it holds, and in no state in
// which it is false.
type note struct {
	text  string
	holds func(*testing.T) *heard
	fails []func(*testing.T) *heard
}

func notes() []note {
	// retried is what a retry of a queue with so many deferred messages and others tells.
	retried := func(deferred, held int, fate string) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			s := newServer(t)
			writeProgram(t, s, "postqueue", "exit 0")
			w := Queue{Fate: fate}
			for i := range deferred + held {
				m := postfix.QueuedMessage{Queue: "deferred", ID: fmt.Sprintf("4AB%03d", i)}
				if i >= deferred {
					m.Queue = "hold"
				}
				w.Messages = append(w.Messages, m)
			}
			w.Retry(t.Context(), s.deps)
			return s.told
		}
	}
	doubted := func(file string, told map[string]bool, doubts ...relays.Problem) func(*testing.T) *heard {
		return func(*testing.T) *heard {
			s := with(config.Route{Name: config.DefaultRoute, Hops: []config.Hop{{Relay: &relays.Relay{}, CredentialsFile: file}}})
			warnOf(s.Basis, s.Config, at{}, doubts, told)
			return s.Report.(*heard)
		}
	}
	odd := relays.Problem{Field: "username", Message: "looks like an e-mail address"}
	environment := func(variable, key string) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			for _, name := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_SHARED_CREDENTIALS_FILE"} {
				t.Setenv(name, "")
			}
			t.Setenv(variable, "/run/keys")
			s := with(config.Route{Name: config.DefaultRoute, Hops: []config.Hop{{Relay: &relays.Relay{}}}})
			given := secret.Credentials{Username: "AKIA", SecretAccessKey: secret.New(key)}
			if err := awsAccount(t.Context(), s.Basis, s.Config.First(), given); err != nil {
				t.Fatal(err)
			}
			return s.Report.(*heard)
		}
	}
	answers := func(configDir string) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			s := newServer(t)
			if _, err := Commit(t.Context(), s.prepare(t, s.request(t, "right")), CommitOptions{}); err != nil {
				t.Fatal(err)
			}
			s.told.lines = nil
			warnOfAnswers(s.deps, postfix.State{ConfigDir: configDir})
			return s.told
		}
	}
	judged := func(change func(*checked)) func(*testing.T) *heard {
		return func(*testing.T) *heard {
			s := with(config.Route{Name: config.DefaultRoute, From: "a@b.example", Hops: []config.Hop{{Relay: &relays.Relay{}, Host: "a.test"}}})
			c := checked{check: &check{hop: *s.Config.First(), senders: []string{"a@b.example"}, of: map[string]string{}}}
			change(&c)
			_ = judgeCheck(s.Deps, s.Config, c)
			return s.Report.(*heard)
		}
	}
	null := func(optional bool, sender string, failed smtpprobe.Step) func(*checked) {
		return func(c *checked) {
			c.optionalNull = optional
			c.result = smtpprobe.Result{Sender: sender, Failed: failed, Fault: smtpprobe.FaultReply, Code: 550, Text: "no", Err: fmt.Errorf("refused")}
		}
	}
	certificate := func(noVerify bool, fault smtpprobe.Fault) func(*checked) {
		return func(c *checked) {
			c.hop.NoVerify = noVerify
			c.result = smtpprobe.Result{Failed: smtpprobe.StepTLS, Fault: fault, Err: fmt.Errorf("the certificate of a.test")}
		}
	}
	followed := func(err error) func(*testing.T) *heard {
		return func(*testing.T) *heard {
			s := with(config.Route{Name: config.DefaultRoute, From: "a@b.example", Hops: []config.Hop{{Relay: &relays.Relay{}}}})
			s.liveReport([]Delivered{{Err: err}})
			return s.Report.(*heard)
		}
	}
	ends := func(day string, r relays.Relay) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			at, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}
			today = func() time.Time { return at }
			t.Cleanup(func() { today = time.Now })
			s := with(config.Route{Name: config.DefaultRoute, Hops: []config.Hop{{Relay: &r}}})
			_, _ = Choose(t.Context(), s.Basis, s.Config, nobody{})
			return s.Report.(*heard)
		}
	}
	ending := relays.Relay{ID: "x", Name: "X", Ends: &relays.Deadline{Text: "passwords end", Date: time.Date(2028, 9, 30, 0, 0, 0, 0, time.UTC)}}
	public := func(rule, from string) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			h := config.Hop{Relay: &relays.Relay{ID: "x", Name: "X", Sender: relays.Sender{Rule: rule}}, Host: "a.test", Port: 587}
			s := with(config.Route{Name: config.DefaultRoute, From: from, Hops: []config.Hop{h}})
			s.Config.To = "ops@example.net"
			_, _, _ = Complete(t.Context(), s.Basis, s.Config, nobody{}, "", false)
			return s.Report.(*heard)
		}
	}
	changed := func(name string) func(*testing.T) *heard {
		return func(*testing.T) *heard {
			told := &heard{}
			(&liveLog{deps: Deps{Report: told}}).notTaken(name)
			return told
		}
	}
	senders := func(n int) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			s := newServer(t)
			ready := s.prepare(t, s.request(t, "right"))
			ready.NoProof, s.told.lines = false, nil
			for i := range n {
				r := ready.Config.Routes[0]
				r.Name, r.From, r.Senders = fmt.Sprint("r", i), "", []string{fmt.Sprintf("x@r%d.example", i)}
				ready.Config.Routes = append(ready.Config.Routes, r)
			}
			if err := Preflight(t.Context(), ready, nil); err != nil {
				t.Fatal(err)
			}
			return s.told
		}
	}
	// asked is what the check of a key at an API tells that cannot be reached.
	asked := func(id string) func(*testing.T) *heard {
		return func(t *testing.T) *heard {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			s := newServer(t)
			ready := Setup{Basis: Basis{Deps: s.deps}}
			h := config.Hop{Relay: &relays.Relay{ID: id, Name: id}, Via: config.HTTPS, Port: config.HTTPSPort, Host: "127.0.0.1",
				API: config.API{Host: "127.0.0.1", Key: secret.New("0123456789abcdef0123456789abcdef"), Settings: map[conf.Field]string{}}}
			_ = ready.checkAPI(ctx, h, secret.Value{}) // one that has a call does not get an answer
			return s.told
		}
	}
	return []note{
		{"was last written for the Postfix in /etc/postfix: what no flag says is read from it", answers("/etc/postfix-out"), []func(*testing.T) *heard{answers("/etc/postfix")}},
		{"Postfix itself retries 2 more messages", retried(maxRetried+2, 0, "send"),
			[]func(*testing.T) *heard{retried(maxRetried, 0, "send"), retried(maxRetried, 2, "send"), retried(maxRetried+2, 0, "hold")}},
		{"username: looks like an e-mail address", doubted("/a", map[string]bool{}, odd),
			[]func(*testing.T) *heard{doubted("/a", map[string]bool{}), doubted("/a", map[string]bool{"/a\x00username\x00" + odd.Message: true}, odd)}},
		{"asked with the keys that the environment names", environment("AWS_SHARED_CREDENTIALS_FILE", ""), []func(*testing.T) *heard{environment("AWS_SHARED_CREDENTIALS_FILE", "secret")}},
		{"a.test rejects the null sender <> (550 no)", judged(null(true, "", smtpprobe.StepMail)),
			[]func(*testing.T) *heard{judged(null(false, "", smtpprobe.StepMail)), judged(null(true, "a@b.example", smtpprobe.StepMail)), judged(null(true, "", smtpprobe.StepAuth)), judged(func(*checked) {})}},
		{"the certificate of a.test; it is not verified, as asked for", judged(certificate(true, smtpprobe.FaultUntrusted)),
			[]func(*testing.T) *heard{judged(certificate(false, smtpprobe.FaultUntrusted)), judged(certificate(true, smtpprobe.FaultReply))}},
		{verify.ErrUnproven.Error(), followed(verify.ErrUnproven), []func(*testing.T) *heard{followed(nil), followed(verify.ErrRefused)}},
		{"days left (2028-09-30): passwords end", ends("2028-09-01", ending), []func(*testing.T) *heard{ends("2028-09-01", relays.Relay{ID: "x", Name: "X"}), ends("2028-10-01", ending)}},
		{"gmail.com is a public mail service: X does not verify addresses in it", public("verified", "a@gmail.com"), []func(*testing.T) *heard{public("any", "a@gmail.com"), public("verified", "a@example.com")}},
		{"1 more sender not checked at the relays: at most 100 are checked on one connection", senders(maxSenders), []func(*testing.T) *heard{senders(maxSenders - 1)}},
		{"the API of Mailtrap has no call that proves a key", asked("mailtrap"), []func(*testing.T) *heard{asked("smtp2go"), asked("postmark")}},
		{"inet_protocols was changed in main.cf", changed("inet_protocols"), []func(*testing.T) *heard{changed("inet_interfaces")}},
	}
}

func writeProgram(t *testing.T, s *server, name, text string) {
	t.Helper()
	if err := os.WriteFile(s.deps.Host.Real("/usr/bin/"+name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// What setup tells beside its steps is told where it holds, and in no state in which it
// is false.
func TestNoteClaims(t *testing.T) {
	for _, n := range notes() {
		claimtest.Check(t, n.text, func(t *testing.T, state func(*testing.T) *heard) string { return strings.Join(told(state(t)), "\n") }, n.holds, n.fails)
	}
}

// told are the notes and warnings of h.
func told(h *heard) []string {
	return slices.DeleteFunc(slices.Clone(h.lines), func(line string) bool {
		return !strings.HasPrefix(line, "note: ") && !strings.HasPrefix(line, "warning: ") && !strings.HasPrefix(line, "unproven: ")
	})
}

// Keys that the environment names are not those of the instance.
func TestRoleIsNotClaimed(t *testing.T) {
	for _, n := range notes() {
		if n.text == "asked with the keys that the environment names" {
			if got := strings.Join(told(n.holds(t)), "\n"); strings.Contains(got, "role of this instance") {
				t.Errorf("got %s, want nothing on the role of the instance", got)
			}
		}
	}
}

// Each note in the source is printed by a row of the table above, or has a lab test.
func TestEveryNoteIsTested(t *testing.T) {
	var printed []string
	for _, n := range notes() {
		for _, line := range told(n.holds(t)) {
			if strings.Contains(line, n.text) {
				printed = append(printed, line)
			}
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`Report\.(?:Note|Warn|Unproven)\(("(?:[^"\\]|\\.)*")`)
	verb := regexp.MustCompile(`%\w`)
	onServer := claimtest.NewExempt(claimtest.OfSetup...)
	total := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			format, err := strconv.Unquote(m[1])
			if err != nil {
				t.Fatalf("%s: unquoting %s: got the error %v, want none", file, m[1], err)
			}
			total++
			parts := verb.Split(format, -1)
			if strings.Trim(strings.Join(parts, ""), " :") == "" {
				continue // the text of something else: an error, a finding
			}
			if onServer.Has(format) {
				continue
			}
			for i := range parts {
				parts[i] = regexp.QuoteMeta(parts[i])
			}
			pattern := regexp.MustCompile(strings.Join(parts, ".*"))
			if !slices.ContainsFunc(printed, pattern.MatchString) {
				t.Errorf("%s: %q is told: got no row that prints it, want one", file, format)
			}
		}
	}
	if total < 25 {
		t.Errorf("found %d notes in the source, want at least 25", total)
	}
	onServer.Check(t)
}
