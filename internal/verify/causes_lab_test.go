//go:build lab

package verify_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
	"relayhost/relays"
)

const sesHost = "email-smtp.eu-west-1.amazonaws.com"

// sesLab is a server that relayhost has set up for SES.
func sesLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	l := newLab(t, opts...)
	if res := setup(l); res.Code != 0 {
		t.Fatalf("setup: %s\n%s", res, l.Server.MailLog())
	}
	return l
}

// setup runs relayhost setup.
func setup(l *lab.Lab, args ...string) lab.Result {
	return l.Run(append([]string{"relayhost", "setup", "--relay", "ses", "--region", "eu-west-1", "--from", "app@example.com", "--to", "to@example.net",
		"--credentials-file", "/root/credentials", "--yes", "--json"}, args...)...)
}

// newLab is a server in front of SES, with credentials and no set-up.
func newLab(t *testing.T, opts ...lab.Option) *lab.Lab {
	t.Helper()
	l := lab.New(t, append([]lab.Option{lab.Cloud("aws"), lab.Postfix(), lab.Relay("ses")}, opts...)...)
	r := l.World.Relay("ses")
	l.Server.WriteFile("/root/credentials", "username="+r.Username+"\npassword="+relays.SESPassword(r.SecretAccessKey, "eu-west-1")+"\n", 0o600)
	return l
}

// some are the ways that TestLabCauses takes without LAB_FULL: one of each kind,
// reply, TLS, network, name, table, parameter, plug-in, dead service.
var some = []string{"wrong password", "sender not verified", "STARTTLS stripped", "587 is refused", "name does not exist", "map not compiled",
	"key is not the next hop", "plug-ins gone", "own domain", "level", "turned away", "no way there"}

// TestLabCauses breaks a server in every way of the table, one after the other,
// and asks verify and explain.
func TestLabCauses(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ses := l.World.Relay("ses")
	var sound smtpd.Config
	ses.Configure(func(c *smtpd.Config) { sound = *c })
	mend := func() {
		t.Helper()
		ses.Configure(func(c *smtpd.Config) { *c = sound })
		if err := ses.Present(lab.Flawless); err != nil {
			t.Fatal(err)
		}
		l.World.NoRules()
		l.World.DNS.Host(sesHost, ses.Hosts[0].Addrs...)
		l.Server.Shell(`[ ! -d /usr/lib/x86_64-linux-gnu/sasl2.gone ] || mv /usr/lib/x86_64-linux-gnu/sasl2.gone /usr/lib/x86_64-linux-gnu/sasl2`)
	}
	for _, f := range failures {
		if f.setup != nil && chosen(f) {
			t.Run("setup, "+f.name, func(t *testing.T) {
				setUp(t, l, f)
				l.Server.Shell(f.undo)
				mend()
			})
		}
	}
	if res := setup(l); res.Code != 0 {
		t.Fatalf("setup: %s\n%s", res, l.Server.MailLog())
	}
	l.Server.Shell("cp -a /etc/postfix /root/sound")
	for _, f := range failures {
		if !chosen(f) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			if f.shell != "" {
				l.Server.Shell(f.shell)
			}
			if f.world != nil {
				f.world(l)
			}
			// A next hop that has failed is remembered; a start forgets it.
			if f.name != "down" {
				l.Server.Shell("postfix stop; : > /var/log/mail.log; postfix start")
			}
			if f.mail {
				l.Server.Shell(`printf 'Subject: x\n\nx\n' | sendmail -f app@example.com to@example.net`)
				l.Server.WaitLog(`status=deferred`)
				l.Server.Shell("postsuper -h ALL")
			}
			refused := ses.Counters().Refusals
			check(t, l, f)
			if got := ses.Counters().Refusals - refused; f.mail && got != 1 {
				t.Errorf("%d wrong log-ins, want 1: services lock accounts", got)
			}
			if f.mail {
				l.Server.Shell("postsuper -d ALL")
			}
			if f.mended {
				mends(t, l)
			}
			l.Server.Shell(f.undo)
			mend()
			l.Server.Shell("postfix stop; rm -rf /etc/postfix; cp -a /root/sound /etc/postfix; : > /var/log/mail.log; postfix start")
			if queue := strings.TrimSpace(l.Server.Queue()); queue != "" {
				t.Errorf("left in the queue: %s", queue)
			}
		})
	}
	var r verify.Report
	res := l.Run("relayhost", "verify", "--json")
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil || res.Code != 0 {
		t.Errorf("mended, and yet: %v\n%s", err, res)
	}
}

// chosen reports whether f is among those that are tried.
func chosen(f failure) bool { return os.Getenv("LAB_FULL") != "" || slices.Contains(some, f.name) }

