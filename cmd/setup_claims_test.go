package cmd

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/lab/claimtest"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// said is what f prints.
func said(t *testing.T, f func(a *app)) string {
	t.Helper()
	var out bytes.Buffer
	f(&app{io: &ui.Streams{In: strings.NewReader(""), Out: &out, Err: &out}, host: &host.Host{Reader: host.Reader{Root: t.TempDir()}}})
	return out.String()
}

// state is a state of a setup: what is printed in it.
type state func(*testing.T) string

// claim is a text that setup prints of this server.
type claim struct {
	text  string
	holds state
	fails []state
}

func claims() []claim {
	confirmed := func(change func(*setup.Setup)) state {
		return func(t *testing.T) string {
			return said(t, func(a *app) {
				s := setup.Setup{Config: config.New()}
				s.State.Running = true
				change(&s)
				if _, err := a.confirm(t.Context(), s, nil, setupFlags{yes: true}, nil); err != nil {
					t.Error(err)
				}
			})
		}
	}
	seen := setup.Delivered{Delivery: verify.Delivery{Relay: "smtp.example.net[192.0.2.1]:587", Reply: "250 ok"}}
	proven := func(told ...setup.Delivered) state {
		return func(t *testing.T) string {
			list := make([]setup.Delivered, maxTold)
			return said(t, func(a *app) { tellProven(a.io, "", "you@example.net", append(list, told...)) })
		}
	}
	failed := func(err error, installed ...string) state {
		return func(t *testing.T) string {
			return said(t, func(a *app) {
				r := &setupReport{app: a, installed: installed}
				a.report(r.finish(err, func(text string) string { return text }, false))
			})
		}
	}
	applied := func(t *testing.T) string {
		return said(t, func(a *app) {
			r := &setupReport{app: a}
			r.applied(setup.Setup{Config: config.New()}, setup.Outcome{}, func(bool) []string { return nil })
		})
	}
	proof := setup.ProofError{Err: errors.New("the relay refused the login")}
	dry := func(changed bool) state {
		return func(t *testing.T) string {
			return said(t, func(a *app) {
				p := plan.Plan{}
				if changed {
					p.Files = []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify}}
				}
				if err := (&setupReport{app: a}).dryRun(p, nil, false); err != nil {
					t.Error(err)
				}
			})
		}
	}
	stopped := func(running bool, dir string) state {
		return func(t *testing.T) string {
			return said(t, func(a *app) {
				s := setup.Setup{}
				s.State.Running, s.State.ConfigDir = running, dir
				(&setupReport{app: a}).stopped(t.Context(), s)
			})
		}
	}
	flows := func(rows ...flow.Row) state {
		return func(t *testing.T) string {
			return said(t, func(a *app) { showFlow(a.io, &flow.Table{Rows: rows}, false) })
		}
	}
	return []claim{
		{"Postfix is not running and will be started", confirmed(func(s *setup.Setup) { s.State = postfix.State{} }), []state{confirmed(func(*setup.Setup) {})}},
		{"Postfix is not running, and mail waits until it is started: postfix start", stopped(false, "/etc/postfix"), []state{stopped(true, "/etc/postfix"), stopped(false, "/etc/postfix-out"), confirmed(func(*setup.Setup) {})}},
		{"mail waits until it is started: postfix -c /etc/postfix-out start", stopped(false, "/etc/postfix-out"), []state{stopped(false, "/etc/postfix"), stopped(true, "/etc/postfix-out")}},
		{"delivered: 2 more test messages", proven(seen, seen), []state{proven(setup.Delivered{}, setup.Delivered{}), proven(seen, setup.Delivered{}), proven(seen)}},
		{"handed to Postfix: 2 more test messages; no log shows where they went", proven(setup.Delivered{}, setup.Delivered{}), []state{proven(seen, seen), proven(seen, setup.Delivered{})}},
		{"delivered: 1 more test message; of 1 more no log shows where they went", proven(seen, setup.Delivered{}), []state{proven(seen, seen)}},
		{"this server: unchanged\n", failed(proof), []state{failed(proof, "postfix"), failed(setup.StatedError{Err: proof, State: "restored"}), failed(nil),
			failed(setup.UsageError{Err: errors.New("--port x is not a port")})}},
		{"unchanged, but for what was installed: postfix", failed(proof, "postfix"), []state{failed(proof)}},
		{"this server: restored", failed(setup.StatedError{Err: proof, State: "restored"}), []state{failed(proof)}},
		{"Done. Undo: sudo relayhost rollback (change ", applied, []state{failed(proof), dry(true), dry(false)}},
		{"unchanged\n", dry(false), []state{dry(true)}},
		{"mail of this server:", flows(flow.Row{Class: "other mail", Change: flow.Same}), []state{flows()}},
	}
}

