//go:build linux

package ask

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/detect"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/lab/claimtest"
	"relayhost/internal/oauth"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

// screen keeps what a terminal shows.
type screen struct {
	sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.Lock()
	defer s.Unlock()
	return s.text.Write(p)
}

// words are what was shown, without the breaks of lines.
func (s *screen) words() string {
	s.Lock()
	defer s.Unlock()
	return strings.Join(strings.Fields(s.text.String()), " ")
}

// told is all that is told before and beside the questions of a run.
func told(t *testing.T, req setup.Request, root string, typed []string, run func(context.Context, *Questions)) string {
	t.Helper()
	shown := &screen{}
	tty := showing(t, shown)
	limit, cancel := ui.WithLimit(t.Context(), time.Minute)
	defer cancel()
	deps := setup.Deps{Host: &host.Host{Reader: host.Reader{Root: root}}}
	q := New(Terminal{IO: &ui.Streams{In: tty, Out: tty, Err: tty}, Deps: deps, Request: req, Limit: limit, Complain: func(_, text string) { t.Log(text) }})
	q.talk.Prompter = &script{t: t, typed: typed}
	run(t.Context(), q)
	const end = "that is all"
	q.IO.Say(end)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(shown.words(), end); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the terminal shows %q, want %q at its end", shown.words(), end)
		}
	}
	return shown.words()
}

// state is a state of a run: what is told in it.
type state func(*testing.T) string

// toldClaim is a text that is told beside the questions.
type toldClaim struct {
	text  string
	holds state
	fails []state
}

