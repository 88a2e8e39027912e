//go:build lab

package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/lab"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// insideEnv is set for the tests below that run on the server, as those of
// internal/postfix do.
const insideEnv = "SETUP_TEST_INSIDE"

// program is this package's tests, built once.
var program = sync.OnceValues(func() ([]byte, error) { return lab.TestProgram("relayhost/internal/setup") })

// The stages that need a private Postfix, each called on a server whose Postfix runs:
// what they return is judged there, and here what the relay and the server saw.
func TestLabStages(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Postfix(), lab.Relay("postmark"))
	s, relay := l.Server, l.World.Relay("postmark")
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s.WriteFile("/usr/local/bin/setup.test", string(binary), 0o755)
	account := func(password string) string { return "username=" + relay.Username + "\npassword=" + password + "\n" }
	s.WriteFile("/root/right", account(relay.Password), 0o600)
	s.WriteFile("/root/wrong", account("00000000-0000-0000-0000-000000000000"), 0o600)
	for _, tt := range []struct {
		name                     string // after "TestInside"
		logins, refusals, mailed int    // at the relay
	}{
		{"MailFlow", 0, 0, 0},
		{"MailFlowUnasked", 0, 0, 0},
		{"Rehearse", 1, 0, 1},
		{"RehearseRefused", 0, 2, 0}, // Postfix goes to the second address of the relay then
		{"TryOut", 2, 0, 1},          // our own client's, and Postfix's
		{"TryOutRefused", 0, 1, 0},
		{"TryOutAhead", 2, 0, 1},
		{"TryOutAheadRefused", 0, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, was := s.Tree("/etc", "/var/lib"), relay.Counters()
			name := "TestInside" + tt.name
			r := s.Do(lab.Command{Args: []string{"setup.test", "-test.v", "-test.run", "^" + name + "$"}, Env: []string{insideEnv + "=1"}})
			if r.Code != 0 || !strings.Contains(r.Stdout, "--- PASS: "+name) {
				t.Errorf("on the server: got %s, want success", r)
			}
			is := relay.Counters()
			if logins, refusals, mailed := is.Logins-was.Logins, is.Refusals-was.Refusals, is.Messages-was.Messages; logins != tt.logins || refusals != tt.refusals || mailed != tt.mailed {
				t.Errorf("at the relay: got %d logins, %d refused, %d messages, want %d, %d, %d", logins, refusals, mailed, tt.logins, tt.refusals, tt.mailed)
			}
			if d := before.Diff(s.Tree("/etc", "/var/lib")); d != "" {
				t.Errorf("files: got the differences\n%s\nwant none", d)
			}
			if left := s.Shell("ls -d /var/spool/postfix?* 2>&- ; readlink /proc/[0-9]*/cwd | grep '^/var/spool/postfix[^/]' ; true"); left != "" {
				t.Errorf("queues of a private Postfix, and processes there: got\n%swant none", left)
			}
		})
	}
}

// A rehearsal on a server without IPv6, of which Postfix says last that the relay's second
// address is unreachable, tells what the first has answered.
func TestLabRehearseWithoutIPv6(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Postfix(), lab.NoIPv6(), lab.Relay("postmark"))
	s, relay := l.Server, l.World.Relay("postmark")
	binary, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s.WriteFile("/usr/local/bin/setup.test", string(binary), 0o755)
	s.WriteFile("/root/wrong", "username="+relay.Username+"\npassword=00000000-0000-0000-0000-000000000000\n", 0o600)
	r := s.Do(lab.Command{Args: []string{"setup.test", "-test.v", "-test.run", "^TestInsideRehearseRefused$"}, Env: []string{insideEnv + "=1"}})
	if r.Code != 0 || !strings.Contains(r.Stdout, "--- PASS: TestInsideRehearseRefused") {
		t.Errorf("on the server: got %s, want success", r)
	}
	if got := relay.Counters().Refusals; got != 1 {
		t.Errorf("refused logins at the relay: got %d, want 1", got)
	}
}

// onServer is a setup of Postmark with the credentials in /root/password. Agreed is one
// that begins its rehearsal in Prepare.
func onServer(t *testing.T, password string, agreed bool) (Setup, *heard, context.Context) {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		t.Skip("runs on a server of the lab, started by TestLabStages")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	told := &heard{}
	deps := Deps{Host: &host.Host{}, Report: told}
	state, err := postfix.Read(ctx, &deps.Host.Reader, "")
	if err != nil {
		t.Fatal(err)
	}
	req := Request{Relay: "postmark", NoProbe: true, Agreed: agreed,
		Given: config.Given{Port: 587, From: "alerts@example.org", To: "ops@example.net", CredentialsFile: "/root/" + password}}
	s, err := Prepare(ctx, deps, state, req, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: got the error %v, want none", err)
		}
	})
	if begun := s.ahead != nil; begun != agreed {
		t.Fatalf("a rehearsal that has begun: got %v, want %v", begun, agreed)
	}
	return s, told, ctx
}

