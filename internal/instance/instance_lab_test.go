//go:build lab

package instance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

func suites() []lab.Suite {
	if os.Getenv("LAB_FULL") == "" {
		return []lab.Suite{lab.Bookworm}
	}
	return []lab.Suite{lab.Bullseye, lab.Bookworm, lab.Trixie, lab.Sid}
}

var onserver = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "relayhost-onserver-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "onserver")
	cmd := exec.Command("go", "build", "-o", out, "./testdata/onserver")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said)
	}
	return os.ReadFile(out)
})

type answers map[string]any

func rehearse(t *testing.T, s *lab.Server, r *lab.RelayService, change answers) lab.Result {
	t.Helper()
	return rehearseBy(t, s, r, change, "/root/onserver", "rehearse")
}

// rehearseBy rehearses with a command line of the test's own.
func rehearseBy(t *testing.T, s *lab.Server, r *lab.RelayService, change answers, args ...string) lab.Result {
	t.Helper()
	program, err := onserver()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Exists("/root/onserver") {
		s.WriteFile("/root/onserver", string(program), 0o755)
	}
	a := answers{
		"Relay": r.ID, "Host": r.Hosts[0].Name, "Port": 587, "TLS": "starttls", "Username": r.Username, "Password": r.Password,
		"From": "alerts@example.org", "To": "ops@example.net",
	}
	for name, value := range change {
		a[name] = value
	}
	input, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return s.RunInput(string(input), args...)
}

// masters counts the masters of Postfix on a server.
func masters(s *lab.Server) string {
	// Not what a master has forked and not executed yet: each leads a session of its own.
	return strings.TrimSpace(s.Shell(`for p in /proc/[0-9]*; do
	case $(readlink $p/exe) in */master) [ "$(cut -d' ' -f6 $p/stat)" != "${p#/proc/}" ] || echo $p ;; esac
done | wc -l`))
}

// kept are the directories that an instance may not touch.
var kept = []string{"/etc", "/var/lib", "/var/log", "/usr/sbin"}

// A rehearsal beside a running Postfix: one message arrives, and nothing is
// left or changed.
func TestLabRehearsal(t *testing.T) {
	t.Parallel()
	for _, suite := range suites() {
		t.Run(string(suite), func(t *testing.T) {
			l := lab.New(t, lab.On(suite), lab.Postfix(), lab.Relay("postmark"))
			relay := l.World.Relay("postmark")
			l.Server.Shell("true")
			before, running := l.Server.Tree(kept...), masters(l.Server)
			for n, dir := range []string{"", "/root-instance"} {
				r := rehearse(t, l.Server, relay, answers{"Dir": dir})
				if r.Code != 0 || !strings.Contains(r.Stdout, "status=sent (250 ") {
					t.Fatalf("in %q: want exit code 0 and %q in stdout, got %s\n%s", dir, "status=sent (250 ", r, l.Server.MailLog())
				}
				if got := len(relay.Mailbox()); got != n+1 {
					t.Errorf("in %q: got %d messages at the relay, want %d", dir, got, n+1)
				}
				if d := before.Diff(l.Server.Tree(kept...)); d != "" {
					t.Errorf("in %q: changed: got\n%s\nwant none", dir, d)
				}
				if dir != "" && l.Server.Exists(dir) || l.Server.Exists("/var/spool/postfix-relayhost") {
					t.Errorf("in %q: got a directory of the instance that is left, want none", dir)
				}
				if got := masters(l.Server); got != running {
					t.Errorf("in %q: got %s masters after the rehearsal, want %s as before", dir, got, running)
				}
			}
			if s := relay.Sessions()[0]; !s.Authenticated || s.AuthBeforeTLS {
				t.Errorf("session: got %+v, want a login and no AUTH before TLS", s)
			}
		})
	}
}

// What a killed run leaves behind is stopped and removed by the next one; a
// directory of somebody else's stays.
func TestLabRehearsalAfterAKill(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Postfix(), lab.Relay("postmark"))
	relay := l.World.Relay("postmark")
	running := masters(l.Server)
	if r := rehearse(t, l.Server, relay, answers{"Leave": true}); r.Code != 0 {
		t.Fatalf("rehearsal that is not closed: want exit code 0, got %s", r)
	}
	if got := masters(l.Server); got == running {
		t.Fatalf("rehearsal that is not closed: got %s masters as before, want its own left behind", got)
	}
	if mode := l.Server.Shell("stat -c %a /etc/postfix-relayhost/*sasl_passwd*"); strings.Trim(mode, "60\n") != "" {
		t.Errorf("modes of the staged secrets: got %q, want only 600", mode)
	}
	if r := rehearse(t, l.Server, relay, nil); r.Code != 0 || masters(l.Server) != running {
		t.Errorf("rehearsal after the kill: want exit code 0 and %s masters, got %s masters, %s", running, masters(l.Server), r)
	}
	l.Server.WriteFile("/etc/postfix-relayhost/main.cf", "# mine\n", 0o644)
	if r := rehearse(t, l.Server, relay, nil); r.Code == 0 || !strings.Contains(r.Stderr, "is not of relayhost") || !l.Server.Exists("/etc/postfix-relayhost/main.cf") {
		t.Errorf("somebody else's directory: want a failure, %q in stderr and its main.cf kept, got %s", "is not of relayhost", r)
	}
}