func toldClaims(t *testing.T) []toldClaim {
	t.Helper()
	key := strings.Repeat("wJalrXUtnFEMI/K7MDENG", 2)[:40]
	memory, err := os.MkdirTemp("/dev/shm", "relayhost-told-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(memory) })
	var fs unix.Statfs_t
	if err := unix.Statfs(memory, &fs); err != nil || fs.Type != unix.TMPFS_MAGIC {
		t.Fatalf("/dev/shm: got type %x (%v), want a tmpfs", fs.Type, err)
	}
	if err := os.Mkdir(filepath.Join(memory, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	root := func(at time.Duration, saved string) string {
		dir := t.TempDir()
		text := fmt.Sprintf(`{"time":%q,"flags":%s,"answers":[{"question":"Relay service","answer":"brevo"}]}`, time.Now().Add(-at).UTC().Format(time.RFC3339), saved)
		if err := os.Mkdir(filepath.Join(dir, "run"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "run/relayhost-answers.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	relayed := func(facts *detect.Facts, typed ...string) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, t.TempDir(), typed, func(ctx context.Context, q *Questions) { _, _ = q.Relay(ctx, discovery(t), facts) })
		}
	}
	after := func(at time.Duration, flags string) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, root(at, flags), []string{"n", "brevo"}, func(ctx context.Context, q *Questions) { _, _ = q.Relay(ctx, discovery(t), nil) })
		}
	}
	const flags = `"\u0000\u0000\u00000\u0000\u0000\u0000\u0000"`
	none := func(t *testing.T) string {
		return told(t, setup.Request{}, t.TempDir(), []string{"brevo"}, func(ctx context.Context, q *Questions) { _, _ = q.Relay(ctx, discovery(t), nil) })
	}
	aborted := func(dir string) state {
		return func(t *testing.T) string {
			_ = os.Remove(filepath.Join(dir, "run/relayhost-answers.json"))
			return told(t, setup.Request{}, dir, []string{"brevo"}, func(ctx context.Context, q *Questions) {
				_, _ = q.Relay(ctx, discovery(t), nil)
				q.Aborted()
			})
		}
	}
	disk := t.TempDir() // has no /run in memory
	back := func(answers int) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, t.TempDir(), []string{"brevo"}, func(ctx context.Context, q *Questions) {
				if answers > 0 {
					_, _ = q.Relay(ctx, discovery(t), nil)
				}
				q.Back()
			})
		}
	}
	login := func(id string, typed ...string) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, t.TempDir(), typed, func(ctx context.Context, q *Questions) {
				_ = q.Credentials(ctx, relay(t, id), "", &secret.Credentials{})
			})
		}
	}
	ses := func(c secret.Credentials) state {
		return func(t *testing.T) string {
			a, ok := conf.Get("ses")
			if !ok {
				t.Fatal("Amazon SES: got no API, want one")
			}
			return told(t, setup.Request{}, t.TempDir(), []string{"AKIAIOSFODNN7EXAMPLE", key}, func(ctx context.Context, q *Questions) { _ = q.APIKey(ctx, a, relay(t, "ses"), &c) })
		}
	}
	server := func(param, value string, ask func(context.Context, *Questions, setup.Discovery)) state {
		return func(t *testing.T) string {
			d := discovery(t)
			d.State.Params[param] = value
			return told(t, setup.Request{NoProbe: true}, t.TempDir(), []string{"you@example.net"}, func(ctx context.Context, q *Questions) { ask(ctx, q, d) })
		}
	}
	to := func(from string) func(context.Context, *Questions, setup.Discovery) {
		return func(ctx context.Context, q *Questions, d setup.Discovery) { _, _ = q.To(ctx, d, from) }
	}
	choose := func(ctx context.Context, q *Questions, d setup.Discovery) { _, _ = q.Relay(ctx, d, nil) }
	direct := func(ctx context.Context, q *Questions, d setup.Discovery) {
		q.talk.Prompter.(*script).typed = []string{""}
		_, _ = q.Direct(ctx, d)
	}
	left := func(d time.Duration) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, t.TempDir(), nil, func(_ context.Context, q *Questions) {
				q.Device(oauth.Device{Expiry: time.Now().Add(d)}, "a@b.example")()
			})
		}
	}
	agreed := func(noVerify, keep bool) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, t.TempDir(), []string{"n"}, func(ctx context.Context, q *Questions) {
				s := with(t)
				s.NoProof, q.Keep = noVerify, keep
				_ = q.Consent(ctx, s, nil, &setup.Queue{})
			})
		}
	}
	open := &detect.Facts{Port25: detect.Port25{Verdict: detect.Open}}
	blocked := &detect.Facts{Port25: detect.Port25{Verdict: detect.Blocked}}
	unprobed := &detect.Facts{Port25: detect.Port25{Verdict: detect.NotProbed}}
	closed := &detect.Facts{}
	for _, r := range discovery(t).Catalog {
		for _, p := range r.PortOrder() {
			closed.Submission = append(closed.Submission, detect.Submission{Relay: r.ID, Port: p, Result: "timeout", Step: "connect"})
		}
	}
	signed, err := smtpd.SelfSigned("mail.example.net")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(signed.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	untrusted := func(before bool) state {
		return func(t *testing.T) string {
			return told(t, setup.Request{}, t.TempDir(), []string{"y"}, func(_ context.Context, q *Questions) {
				h, res := config.Hop{Host: "mail.example.net"}, smtpprobe.Result{Fault: smtpprobe.FaultUntrusted, Certificate: certificate}
				if before {
					q.trusted = h.Host + " " + smtpprobe.Fingerprint(res.Certificate)
				}
				_, _ = q.trust(&h, res)
			})
		}
	}
	return []toldClaim{
		{"A setup was aborted at", after(time.Minute, flags), []state{none, after(2*time.Hour, flags), after(time.Minute, `"brevo"`)}},
		{"For an hour the next relayhost setup offers your answers again", aborted(memory), []state{aborted(disk)}},
		{"Nothing is saved on disk. that is all", aborted(disk), []state{aborted(memory), none}},
		{"This is the first question.", back(0), []state{back(1)}},
		{"port 25 is open from this host: no relay is needed to send mail", relayed(open, "n"), []state{relayed(blocked, "brevo"), relayed(unprobed, "brevo"), none}},
		{"No relay service is reachable from this server", relayed(closed, "brevo"), []state{relayed(blocked, "brevo"), none}},
		{"That is a secret access key: the SMTP password is computed from it", login("ses", "AKIAIOSFODNN7EXAMPLE", key), []state{login("ses", "AKIAIOSFODNN7EXAMPLE", strings.Repeat("B", 44))}},
		{"No role of AWS was found on this host", ses(secret.Credentials{}), []state{ses(secret.Credentials{Username: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret.New(key)})}},
		{"mail is sent through [smtp.example.net]:587 already; relayhost adopt takes that setup over", server("relayhost", "[smtp.example.net]:587", choose), []state{server("relayhost", "", choose)}},
		{"Choose a mailbox that you can open, outside this server; example.org is delivered here", server("mydestination", "example.org", to("app@example.org")),
			[]state{server("mydestination", "localhost", to("app@example.org")), server("mydestination", "example.org", to("app@example.com"))}},
		{"Choose a mailbox that you can open (Enter: app@example.com)", server("mydestination", "", to("app@example.com")), []state{server("mydestination", "example.com", to("app@example.com")), server("mydestination", "", to("no-reply@example.com"))}},
		{"That does not change. All other mail will leave through the relay.", server("mydestination", "example.org", direct), []state{server("mydestination", "", direct)}},
		{"(1 minute left)", left(90 * time.Second), []state{left(3 * time.Minute)}},
		{"on failure everything is restored", agreed(false, false), []state{agreed(true, false), agreed(false, true)}},
		{"Nothing is changed before the relay has accepted a test message", agreed(false, false), []state{agreed(true, false)}},
		{"before and after the change", agreed(false, false), []state{agreed(true, false)}},
		{"stays also where a second one fails", agreed(false, true), []state{agreed(false, false), agreed(true, true)}},
		{"No test message is sent.", agreed(true, false), []state{agreed(false, false)}},
		{"The certificate of mail.example.net is not trusted: it is self-signed", untrusted(false), []state{untrusted(true)}},
	}
}

