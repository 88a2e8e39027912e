package plan_test

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// saying is a line of testdata/replies.tsv.
type saying struct {
	id            string // "row12": the line of the file
	relay, phase  string
	lines         []string // of the reply, code included
	alone, second string
	reason        string
}

// sayings reads testdata/replies.tsv.
func sayings(t *testing.T) []saying {
	t.Helper()
	data, err := os.ReadFile("testdata/replies.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []saying
	for i, line := range strings.Split(string(data), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 6 || f[3] != "bounce" && f[3] != "defer" || f[4] != "next" && f[4] != "none" {
			t.Fatalf("testdata/replies.tsv, line %d: got %q, want 6 fields, the fourth bounce or defer, the fifth next or none", i+1, line)
		}
		all = append(all, saying{"row" + strconv.Itoa(i+1), f[0], f[1], strings.Split(f[2], `\n`), f[3], f[4], f[5]})
	}
	if len(all) < 400 {
		t.Fatalf("%d replies, want 400", len(all))
	}
	return all
}

func (s saying) last() string { return s.lines[len(s.lines)-1] }

var enhanced = regexp.MustCompile(`^([245])[0-9]{2} +([245]\.[0-9]{1,3}\.[0-9]{1,3})( |$)`)

// logged is what smtp(8) hands to the status filter when host says s
// (src/smtp/smtp_chat.c, smtp_trouble.c); TestLabReplies holds it against the real one.
func (s saying) logged(host string) string {
	dsn := s.last()[:1] + ".0.0"
	if m := enhanced.FindStringSubmatch(s.last()); m != nil && m[2][:1] == m[1] {
		dsn = m[2]
	}
	text := strings.Join(s.lines, " ")
	switch s.phase {
	case "greeting": // smtp_skip_5xx_greeting
		return "4" + dsn[1:] + " host " + host + " refused to talk to me: " + text
	case "ehlo":
		return dsn + " host " + host + " refused to talk to me: " + text
	case "auth": // smtp_sasl_auth_soft_bounce
		return "4" + dsn[1:] + " SASL authentication failed; server " + host + " said: " + text
	}
	command := map[string]string{"mail": "MAIL FROM", "rcpt": "RCPT TO", "data": "DATA", "dot": "end of DATA"}[s.phase]
	return dsn + " host " + host + " said: " + text + " (in reply to " + command + " command)"
}

// withSecond is a server with a second hop at another relay.
func withSecond(t *testing.T, relay relays.Relay) config.Config {
	t.Helper()
	second := "postmark"
	if relay.ID == second {
		second = "mandrill"
	}
	other, err := relays.Get(second)
	if err != nil {
		t.Fatal(err)
	}
	return options(func(o *config.Config) {
		o.First().Relay = &relay
		hop := *o.First()
		hop.Relay, hop.Port = &other, 2525
		o.Routes[0].Hops = append(o.Routes[0].Hops[:1], hop)
	})
}

// TestReplies: each reply has the fate that was written down for it, whatever the
// name and the address of the relay that says it.
func TestReplies(t *testing.T) {
	hosts := []string{"relay.example[192.0.2.1]", "a-5.1.1.example[52.95.1.12]", "relay-access-denied.530.example[2001:db8:5:1:1::5.7.0]"}
	alone, status, reply := map[string]string{}, map[string]string{}, map[string]string{}
	for _, s := range sayings(t) {
		if alone[s.relay] == "" {
			relay, err := relays.Get(s.relay)
			if err != nil {
				t.Fatal(err)
			}
			alone[s.relay] = text(t, build(t, debian(t), options(func(o *config.Config) { o.First().Relay = &relay })), filterPath)
			p := build(t, debian(t), withSecond(t, relay))
			status[s.relay], reply[s.relay] = text(t, p, filterPath), text(t, p, "/etc/postfix/relayhost_reply_filter")
		}
		t.Run(s.id, func(t *testing.T) {
			want := map[string]string{"bounce": "5", "defer": "4"}[s.alone]
			for _, host := range hosts {
				for _, table := range []string{alone[s.relay], status[s.relay]} {
					if got := fate(t, table, s.logged(host)); got != want {
						t.Errorf("%s: %s\nbecomes %s.x.x, want %s.x.x (%s)", s.relay, s.logged(host), got, want, s.reason)
					}
				}
			}
			// smtp(8) asks the next hop by itself after a refused greeting or login.
			next := slices.Contains([]string{"greeting", "auth"}, s.phase) || fate(t, reply[s.relay], s.last()) == "4"
			if want := s.second == "next"; next != want {
				t.Errorf("%s at %s: the second hop's turn: %v, want %v (%s)\n%q", s.relay, s.phase, next, want, s.reason, s.lines)
			}
			for _, line := range s.lines[:len(s.lines)-1] {
				if got := fate(t, reply[s.relay], line); got != line[:1] {
					t.Errorf("%s at %s: %q, which is not the last line: got %sxx, want %sxx", s.relay, s.phase, line, got, line[:1])
				}
			}
		})
	}
}

// TestEveryReplyOfTheCatalogue: the sample of each reply has the fate that its
// scope names, also of one that testdata/replies.tsv does not have yet.
func TestEveryReplyOfTheCatalogue(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, relay := range all {
		table := text(t, build(t, debian(t), options(func(o *config.Config) { o.First().Relay = &relay })), filterPath)
		for _, reply := range relay.Replies {
			phase := map[string]string{"mail": "mail", "rcpt": "rcpt", "data": "dot", "": "dot"}[reply.At]
			if reply.Sample == "" || reply.Code != 0 && reply.Code < 500 || phase == "" {
				continue
			}
			n++
			code, want := "554", "4"
			if reply.Code != 0 {
				code = strconv.Itoa(reply.Code)
			}
			if reply.Scope == "recipient" {
				want = "5"
			}
			s := saying{phase: phase, lines: []string{code + " " + reply.Sample}}
			if got := fate(t, table, s.logged("relay.example[192.0.2.1]")); got != want {
				t.Errorf("%s: %s: %s\nbecomes %s.x.x, want %s.x.x", relay.ID, reply.ID, s.logged("relay.example[192.0.2.1]"), got, want)
			}
		}
	}
	if n < 40 {
		t.Errorf("got %d replies of the catalogue tried, want at least 40", n)
	}
}

// TestEveryReplyOfAnAPI: what a bridge says keeps the fate that the catalogue names,
// also where its code would say otherwise.
func TestEveryReplyOfAnAPI(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, relay := range all {
		a, ok := conf.Get(relay.ID)
		if !ok || a.Tokens() {
			continue
		}
		h := config.Hop{Relay: &relay, Host: "api.example", Port: 443, Via: config.HTTPS, TLS: relays.Implicit}
		h.API.Settings = map[conf.Field]string{}
		for _, f := range a.Needs {
			h.API.Settings[f] = "x"
		}
		h.API.Host, h.API.Key, h.API.AWS = "api.example", secret.New("Gehe1m"), &conf.AWSKeys{Source: conf.AWSInstance}
		table := text(t, bridged(t, debian(t), routed(h)), filterPath)
		for _, reply := range relay.API.Replies {
			n++
			want := "4"
			if reply.Scope == "recipient" {
				want = "5"
			}
			said := saying{phase: "dot", lines: []string{"550 5.7.1 relayhost: " + a.Name + ": " + reply.Sample}}
			if got := fate(t, table, said.logged("host.example.com[private/relayhost-x-https-out]")); got != want {
				t.Errorf("%s: %s: got %s.x.x, want %s.x.x", relay.ID, reply.ID, got, want)
			}
		}
		said := saying{phase: "dot", lines: []string{"554 5.6.1 relayhost: " + a.Name + ": the sender is not verified"}}
		if got := fate(t, table, said.logged("host.example.com[private/relayhost-x-https-out]")); got != "5" {
			t.Errorf("%s: a refusal of the bridge: got %s.x.x, want 5.x.x", relay.ID, got)
		}
	}
	if n < 80 {
		t.Errorf("replies: got %d, want 80 at least", n)
	}
}