// withTransport sets transport_maps in the server's main.cf for one test.
func withTransport(t *testing.T, table string) {
	t.Helper()
	if os.Getenv(insideEnv) == "" {
		return
	}
	const path = "/etc/postfix/main.cf"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		writeFile(t, path, text)
		old := time.Now().Add(-time.Minute) // Postfix waits until a main.cf is older than two seconds
		if err := os.Chtimes(path, old, old); err != nil {
			t.Error(err)
		}
	}
	write(string(text) + "transport_maps = inline:{ {partner.example = " + table + "} }\n")
	t.Cleanup(func() { write(string(text)) })
}

// The table has each class of mail: what was asked for, and what stays.
func TestInsideMailFlow(t *testing.T) {
	withTransport(t, "smtp:[mx.partner.example]")
	s, _, ctx := onServer(t, "right", false)
	table, err := MailFlow(ctx, s)
	if err != nil || table == nil {
		t.Fatalf("got %+v and the error %v, want a table", table, err)
	}
	if len(table.Changes) != 0 || table.Broken != "" {
		t.Errorf("got %+v and %q, want no change that nobody asked for", table.Changes, table.Broken)
	}
	got := map[string]string{}
	for _, r := range table.Rows {
		got[r.Class] = fmt.Sprintf("%s: %s:%s to %s:%s as %q", r.Change, r.Before.Transport, r.Before.NextHop, r.After.Transport, r.After.NextHop, r.After.Account)
	}
	// Postmark's user name is its password, which no table shows.
	relay := fmt.Sprintf("%s:%s as %q", s.Plan.Default().Service, s.Config.First().NextHop(), "***")
	for class, want := range map[string]string{
		"other mail":                   flow.AskedFor + ": smtp: to " + relay,
		"the test message":             flow.AskedFor + ": smtp: to " + relay,
		"recipients in transport_maps": flow.Same + `: smtp:[mx.partner.example] to smtp:[mx.partner.example] as ""`,
	} {
		if got[class] != want {
			t.Errorf("%s: got %q, want %q", class, got[class], want)
		}
	}
}

// What would change unasked stops the setup; with --force it is told.
func TestInsideMailFlowUnasked(t *testing.T) {
	withTransport(t, ":[mx.partner.example]")
	s, told, ctx := onServer(t, "right", false)
	table, err := MailFlow(ctx, s)
	var conflict *plan.Conflict
	if !errors.As(err, &conflict) || conflict.Param != "transport_maps" || !strings.Contains(conflict.Msg, "mail to partner.example would leave by the service "+s.Plan.Default().Service) {
		t.Errorf("got the error %v, want the entry for partner.example", err)
	}
	if table == nil || len(table.Changes) != 1 {
		t.Errorf("got the table %+v, want one with the change", table)
	}
	s.Force = true
	if _, err := MailFlow(ctx, s); err != nil || !strings.Contains(strings.Join(told.lines, "\n"), "unproven: recipients in transport_maps: mail to partner.example") {
		t.Errorf("with --force: got the error %v, told %q, want no error, told the entry", err, told.lines)
	}
}

func TestInsideRehearse(t *testing.T) {
	s, _, ctx := onServer(t, "right", false)
	if err := Rehearse(ctx, s, nil, nil); err != nil {
		t.Errorf("got the error %v, want none", err)
	}
}

func TestInsideRehearseRefused(t *testing.T) {
	s, _, ctx := onServer(t, "wrong", false)
	err := Rehearse(ctx, s, nil, nil)
	var proof ProofError
	var told Explained
	if !errors.As(err, &proof) || !errors.As(err, &told) || told.Finding.Cause != "auth_535_generic" {
		t.Errorf("got the error %v with the cause %q, want a failed proof with the cause auth_535_generic", err, told.Finding.Cause)
	}
	if got := fmt.Sprint(err); !strings.Contains(got, "] said: 535") {
		t.Errorf("got the error %s, want what the relay has said, and which address of it", got)
	}
}

func TestInsideTryOut(t *testing.T)             { tryOut(t, "right", false, nil) }
func TestInsideTryOutRefused(t *testing.T)      { tryOut(t, "wrong", false, ErrLoginRefused) }
func TestInsideTryOutAhead(t *testing.T)        { tryOut(t, "right", true, nil) }
func TestInsideTryOutAheadRefused(t *testing.T) { tryOut(t, "wrong", true, ErrLoginRefused) }

func tryOut(t *testing.T, password string, agreed bool, want error) {
	t.Helper()
	s, told, ctx := onServer(t, password, agreed)
	err := TryOut(ctx, s, nil, nil)
	if !errors.Is(err, want) || strings.Contains(fmt.Sprint(err), "rehearsal") {
		t.Errorf("got the error %v, want %v alone", err, want)
	}
	const step = "rehearsal: a private Postfix sends the test message"
	if sent := strings.Contains(strings.Join(told.lines, "\n"), step); sent != (want == nil) {
		t.Errorf("told %q, want %q in it: %v", told.lines, step, want == nil)
	}
}
