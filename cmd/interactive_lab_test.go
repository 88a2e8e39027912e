//go:build lab

package cmd_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/lab/vt"
	"relayhost/internal/smtpd"
)

// person sits at a terminal of the server.
type person struct {
	t      *testing.T
	term   *lab.Terminal
	screen *vt.Screen
	fed    chan struct{}
}

// watchTerminal runs a command and tells afterwards how it ended and whether it
// left the terminal's mode as it was.
const watchTerminal = `stty cols $0 rows 24; before=$(stty -g); trap : INT
"$@"; code=$?
same=no; [ "$(stty -g)" = "$before" ] && same=yes
echo "ended: code $code, terminal as before: $same"`

// sit starts a command on a terminal. One that is deaf answers no cursor query.
func sit(t *testing.T, l *lab.Lab, cols int, deaf bool, args ...string) *person {
	t.Helper()
	l.Server.Install()
	args = append([]string{"sh", "-c", watchTerminal, fmt.Sprint(cols)}, args...)
	p := &person{t: t, term: l.Server.StartPTY(args...), screen: vt.New(cols, 24), fed: make(chan struct{})}
	if !deaf {
		p.screen.Reply = p.term.Type
	}
	go func() {
		defer close(p.fed)
		shown := 0
		for over := false; ; time.Sleep(2 * time.Millisecond) {
			text := p.term.Screen()
			_, _ = p.screen.Write([]byte(text[shown:]))
			if shown = len(text); over {
				return
			}
			select {
			case <-p.term.Done():
				// What was written last may not have been read yet.
				for end := time.Now().Add(2 * time.Second); !strings.Contains(p.term.Screen(), "terminal as before") && time.Now().Before(end); {
					time.Sleep(2 * time.Millisecond)
				}
				over = true
			default:
			}
		}
	}()
	return p
}

// sees waits until text is on the screen, wherever lines were broken.
func (p *person) sees(text string) {
	p.t.Helper()
	for end := time.Now().Add(40 * time.Second); !strings.Contains(flat(p.screen.String()), flat(text)); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("want %q on the screen within 40 s, got\n%s", text, p.screen)
		}
	}
	time.Sleep(50 * time.Millisecond) // to think
}

func flat(s string) string { return strings.Join(strings.Fields(s), "") }

// ends waits for the command's end and wants its code and the terminal's mode.
func (p *person) ends(code int) {
	p.t.Helper()
	select {
	case <-p.term.Done():
	case <-time.After(time.Minute):
		p.t.Fatalf("it hangs, want it to end within a minute:\n%s", p.screen)
	}
	<-p.fed
	if want := fmt.Sprintf("ended: code %d, terminal as before: yes", code); !strings.Contains(flat(p.screen.String()), flat(want)) {
		p.t.Fatalf("want %q on the screen, got\n%s", want, p.screen)
	}
	if u := p.screen.Unknown(); len(u) > 0 {
		p.t.Errorf("got sequences that no terminal knows, want none: %q", u)
	}
}

// question is one of setup's, what answers it by single keys, pasted, and on a
// terminal that answers no cursor query.
type question struct{ see, keys, pasted, deaf string }

// questions are those of a first run on AWS for Brevo, with mail waiting.
func questions(l *lab.Lab) []question {
	r := l.World.Relay("brevo")
	user, pass := r.Username+"\r", r.Password+"\r"
	return []question{
		{"Relay service", "\x1b[B\r", "brevo\r", "2\r"},
		{"? User name", "x\x7f" + user, user, user},
		{"? Password", pass, pass, pass},
		{"? Sender address", "app\x1b[D\x1b[C@example.com\r", "app@example.com\r", "app@example.com\r"},
		{"? Send a test message to", "\r", "\r", "\r"},
		{"? Apply this?", "y\r", "y\r", "yes\r"},
		{"? What happens to the mail that waits", "\x1b[B\x1b[A\r", "send it\r", "send\r"},
	}
}

// seen is how a question looks: without a mark on a terminal that is deaf.
func (q question) seen(deaf bool) string {
	if deaf {
		return strings.TrimPrefix(q.see, "? ")
	}
	return q.see
}

func (q question) answer(how string, deaf bool) string {
	switch {
	case deaf:
		return q.deaf
	case how == "keys":
		return q.keys
	default:
		return q.pasted
	}
}