// A wrong password shows in the rehearsal, and nothing bounces.
func TestLabRehearsalThatFails(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoLog(), lab.Relay("postmark"))
	relay := l.World.Relay("postmark")
	r := rehearse(t, l.Server, relay, answers{"Password": "wrong"})
	if !strings.Contains(r.Stdout, "status=deferred (SASL authentication failed") || strings.Contains(r.Stdout, "wrong") {
		t.Errorf("wrong password: want %q in stdout and no password (*** here), got %s",
			"status=deferred (SASL authentication failed", strings.ReplaceAll(r.String(), "wrong", "***"))
	}
	relay.Configure(func(c *smtpd.Config) {
		c.Recipient = func(_, _ string) *smtpd.Reply {
			return &smtpd.Reply{Code: 550, Enhanced: "5.1.1", Text: "User unknown"}
		}
	})
	r = rehearse(t, l.Server, relay, nil)
	if !strings.Contains(r.Stdout, "status=SOFTBOUNCE") || len(relay.Mailbox()) != 0 {
		t.Errorf("refused recipient: want %q in stdout and no message at the relay, got %d messages, %s", "status=SOFTBOUNCE", len(relay.Mailbox()), r)
	}
}

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D7: ten seconds of waiting where PID 1 reaps nothing": TestLabRehearsalWithoutReaper,
}

// Where PID 1 reaps nothing, as in the usual container, the processes of the
// instance stay as zombies: they have ended, and nothing waits for them.
func TestLabRehearsalWithoutReaper(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoLog(), lab.Relay("postmark"))
	relay := l.World.Relay("postmark")
	in := l.Server.Start("unshare", "--pid", "--fork", "--mount-proc", "sleep", "600")
	defer func() { _ = in.KillGroup(syscall.SIGKILL) }()
	first := `$(for d in /proc/[0-9]*; do tr '\0' ' ' <$d/cmdline | grep -q '^sleep 600' && basename $d; done | head -1)`
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && strings.TrimSpace(l.Server.Shell("echo "+first)) == ""; {
		time.Sleep(20 * time.Millisecond)
	}
	r := rehearseBy(t, l.Server, relay, nil, "sh", "-c", "exec nsenter --pid --mount --target "+first+" /root/onserver rehearse")
	if r.Code != 0 || !strings.Contains(r.Stdout, "status=sent (250 ") {
		t.Fatalf("rehearsal: want exit code 0 and %q in stdout, got %s", "status=sent (250 ", r)
	}
	zombies := strings.TrimSpace(l.Server.Shell("cat /proc/[0-9]*/stat 2>/dev/null | grep -c ' Z ' || true"))
	if zombies == "0" {
		t.Fatal("processes of the instance: got no zombie (PID 1 of this test reaps), want at least one")
	}
	_, text, _ := strings.Cut(r.Stderr, "stopped in ")
	took, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || took > 1 {
		t.Errorf("stopping took %q s with %s zombies, want less than 1", text, zombies)
	}
}

// What the log of a rehearsal says ends it, and names what is to be
// changed on the server, not in the copy.
func TestLabRehearsalReadsItsLog(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.NoLog(), lab.Relay("postmark"))
	relay := l.World.Relay("postmark")
	l.Server.Shell("cp /etc/postfix/main.cf /root/main.cf")
	for name, test := range map[string]struct{ setting, says string }{
		"boolean of trivial-rewrite": {"append_dot_mydomain = gitlab.localhost", "bad boolean configuration: append_dot_mydomain = gitlab.localhost; write yes or no for append_dot_mydomain"},
		"time of smtp":               {"smtp_helo_timeout = soon", "smtp: invalid smtp_helo_timeout: 0 (min 1); write a valid value for smtp_helo_timeout"},
		"type that is missing":       {"smtp_header_checks = pcre:/etc/postfix/checks", "unsupported dictionary type: pcre"},
		"table never compiled":       {"relay_domains = hash:/etc/postfix/relay", "; compile the table; postmap hash:/etc/postfix/relay"},
		"our table's neighbour":      {"smtp_header_checks = regexp:${config_directory}/checks", "/etc/postfix/checks: No such file or directory; make the file /etc/postfix/checks"},
	} {
		t.Run(name, func(t *testing.T) {
			l.Server.Shell("cp /root/main.cf /etc/postfix/main.cf && echo '" + test.setting + "' >>/etc/postfix/main.cf && touch -d '1 minute ago' /etc/postfix/main.cf")
			r := rehearse(t, l.Server, relay, nil)
			_, after, _ := strings.Cut(r.Stderr, "fault after ")
			seconds, what, _ := strings.Cut(after, " s: ")
			// Without its log it would be met by the limit of a delivery only, and
			// told otherwise; the bench has the time.
			if took, err := strconv.ParseFloat(seconds, 64); err != nil || took > 20 {
				t.Errorf("got the fault after %q s, want one from the log: %s", seconds, r)
			}
			if !strings.Contains(what, test.says) {
				t.Errorf("got %q, want %q", what, test.says)
			}
			if len(relay.Mailbox()) != 0 {
				t.Errorf("got %d messages at the relay, want none", len(relay.Mailbox()))
			}
		})
	}
}