// What setup says of this server at its question and at its end is said where it holds,
// and in no state in which it is false.
func TestSetupClaims(t *testing.T) {
	for _, c := range claims() {
		claimtest.Check(t, c.text, func(t *testing.T, s state) string { return s(t) }, c.holds, c.fails)
	}
}

// What setup says that is set up already is what the server uses: by SMTP, or by an API.
func TestAlreadySetUp(t *testing.T) {
	brevo, err := relays.Get("brevo")
	if err != nil {
		t.Fatal(err)
	}
	smtp := config.Hop{Host: "smtp.example.net", Port: 587}
	api := config.Hop{Host: "smtp.example.net", Port: 587, Via: config.HTTPS, Relay: &brevo}
	for name, tt := range map[string]struct {
		hop  config.Hop
		want string
	}{
		"SMTP": {smtp, "Already set up for smtp.example.net port 587."},
		"API":  {api, "Already set up for api.brevo.com port 443."},
	} {
		t.Run(name, func(t *testing.T) {
			c := config.New()
			c.Routes[0].Hops = []config.Hop{tt.hop}
			if got := alreadySetUp(c); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Each text that setup, verify and status print themselves, also where they fail, is in the
// table of claims, or has a test of its own.
func TestEveryTextOfSetupIsTested(t *testing.T) {
	elsewhere := map[string]func(*testing.T){
		"This server: %s.":                         TestToldOnce,
		"Configured, not tested":                   TestTellProven,
		"the relay's own test address":             TestTellProven,
		"handed to Postfix: \"+what+by+\"; no log": TestTellProven,
		"delivered: \"+what+by":                    TestTellProven,
	}
	onServer := claimtest.NewExempt(claimtest.OfCmd...)
	tested := claimtest.NewExempt(slices.Collect(maps.Keys(elsewhere))...)
	says := regexp.MustCompile(`(?:\.Tell\(|\.Say\(|tellAnswer\(io, |tellAnswer\(r\.io, |Out, )(?:postfix\.AtInstance\(|r\.here\()?(?:fmt\.Sprintf\()?(?:"[^"]*", )?"([^"]+)"(.*)`)
	verb := regexp.MustCompile(`%\w|\\n`)
	seen := 0
	for _, file := range []string{"setup.go", "setup_report.go", "verify.go", "status.go", "errors.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range says.FindAllStringSubmatch(string(text), -1) {
			longest := ""
			for _, part := range verb.Split(m[1], -1) {
				if part = strings.Trim(part, " ,;:()."); len(part) > len(longest) {
					longest = part
				}
			}
			if len(longest) < 8 {
				continue
			}
			seen++
			if onServer.Has(m[1]) || tested.Has(m[0]) {
				continue
			}
			if !slices.ContainsFunc(claims(), func(c claim) bool { return strings.Contains(c.text, longest) }) {
				t.Errorf("%s: %q: got no row with a state in which that is false, want one (with %q)", file, m[1], longest)
			}
		}
	}
	if seen < 10 {
		t.Errorf("found %d texts in the source, want at least 10", seen)
	}
	onServer.Check(t)
	tested.Check(t)
}