// waitingMail puts a message into the queue that cannot leave by port 25.
func waitingMail(l *lab.Lab) {
	l.Server.SendMail("root", "customer@gmail.com", "an invoice")
	l.Server.WaitLog(`status=deferred`)
}

// TestLabFirstRun plays a first-time user's way: every question answered by
// single keys, by pasted text, and by text typed before anything was asked.
func TestLabFirstRun(t *testing.T) {
	t.Parallel()
	for _, cols := range []int{80, 40} {
		for _, deaf := range []bool{false, true} {
			if deaf != (cols == 40) && !fullTable() {
				continue
			}
			t.Run(fmt.Sprintf("%d_columns/deaf=%v", cols, deaf), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, lab.Relay("brevo"))
				before := l.Server.Tree(mailConfig...)
				for n, how := range []string{"keys", "pasted", "ahead"} {
					if deaf && how == "pasted" {
						continue // the terminal itself edits the line
					}
					waitingMail(l)
					firstRun(t, l, how, cols, deaf)
					if box := l.World.Relay("brevo").Mailbox(); len(box) == 0 || len(box)%3 != 0 {
						t.Fatalf("%s: %d messages at the service after run %d, want 3 a run", how, len(box), n+1)
					}
					if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 {
						t.Fatalf("rollback: want exit code 0, got %s", res)
					}
					if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
						t.Fatalf("rollback left differences: got\n%s\nwant none", d)
					}
				}
			})
		}
	}
}

func firstRun(t *testing.T, l *lab.Lab, how string, cols int, deaf bool) {
	t.Helper()
	relay := l.World.Relay("brevo")
	had := len(relay.Mailbox())
	p := sit(t, l, cols, deaf, "relayhost", "setup")
	if how == "ahead" {
		for _, q := range questions(l) {
			p.term.Type(q.answer(how, deaf))
		}
	} else {
		for i, q := range questions(l) {
			p.sees(q.seen(deaf))
			if q.see == "? Apply this?" { // the rules of the status filter do not push main.cf off the screen
				p.sees("Undo sudo relayhost rollback")
			}
			if w := p.screen.Wrapped(); i < 2 && cols == 80 && w != 0 {
				t.Errorf("got a line of the conversation that is wider than 80 columns, want none:\n%s", p.screen)
			}
			if how == "keys" {
				for _, key := range q.answer(how, deaf) {
					p.term.Type(string(key))
				}
			} else {
				p.term.Type(q.answer(how, deaf))
			}
		}
	}
	p.ends(0)
	for _, text := range []string{"delivered:", "250", "Undo: sudo relayhost rollback", "Next steps"} {
		p.sees(text)
	}
	// What is typed before a question is echoed by the terminal itself.
	if how != "ahead" && strings.Contains(flat(p.screen.String()), relay.Password) {
		t.Error("got the password on the screen, want none of it")
	}
	// The rehearsal's message, the one through the live Postfix, and the
	// one that waited.
	waitMessages(t, l, "brevo", had+3)
}

// TestLabBrokenOff breaks setup off at each question, by Ctrl-C, by Ctrl-D and
// by a terminal that goes away: exit code 130, terminal and server as before.
func TestLabBrokenOff(t *testing.T) {
	t.Parallel()
	for _, deaf := range []bool{false, true} {
		for _, end := range []string{"\x03", "\x04"} {
			t.Run(fmt.Sprintf("deaf=%v/%q", deaf, end), func(t *testing.T) {
				t.Parallel()
				// Refused at once, so that the detection is quick.
				l := lab.New(t, lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(), lab.Relay("brevo"))
				waitingMail(l)
				// A message that Postfix tries just now is back among the deferred later.
				waiting := func() string { return strings.ReplaceAll(l.Server.Queue(), `"active"`, `"deferred"`) }
				before, queue := l.Server.Tree(mailConfig...), waiting()
				all := questions(l)
				for stop := range all {
					p := sit(t, l, 80, deaf, "relayhost", "setup")
					for _, q := range all[:stop] {
						p.sees(q.seen(deaf))
						p.term.Type(q.answer("pasted", deaf))
					}
					p.sees(all[stop].seen(deaf))
					p.term.Type(end)
					p.ends(130)
					p.sees("interrupted")
					p.sees("this server: unchanged")
				}
				if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
					t.Errorf("the host is not as before: got\n%s\nwant none", d)
				}
				if q := waiting(); q != queue {
					t.Errorf("the queue is not as before: got\n%s\nwant\n%s", q, queue)
				}
				if n := len(l.World.Relay("brevo").Mailbox()); n != 0 {
					t.Errorf("%d messages were sent, want 0", n)
				}
			})
		}
	}
}