// setUp meets the failure on a server without a set-up: setup names the cause,
// and leaves nothing behind.
func setUp(t *testing.T, l *lab.Lab, f failure) {
	t.Helper()
	tree := []string{"/etc/postfix", "/etc/relayhost", "/etc/aliases", "/etc/aliases.db"}
	before := l.Server.Tree(tree...)
	if f.shell != "" {
		l.Server.Shell(f.shell)
	}
	if f.world != nil {
		f.world(l)
	}
	res := setup(l, f.flags...)
	var doc struct {
		Verification verify.Report
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil || res.Code != 3 || len(doc.Verification.Findings) == 0 {
		t.Fatalf("%v\n%s", err, res)
	}
	for _, x := range doc.Verification.Findings {
		if !slices.Contains(f.setup, x.Cause) || x.Result != verify.Fail || x.Remedy == "" {
			t.Errorf("want one of %q and a remedy: %+v", f.setup, x)
		}
	}
	if d := before.Diff(l.Server.Tree(tree...)); d != "" {
		t.Errorf("left behind:\n%s", d)
	}
	if queue := strings.TrimSpace(l.Server.Queue()); queue != "" {
		t.Errorf("left in the queue: %s", queue)
	}
}

// mends holds setup to putting right what is wrong with the server's own files.
func mends(t *testing.T, l *lab.Lab) {
	t.Helper()
	// master(8) holds a service that died back for a minute, whatever is mended.
	l.Server.Shell("postsuper -d ALL; postfix stop; postfix start")
	if res := setup(l); res.Code != 0 {
		t.Errorf("setup does not mend it: %s\n%s", res, l.Server.MailLog())
		return
	}
	if res := l.Run("relayhost", "verify", "--json", "--no-send"); res.Code != 0 {
		t.Errorf("setup has not mended it: %s", res)
	}
}

func check(t *testing.T, l *lab.Lab, f failure) {
	t.Helper()
	res := l.Run(append([]string{"relayhost", "verify", "--json", "--timeout", "40s"}, f.args...)...)
	var r verify.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		t.Fatalf("%v\n%s", err, res)
	}
	var got []string
	for _, x := range r.Findings {
		got = append(got, x.Check+":"+x.Cause)
		if x.Result == verify.Fail && x.Remedy == "" {
			t.Errorf("no remedy: %+v", x)
		}
	}
	if f.then != "" {
		l.Server.Run("sh", "-c", f.then)
		l.Server.WaitLog(f.log)
		l.Server.Shell("postsuper -d ALL")
	}
	for _, want := range f.findings {
		if id, ok := strings.CutPrefix(want, "explain:"); ok {
			f.explain = append(f.explain, id)
			continue
		}
		if !slices.Contains(got, want) {
			t.Errorf("verify: %s is not among %q\n%s", want, got, res.Stdout)
		}
	}
	if len(f.explain) == 0 {
		return
	}
	res = l.Run("sh", "-c", "relayhost explain --json </dev/null")
	var doc struct {
		Groups []struct {
			Cause  struct{ ID, Remedy string }
			Others []struct{ ID string }
		}
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil {
		t.Fatalf("%v\n%s", err, res)
	}
	var causes []string
	for _, g := range doc.Groups {
		causes = append(causes, g.Cause.ID)
	}
	if !slices.ContainsFunc(f.explain, func(id string) bool { return slices.Contains(causes, id) }) {
		t.Errorf("explain: %q, want one of %q\n%s", causes, f.explain, l.Server.MailLog())
	}
}

// TestLabRoundTrips holds the ladder to the round trips that the protocol
// needs: on the slowest port seven with TLS 1.3, which are connect, greeting,
// EHLO, STARTTLS, handshake, EHLO and AUTH.
func TestLabRoundTrips(t *testing.T) {
	t.Parallel()
	const trip, needed = 100 * time.Millisecond, 7
	l := sesLab(t, lab.Delay(trip/2))
	var r verify.Report
	res := l.Run("relayhost", "verify", "--no-send", "--json")
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		t.Fatalf("%v\n%s", err, res)
	}
	bound := float64(needed*trip/time.Millisecond)*1.2 + 150
	seen := false
	for _, f := range r.Findings {
		if f.Check == "auth" || f.Check == "connect" {
			t.Logf("%-8s %6.1f ms of at most %.0f: %s", f.Check, f.Ms, bound, f.Detail)
			if f.Ms > bound {
				t.Errorf("%s took %.0f ms, more than %.0f", f.Check, f.Ms, bound)
			}
		}
		if f.Check == "auth" && f.Result == verify.Pass {
			seen = true
			if f.Ms < 6*float64(trip/time.Millisecond) {
				t.Errorf("%.0f ms: the link does not delay", f.Ms)
			}
		}
	}
	if !seen {
		t.Errorf("no log-in\n%s", res)
	}
}
