package script_test

import (
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab/script"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
)

// outcomes says at which step the prober gives a trap up, and for what fault.
var outcomes = map[string]string{
	"endless greeting":                "greeting protocol",
	"greeting without line end":       "greeting protocol",
	"greeting a byte a second":        "greeting timeout",
	"line of 10 MB":                   "greeting protocol",
	"no greeting":                     "greeting timeout",
	"half a greeting":                 "greeting timeout",
	"control bytes":                   "ehlo timeout",
	"second reply ahead of EHLO":      "ehlo protocol",
	"HTTP":                            "greeting timeout", // both wait for the other
	"HTTP at once":                    "greeting not_smtp",
	"SSH":                             "greeting not_smtp",
	"TLS alert":                       "greeting timeout",
	"masked banner":                   "starttls no_starttls",
	"4xx greeting for ever":           "greeting reply",
	"554 greeting":                    "greeting reply",
	"no EHLO":                         "ehlo reply",
	"EHLO of 10,000 lines":            "ehlo protocol",
	"EHLO with changing codes":        "ehlo protocol",
	"reply without a code":            "ehlo protocol",
	"STARTTLS stripped":               "starttls no_starttls",
	"STARTTLS refused":                "starttls reply",
	"AUTH offered before TLS":         " ", // logs in, inside TLS
	"reply injected before TLS":       "starttls protocol",
	"no TLS after STARTTLS":           "tls protocol",
	"TLS that never answers":          "tls timeout",
	"implicit TLS that never answers": "tls timeout",
	"plain greeting on implicit TLS":  "tls tls",
	"TLS 1.0 only":                    "tls tls",
	"TLS 1.1 only":                    "tls tls",
	"no AUTH inside TLS":              "auth no_auth",
	"only unknown mechanisms":         "auth no_mechanism",
	"challenge loop":                  "auth protocol",
	"challenge of 1 MB":               "auth protocol",
	"4xx to AUTH for ever":            "auth reply",
	"reply in pieces":                 "auth timeout",
	"bare line feeds":                 "starttls no_starttls",
}

// The prober ends each trap within its limit, for the right reason, in little
// memory; no credential has crossed the network in clear, which the server
// tells, and no control byte of a reply gets through.
func TestProberSurvivesTraps(t *testing.T) {
	const password = "correct-horse"
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("relay.test")
	if err != nil {
		t.Fatal(err)
	}
	for _, trap := range script.Traps(smtpd.ServerTLS(cert)) {
		t.Run(trap.Name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := script.Play(l, trap.Steps...)
			defer s.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			r := smtpprobe.Probe(t.Context(), smtpprobe.Target{
				Name: "relay.test", Addr: netip.MustParseAddrPort(s.Addr()), Implicit: trap.Implicit,
				Until: smtpprobe.StepAuth, HELO: "host.test", Roots: ca.Pool(), Username: "user", Password: secret.New(password),
				StepTimeout: 400 * time.Millisecond, Timeout: time.Second,
			})
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			_ = s.Close()

			want, ok := outcomes[trap.Name]
			if step, hangsUp := strings.CutPrefix(trap.Name, "hangs up at "); hangsUp {
				want, ok = ends[step]+" reset", true
			} else if step, resets := strings.CutPrefix(trap.Name, "resets at "); resets {
				want, ok = ends[step]+" reset", true
			}
			if got := string(r.Failed) + " " + string(r.Fault); !ok || got != want {
				t.Errorf("ended with %q (%v), want %q", got, r.Err, want)
			}
			if took > 1500*time.Millisecond {
				t.Errorf("took %s, want at most %s", took, 1500*time.Millisecond)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used >= 20 {
				t.Errorf("used %d MiB, want less than 20", used)
			}
			records := s.Records()
			if len(records) != 1 {
				t.Fatalf("got %d connections, want 1", len(records))
			}
			if rec := records[0]; rec.SawPlain("AUTH") || strings.Contains(string(rec.Plain), password) || rec.TLS == "" && len(rec.Inside) > 0 {
				t.Errorf("got AUTH in clear %v, the password in clear %v, %d bytes inside TLS of version %q, want false, false, and no bytes without a version",
					rec.SawPlain("AUTH"), strings.Contains(string(rec.Plain), password), len(rec.Inside), rec.TLS)
			}
			texts := r.Text + r.Banner
			if r.Err != nil {
				texts += r.Err.Error()
			}
			if strings.ContainsFunc(texts, func(c rune) bool { return c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x202e }) {
				t.Errorf("texts of the report: got %q, want no control bytes", texts)
			}
		})
	}
}

// ends are the steps at which a lost connection is noticed.
var ends = map[string]string{
	"connect": "greeting", "greeting": "greeting", "EHLO": "ehlo", "EHLO reply": "ehlo", "STARTTLS": "starttls",
	"handshake": "tls", "EHLO inside TLS": "ehlo_tls", "AUTH": "auth",
}