// TestLabQuestions are the questions that a first run for Brevo has not: the
// region, the one token of Postmark, a wrong paste, and a "no".
func TestLabQuestions(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("hetzner"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.Postfix(), lab.Relay("ses"), lab.Relay("postmark"))
	before := l.Server.Tree(mailConfig...)
	no := func(p *person) {
		t.Helper()
		p.sees("? Apply this?")
		p.term.Type("n\r")
		p.ends(1)
		p.sees("aborted; nothing was changed")
	}
	t.Run("ses", func(t *testing.T) {
		r := l.World.Relay("ses")
		p := sit(t, l, 80, false, "relayhost", "setup", "--relay", "ses")
		p.sees("? Region, for example")
		p.term.Type("Dublin\r")
		p.sees("has no region")
		p.term.Type("eu-wst-1\r")
		p.sees("there is no email-smtp.eu-wst-1.amazonaws.com")
		p.term.Type("eu-west-1\r")
		p.sees("? User name")
		p.term.Type("ASIA1234567890ABCDEF\r")
		p.sees("a temporary access key")
		p.term.Type(r.Username + "\r")
		p.sees("? Password")
		p.term.Type(r.SecretAccessKey + "\r") // the SMTP password is made of it
		p.sees("? Sender address")
		p.term.Type("app\r")
		p.sees("enter a full address")
		p.term.Type("app@localhost\r")
		p.sees("app@localhost")
		p.sees("enter a full address")
		p.term.Type("app@exampel.com\r")
		p.sees("DNS has no domain exampel.com")
		p.term.Type("app@example.com\r")
		p.sees("? Send a test message to")
		p.term.Type("you@example.net\r")
		no(p)
	})
	t.Run("postmark", func(t *testing.T) {
		p := sit(t, l, 80, false, "relayhost", "setup", "--relay", "postmark", "--from", "app@example.com", "--to", "app@example.com")
		p.sees("? Region of Postmark")
		p.term.Type("\r")
		p.sees("? Token")
		p.term.Type("short\r")
		p.sees("enter it again to use it anyway")
		p.term.Type(l.World.Relay("postmark").Password + "\r")
		no(p)
		if strings.Contains(p.screen.String(), "User name") {
			t.Errorf("want no question %q, since the token is both:\n%s", "User name", p.screen)
		}
	})
	if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
		t.Errorf("the host is not as before: got\n%s\nwant none", d)
	}
}

// TestLabNoTerminal: without a terminal nothing asks, and the error names the
// flag.
func TestLabNoTerminal(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo"))
	credentials(l, "brevo", "")
	tests := []struct {
		args []string
		flag string
	}{
		{nil, "--relay"},
		{[]string{"--relay", "brevo"}, "--username"},
		{[]string{"--relay", "brevo", "--username", "x"}, "--credentials-file"},
		{[]string{"--relay", "brevo", "--credentials-file", "/root/credentials"}, "--from"},
		{[]string{"--relay", "brevo", "--credentials-file", "/root/credentials", "--from", "app@example.com"}, "--yes"},
	}
	for _, tt := range tests {
		t.Run(tt.flag, func(t *testing.T) {
			res := unchangedAfter(t, l, 64, append([]string{"relayhost", "setup"}, tt.args...)...)
			if !strings.Contains(res.Stderr, "stdin is not a terminal") || !strings.Contains(res.Stderr, "hint: give "+tt.flag) {
				t.Errorf("setup %q: want %q and %q in stderr, got %s", tt.args, "stdin is not a terminal", "hint: give "+tt.flag, res)
			}
			if strings.Contains(res.Stderr, "\x1b") {
				t.Errorf("escape codes without a terminal: got %q, want no %q in it", res.Stderr, "\x1b")
			}
		})
	}
}