// Defects that the first newcomers met, by the test of the right behaviour.
var _ = map[string]func(*testing.T){
	"D2: a test recipient on this server ends the session": TestAddresses,
	"D20: setup does not say that port 25 is open":         TestToldClaims,
}

// What is told beside the questions is told where it holds, and in no state in which
// it is false.
func TestToldClaims(t *testing.T) {
	for _, c := range toldClaims(t) {
		claimtest.Check(t, c.text, func(t *testing.T, s state) string { return s(t) }, c.holds, c.fails)
	}
}

// Each text that is told beside a question is in the table of claims, has a lab test, or
// claims nothing of this server.
func TestEveryTextIsTested(t *testing.T) {
	harmless := claimtest.NewExempt("Type a part of the name", "Where to get", "Where to make an API key", "will be sent as this address", // what to do
		"has a host in each region", "This has to be registered", "Open this address on any machine", "on any machine, enter", "If you have a file with the CA certificate",
		"Choose a mailbox that you can open.", "d shows every line")
	onServer := claimtest.NewExempt(claimtest.OfAsk...)
	rows := toldClaims(t)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := regexp.MustCompile(`(?:\.Tell|\.above|\.Say)\([^"\n]*(?:"[^"]*", )?"([^"]+)"`)
	verb := regexp.MustCompile(`%\w`)
	seen := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(text), -1) {
			longest := ""
			for _, part := range verb.Split(m[1], -1) {
				if part = strings.Trim(part, " ,;:()."); len(part) > len(longest) {
					longest = part
				}
			}
			if len(longest) < 8 {
				continue // a label, or the text of something else
			}
			seen++
			if onServer.Has(m[1]) || harmless.Has(m[1]) {
				continue
			}
			first, _, _ := strings.Cut(longest, ". ")
			if !slices.ContainsFunc(rows, func(c toldClaim) bool { return strings.Contains(c.text, first) }) {
				t.Errorf("%s: %q is told: got no row with a state in which it is false, want one (looked for %q)", file, m[1], first)
			}
		}
	}
	if seen < 20 {
		t.Errorf("found %d texts in the source, want at least 20", seen)
	}
	onServer.Check(t)
	harmless.Check(t)
}
