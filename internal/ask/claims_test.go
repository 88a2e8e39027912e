//go:build linux

package ask

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// What the plan says of the relay, the account and the senders is what the setup has,
// and nothing else.
func TestPlanScreenClaims(t *testing.T) {
	main := func(text string) plan.Plan {
		return plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify, After: []byte(text)}}}
	}
	state := postfix.State{DefaultMap: "hash", Params: map[string]string{"myorigin": "host.example.com"}}
	own := plan.Plan{Files: []plan.File{{Path: "/etc/postfix/relayhost_generic", Action: plan.Create, After: []byte("@host.example.com app@example.com\n")}}}
	hop := config.Hop{Host: "smtp.example.net", Port: 587, TLS: relays.StartTLS, Username: "joe"}
	const verified, ownOnly, every, kept = "verified TLS", "own accounts (root, www-data, cron) send as", "EVERY sender on this server becomes", "keep their address"
	for _, tt := range []struct {
		name      string
		change    func(*config.Hop)
		plan      plan.Plan
		want, not []string
	}{
		{"verified", nil, own, []string{"smtp.example.net port 587, " + verified, "joe", ownOnly}, []string{"NO TLS", "NOT verified", "pinned", every, kept, "no login"}},
		{"pinned", func(h *config.Hop) { h.Pin = "ab" }, own, []string{"pinned by its fingerprint"}, []string{verified, "NOT verified"}},
		{"CA file", func(h *config.Hop) { h.CAFile = "/root/ca.pem" }, own, []string{"TLS, verified with /root/ca.pem"}, []string{verified, "pinned"}},
		{"any certificate", func(h *config.Hop) { h.NoVerify = true }, own, []string{"certificate NOT verified"}, []string{verified}},
		{"no TLS", func(h *config.Hop) { h.TLS = relays.NoTLS }, own, []string{"NO TLS"}, []string{verified}},
		{"no login", func(h *config.Hop) { h.Username = "" }, own, []string{"none (no login)"}, []string{"joe"}},
		{"a token", func(h *config.Hop) { h.Password = secret.New("joe") }, own, []string{"the token (not shown)"}, []string{"joe"}},
		{"all senders", nil, main("sender_canonical_maps = static:app@example.com\n"), []string{every}, []string{ownOnly, kept}},
		{"somebody else's table", nil, main("sender_canonical_maps = static:boss@example.org\n"), []string{kept}, []string{ownOnly, every}},
		{"none", nil, plan.Plan{}, []string{kept}, []string{ownOnly, every}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := setup.Setup{Plan: tt.plan, Config: config.New()}
			s.State = state
			h := hop
			if tt.change != nil {
				tt.change(&h)
			}
			s.Config.Routes[0].Hops, s.Config.Routes[0].From, s.Config.To = []config.Hop{h}, "app@example.com", "you@example.net"
			var got strings.Builder
			for _, r := range planScreen(s, nil) {
				fmt.Fprintf(&got, "%-10s %s\n", r.label, r.text)
			}
			for _, text := range tt.want {
				if !strings.Contains(got.String(), text) {
					t.Errorf("got\n%swant %q", got.String(), text)
				}
			}
			for _, text := range tt.not {
				if strings.Contains(got.String(), text) {
					t.Errorf("got\n%swant no %q", got.String(), text)
				}
			}
		})
	}
}

// A relay is called unreachable where a probe has shown that, and recommended with a
// reason that was seen.
func TestRankedOptionsClaims(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	probed := func(result string) *detect.Facts {
		f := &detect.Facts{}
		for _, r := range all {
			for _, p := range r.PortOrder() {
				f.Submission = append(f.Submission, detect.Submission{Relay: r.ID, Port: p, Result: result, Step: "connect"})
			}
		}
		return f
	}
	aws := probed("open")
	aws.Host.Provider, aws.Host.Region = "aws", "eu-west-1"
	for _, tt := range []struct {
		name        string
		facts       *detect.Facts
		other, none bool // another server first; a relay that is called unreachable
		reason      bool
	}{
		{"nothing probed", nil, false, false, false},
		{"all open", probed("open"), false, false, false},
		{"nothing reachable", probed("timeout"), true, true, false},
		{"the provider's own", aws, false, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options, reason := rankedOptions(all, tt.facts)
			none := 0
			for _, o := range options {
				if o.Detail != "" {
					none++
				}
			}
			if got := options[0] == otherServer; got != tt.other || none > 0 != tt.none || reason != "" != tt.reason {
				t.Errorf("got another server first %v, %d unreachable, reason %q; want %v, %v, %v", got, none, reason, tt.other, tt.none, tt.reason)
			}
		})
	}
}