// TestLabInstallQuestion: Postfix is installed after a question only, and
// another mail server is found first.
func TestLabInstallQuestion(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.NoPostfix(), lab.Relay("brevo"))
	for _, answer := range []struct {
		typed string
		code  int
	}{{"n\r", 1}, {"\r", 1}, {"\x03", 130}} {
		p := sit(t, l, 80, false, "relayhost", "setup")
		p.sees("? Install Postfix now?")
		p.term.Type(answer.typed)
		p.ends(answer.code)
		p.sees("Postfix, the mail server that relayhost configures, is not installed.")
	}
	if res := l.Run("relayhost", "setup", "--dry-run", "--no-probe", "--smarthost", "10.0.0.25", "--port", "25", "--insecure-plaintext", "--from", "app@example.com"); res.Code != 0 || !strings.Contains(res.Stderr, "Postfix is not installed: the difference is against") {
		t.Errorf("dry run: want exit code 0 and %q in stderr, got %s", "Postfix is not installed: the difference is against", res)
	}
	l.Server.WriteFile("/usr/sbin/exim4", "#!/bin/sh\n", 0o755)
	for i := range 3 {
		l.Server.WriteFile(fmt.Sprintf("/var/spool/exim4/input/1abc%d-H", i), "", 0o600)
		l.Server.WriteFile(fmt.Sprintf("/var/spool/exim4/input/1abc%d-D", i), "", 0o600)
	}
	for _, args := range [][]string{{"--install"}, {"--install", "--replace-mta"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			res := l.Run(append([]string{"relayhost", "setup", "--yes"}, args...)...)
			if res.Code != 1 || !strings.Contains(res.Stderr, "Exim is installed") || !strings.Contains(res.Stderr, "3 messages in its queue") {
				t.Errorf("setup %q with Exim: want exit code 1, %q and %q in stderr, got %s", args, "Exim is installed", "3 messages in its queue", res)
			}
		})
	}
}

// TestLabInstall brings Postfix through the package manager of a minimal
// Debian, over a proxy to its registry, and goes the whole way from there.
func TestLabInstall(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Cloud("aws"), lab.MailExchangers(), lab.Port25(lab.Reset), lab.NoPostfix(), lab.Relay("brevo"))
	l.Server.WriteFile("/etc/apt/apt.conf.d/99lab", fmt.Sprintf("Acquire::http::Proxy %q;\n", l.World.Registries()), 0o644)
	credentials(l, "brevo", "")
	l.Server.Install()
	res := l.Server.Do(lab.Command{
		Args:    []string{"relayhost", "setup", "--relay", "brevo", "--from", "app@example.com", "--credentials-file", "/root/credentials", "--install", "--yes"},
		Timeout: 5 * time.Minute,
	})
	// A minimal Debian has no syslog: Postfix keeps a log while the proof runs.
	if res.Code != 0 || !strings.Contains(res.Stdout, "delivered: the test message") || !strings.Contains(res.Stderr, "installed postfix") {
		t.Fatalf("setup --install: want exit code 0, %q in stdout and %q in stderr, got %s", "delivered: the test message", "installed postfix", res)
	}
	waitMessages(t, l, "brevo", 2)
	if got := strings.TrimSpace(l.Server.Shell("postconf -h inet_interfaces")); got != "loopback-only" {
		t.Errorf("the new Postfix listens on %s, want %q", got, "loopback-only")
	}
	if res := l.Run("relayhost", "rollback", "--all", "--yes"); res.Code != 0 || !strings.Contains(res.Stdout, "stay installed: postfix, ") {
		t.Errorf("rollback: want exit code 0 and %q in stdout, got %s", "stay installed: postfix, ", res)
	}
	if res := l.Run("postfix", "status"); res.Code != 0 {
		t.Errorf("Postfix does not run any more: want exit code 0, got %s", res)
	}
	// The package manager's own last lines are shown when it fails.
	broken := lab.New(t, lab.NoPostfix())
	broken.Server.WriteFile("/etc/apt/sources.list", "deb [trusted=yes] file:/nowhere bookworm main\n", 0o644)
	broken.Server.Shell("rm -rf /var/lib/apt/lists/* /etc/apt/sources.list.d/*")
	// Meanwhile something else installs, which is waited for.
	broken.Server.Shell(`perl -e 'open(F, ">/var/lib/dpkg/lock-frontend"); $l = pack("s s x4 q q i", 1, 0, 0, 0, 0); fcntl(F, 6, $l) or die; open(G, ">/held"); sleep 5' >/dev/null 2>&1 &
		until [ -e /held ]; do sleep 0.05; done`)
	res = broken.Run("relayhost", "setup", "--install", "--yes")
	if res.Code != 1 || !strings.Contains(res.Stderr, "postfix") || !strings.Contains(res.Stderr, "E: ") || strings.Contains(res.Stderr, "get lock") {
		t.Errorf("setup --install without packages: want exit code 1, %q and %q in stderr and no %q in stderr, got %s", "postfix", "E: ", "get lock", res)
	}
}

