package verify

import (
	"context"
	"crypto/tls"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab/script"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// met is what verify makes of each hostile or broken relay: the findings on
// connect, tls and auth.
var met = map[string]string{
	"endless greeting":                "connect:fail:smtp_protocol_broken",
	"greeting without line end":       "connect:fail:smtp_protocol_broken",
	"greeting a byte a second":        "connect:fail:net_greeting_timeout",
	"line of 10 MB":                   "connect:fail:smtp_protocol_broken",
	"no greeting":                     "connect:fail:net_greeting_timeout",
	"half a greeting":                 "connect:fail:net_greeting_timeout",
	"control bytes":                   "connect:fail:dialogue_dropped", // silent after them
	"second reply ahead of EHLO":      "connect:fail:smtp_protocol_broken",
	"HTTP":                            "connect:fail:net_greeting_timeout", // waits for our words
	"HTTP at once":                    "connect:fail:port_not_smtp",
	"SSH":                             "connect:fail:port_not_smtp",
	"TLS alert":                       "connect:fail:net_greeting_timeout",
	"masked banner":                   "connect:pass tls:fail:tls_not_offered",
	"4xx greeting for ever":           "connect:fail:turned_away",
	"554 greeting":                    "connect:fail:turned_away",
	"no EHLO":                         "connect:fail:turned_away",
	"EHLO of 10,000 lines":            "connect:fail:smtp_protocol_broken",
	"EHLO with changing codes":        "connect:fail:smtp_protocol_broken",
	"reply without a code":            "connect:fail:smtp_protocol_broken",
	"STARTTLS stripped":               "connect:pass tls:fail:tls_not_offered",
	"STARTTLS refused":                "connect:pass tls:fail:tls_refused",
	"AUTH offered before TLS":         "connect:pass tls:pass auth:pass", // and used inside only
	"reply injected before TLS":       "connect:pass tls:fail:smtp_protocol_broken",
	"no TLS after STARTTLS":           "connect:pass tls:fail:smtp_protocol_broken",
	"TLS that never answers":          "connect:pass tls:fail:tls_handshake_dropped",
	"implicit TLS that never answers": "connect:pass tls:fail:tls_handshake_dropped",
	"plain greeting on implicit TLS":  "connect:pass tls:fail:tls_587_wrappermode",
	"TLS 1.0 only":                    "connect:pass tls:fail:tls_handshake_failure",
	"TLS 1.1 only":                    "connect:pass tls:fail:tls_handshake_failure",
	"no AUTH inside TLS":              "connect:pass tls:pass auth:fail:auth_not_offered",
	"only unknown mechanisms":         "connect:pass tls:pass auth:fail:sasl_oauth_only",
	"challenge loop":                  "connect:pass tls:pass auth:fail:smtp_protocol_broken",
	"challenge of 1 MB":               "connect:pass tls:pass auth:fail:smtp_protocol_broken",
	"4xx to AUTH for ever":            "connect:pass tls:pass auth:fail:auth_454_temporary",
	"reply in pieces":                 "connect:pass tls:pass auth:fail:dialogue_dropped",
	"bare line feeds":                 "connect:pass tls:fail:tls_not_offered",

	"connect":         "connect:fail:net_greeting_timeout",
	"greeting":        "connect:fail:net_greeting_timeout",
	"EHLO":            "connect:fail:dialogue_dropped",
	"EHLO reply":      "connect:fail:dialogue_dropped",
	"STARTTLS":        "connect:pass tls:fail:dialogue_dropped",
	"handshake":       "connect:pass tls:fail:tls_handshake_dropped",
	"EHLO inside TLS": "connect:fail:dialogue_dropped",
	"AUTH":            "connect:pass tls:pass auth:fail:dialogue_dropped",

	"self-signed":      "connect:pass tls:fail:tls_untrusted_issuer",
	"unknown CA":       "connect:pass tls:fail:tls_untrusted_issuer",
	"expired":          "connect:pass tls:fail:tls_expired_or_clock",
	"not yet valid":    "connect:pass tls:fail:tls_expired_or_clock",
	"for another name": "connect:pass tls:fail:tls_name_mismatch",
}

// certificateTraps are ordinary relays with a certificate that does not verify.
func certificateTraps(t *testing.T, ca *smtpd.CA) (traps []script.Trap) {
	t.Helper()
	other, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Hour
	now := time.Now()
	for name, issue := range map[string]func() (tls.Certificate, error){
		"self-signed":      func() (tls.Certificate, error) { return smtpd.SelfSigned("relay.test") },
		"unknown CA":       func() (tls.Certificate, error) { return other.Issue("relay.test") },
		"expired":          func() (tls.Certificate, error) { return ca.IssueValid(now.Add(-2*hour), now.Add(-hour), "relay.test") },
		"not yet valid":    func() (tls.Certificate, error) { return ca.IssueValid(now.Add(hour), now.Add(2*hour), "relay.test") },
		"for another name": func() (tls.Certificate, error) { return ca.Issue("evil.test") },
	} {
		cert, err := issue()
		if err != nil {
			t.Fatal(err)
		}
		traps = append(traps, script.Trap{Name: name, Steps: script.Secured(smtpd.ServerTLS(cert), script.Hang())})
	}
	return traps
}

// TestTraps: verify meets every hostile relay within its limits, names cause and
// remedy, and lets no credential cross a connection that is not verified, which
// the relay tells.
func TestTraps(t *testing.T) {
	t.Parallel()
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("relay.test")
	if err != nil {
		t.Fatal(err)
	}
	sound := relay(t)
	disconnect := regexp.MustCompile("^(hangs up|resets) at ")
	for _, trap := range append(script.Traps(smtpd.ServerTLS(cert)), certificateTraps(t, ca)...) {
		t.Run(trap.Name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := script.Play(l, trap.Steps...)
			defer s.Close()
			env := sound.env(t)
			env.First().Port, env.First().Roots, env.First().Relay.Ports = l.Addr().(*net.TCPAddr).Port, ca.Pool(), nil
			if trap.Implicit {
				env.First().TLS = relays.Implicit
			}
			step, limit := time.Second, 3*time.Second
			if trap.Name == "reply in pieces" { // which take 0.7 s
				step = 400 * time.Millisecond
			}
			env.Probe = func(ctx context.Context, target smtpprobe.Target) smtpprobe.Result {
				target.StepTimeout, target.Timeout = step, limit
				began := time.Now()
				defer func() {
					if took := time.Since(began); took > limit+500*time.Millisecond {
						t.Errorf("took %s, want at most %s", took, limit+500*time.Millisecond)
					}
				}()
				return smtpprobe.Probe(ctx, target)
			}
			r := Run(t.Context(), env, Options{NoSend: true})
			_ = s.Close()
			want, known := met[disconnect.ReplaceAllString(trap.Name, "")]
			if got := summary(r, "connect", "tls", "auth"); !known || got != want {
				t.Errorf("got %s, want %s\n%+v", got, want, r.Findings)
			}
			for _, f := range r.Findings {
				if f.Result == Fail && f.Remedy == "" {
					t.Errorf("got %+v, want a remedy in a failure", f)
				}
				if strings.ContainsFunc(f.Detail+f.Remedy, func(c rune) bool { return c < ' ' && c != '\n' || c == 0x7f || c >= 0x80 && c < 0xa0 || c == 0x202e }) {
					t.Errorf("%s: got the detail %q and the remedy %q, want no control characters in them", f.Check, f.Detail, f.Remedy)
				}
			}
			verified := strings.Contains(want, "tls:pass")
			for _, rec := range s.Records() {
				if rec.SawPlain("AUTH") || strings.Contains(string(rec.Plain), "right") || !verified && rec.SawCommand("AUTH") {
					t.Errorf("verified TLS %v: got AUTH in the clear %v, the password in the clear %v, AUTH at all %v, "+
						"want false, false, and AUTH with verified TLS alone",
						verified, rec.SawPlain("AUTH"), strings.Contains(string(rec.Plain), "right"), rec.SawCommand("AUTH"))
				}
			}
		})
	}
}