// typed answers each question with the next line, as far as its check accepts it.
type typed struct {
	ui.Prompter
	lines   []string
	presets []string
	refused []string
}

func (p *typed) Input(_, preset string, check func(string) error) (string, error) {
	p.presets = append(p.presets, preset)
	for len(p.lines) > 0 {
		line := p.lines[0]
		p.lines = p.lines[1:]
		if line == "" {
			line = preset
		}
		err := check(line)
		if err == nil {
			return line, nil
		}
		p.refused = append(p.refused, err.Error())
	}
	return "", errors.New("no more lines")
}

// sitting are the questions at which p types.
func sitting(t *testing.T, p *typed) *Questions {
	t.Helper()
	q, _ := newQuestions(t, setup.Request{NoProbe: true})
	q.talk.Prompter, q.talk.Offer = p, nil
	return q
}

// A yes or no is no domain: who takes the question for one is asked again.
func TestDirectIsNoYes(t *testing.T) {
	p := &typed{lines: []string{"no", "y", "corp.example, lan"}}
	d := setup.Discovery{State: postfix.State{Params: map[string]string{"mydestination": "example.org", "inet_interfaces": "all"}}}
	got, err := sitting(t, p).Direct(context.Background(), d)
	if err != nil || strings.Join(got, " ") != "corp.example lan" || len(p.refused) != 2 {
		t.Errorf("got %q, %v, refused %q; want the two domains after two refusals", got, err, p.refused)
	}
}

// A mailbox that nobody opens is not offered for the test message.
func TestToOffersNoUnreadMailbox(t *testing.T) {
	for from, preset := range map[string]string{
		"app@example.com": "app@example.com", "DoNotReply@example.com": "", "no-reply@example.com": "", "noreply.shop@example.com": "", "nora@example.com": "nora@example.com",
	} {
		t.Run(from, func(t *testing.T) {
			p := &typed{lines: []string{"you@example.net"}}
			if _, err := sitting(t, p).To(context.Background(), setup.Discovery{}, from); err != nil || p.presets[0] != preset {
				t.Errorf("got %q offered, %v, want %q", p.presets, err, preset)
			}
		})
	}
}

// What is said of a server that cannot be used is what the connection showed, and port
// 25 is called blocked only where it is.
func TestUnusableClaims(t *testing.T) {
	failed := func(step smtpprobe.Step, fault smtpprobe.Fault) smtpprobe.Result {
		return smtpprobe.Result{Failed: step, Fault: fault, Err: errors.New("as it was")}
	}
	facts := func(v detect.Verdict) *detect.Facts { return &detect.Facts{Port25: detect.Port25{Verdict: v}} }
	for _, tt := range []struct {
		name    string
		port    int
		facts   *detect.Facts
		res     smtpprobe.Result
		want    string
		blocked bool
		help    string
	}{
		{"silence at a port 25 that is blocked", 25, facts(detect.Blocked), failed(smtpprobe.StepConnect, smtpprobe.FaultTimeout), "no answer on port 25", true, "Port 25 is blocked for this server"},
		{"silence at a port 25 that is open", 25, facts(detect.Open), failed(smtpprobe.StepConnect, smtpprobe.FaultTimeout), "no answer on port 25", false, ""},
		{"nothing is known of port 25", 25, nil, failed(smtpprobe.StepConnect, smtpprobe.FaultTimeout), "no answer on port 25", false, ""},
		{"silence at another port", 587, facts(detect.Blocked), failed(smtpprobe.StepConnect, smtpprobe.FaultTimeout), "no answer on port 587", false, ""},
		{"refused", 587, facts(detect.Blocked), failed(smtpprobe.StepConnect, smtpprobe.FaultRefused), "port 587 refuses the connection", false, ""},
		{"connected, then silence", 25, facts(detect.Blocked), failed(smtpprobe.StepGreeting, smtpprobe.FaultTimeout), "as it was", false, ""},
		{"no STARTTLS", 25, facts(detect.Blocked), failed(smtpprobe.StepTLS, smtpprobe.FaultNoSTARTTLS), "as it was", false, "over TLS only"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := config.Hop{Host: "mail.example.net", Port: tt.port}
			if got := unusable(h, tt.res); got.Error() != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := blocked25(h, tt.facts, tt.res); got != tt.blocked {
				t.Errorf("blocked: got %t, want %t", got, tt.blocked)
			}
			if got := helpFor(tt.blocked, tt.res); !strings.Contains(got, tt.help) || tt.help == "" && got != "" {
				t.Errorf("help: got %q, want %q", got, tt.help)
			}
		})
	}
}