// TestLabCtrlC breaks setup off while it works, not while it asks: during
// detection, during the rehearsal, and during the proof through the server's
// own Postfix. Then somebody closes the terminal at a question.
func TestLabCtrlC(t *testing.T) {
	t.Parallel()
	var until atomic.Int32 // the number of the message whose answer waits until setup has ended
	ended := make(chan struct{})
	l := newLab(t, lab.Delay(100*time.Millisecond), lab.Relay("brevo", func(c *smtpd.Config) {
		c.Message = func(smtpd.Envelope) *smtpd.Reply {
			if until.Add(-1) == 0 {
				select {
				case <-ended:
				case <-time.After(20 * time.Second):
				}
			}
			return nil
		}
	}))
	credentials(l, "brevo", "")
	before := l.Server.Tree(mailConfig...)
	unchanged := func(t *testing.T) {
		t.Helper()
		if d := before.Diff(l.Server.Tree(mailConfig...)); d != "" {
			t.Errorf("the host is not as before: got\n%s\nwant none", d)
		}
	}
	for _, at := range []struct {
		see, state string
		message    int32
	}{
		{"probing port 25", "unchanged", 1}, {"rehearsal:", "unchanged", 1}, {"proof:", "restored", 2},
	} {
		t.Run(strings.Trim(at.see, ":"), func(t *testing.T) {
			until.Store(at.message)
			p := sit(t, l, 80, false, "relayhost", "setup", "--relay", "brevo", "--region", "", "--from", "app@example.com",
				"--credentials-file", "/root/credentials", "--yes")
			p.sees(at.see)
			p.term.Type("\x03")
			p.ends(130)
			p.sees("relayhost: error: interrupted")
			p.sees("this server: " + at.state)
			select {
			case ended <- struct{}{}:
			default: // before any message
			}
			unchanged(t)
		})
	}
	t.Run("hangup", func(t *testing.T) {
		p := sit(t, l, 80, false, "relayhost", "setup", "--relay", "brevo", "--region", "")
		p.sees("? User name")
		p.term.Hangup()
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if res := l.Run("sh", "-c", "cat /proc/[0-9]*/comm | grep -x relayhost"); res.Code == 1 {
				break
			}
			if time.Now().After(end) {
				t.Fatal("relayhost runs on without a terminal, want it to end")
			}
		}
		unchanged(t)
	})
}

// TestLabMailServer: a server that does more than send is asked about before
// anything is planned; what it does goes on, and what is named keeps its way.
func TestLabMailServer(t *testing.T) {
	t.Parallel()
	l := newLab(t, lab.Relay("brevo"))
	s := l.Server
	s.Shell("postconf -e relay_domains=backup.example && postfix reload")
	credentials(l, "brevo", "")
	p := sit(t, l, 100, false, "relayhost", "setup", "--relay", "brevo", "--credentials-file", "/root/credentials", "--from", "app@example.com", "--to", "you@example.net")
	p.sees("passes on mail for backup.example (relay_domains)")
	p.sees("? Domains to deliver directly")
	p.term.Type("corp_example!\r")
	p.sees("is not a domain")
	p.term.Type("corp.example\r")
	p.sees("? Apply this?")
	p.term.Type("d\r")
	p.sees("Commands:")
	if line := "+corp.example smtp:"; !strings.Contains(p.screen.String(), line) {
		t.Errorf("difference: want %s in\n%s", line, p.screen)
	}
	p.term.Type("n\r")
	p.ends(1)
}
