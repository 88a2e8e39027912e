package plan_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// fate looks a log text up in a status filter as regexp_table(5) does: first
// match wins, without case. RE2 reads the POSIX subset that is written.
func fate(t *testing.T, table, text string) string {
	t.Helper()
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndex(line, "/ ")
		re := compiled(t, line[1:i])
		if re.MatchString(text) {
			return re.ReplaceAllString(text, strings.Replace(strings.TrimSpace(line[i+2:]), "$1", "${1}", 1))[:1]
		}
	}
	return text[:1]
}

var patterns sync.Map // string -> *regexp.Regexp

func compiled(t *testing.T, pattern string) *regexp.Regexp {
	t.Helper()
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp)
	}
	re, err := regexp.Compile("(?is)" + strings.ReplaceAll(pattern, `\/`, "/"))
	if err != nil {
		t.Fatalf("%s: got the error %v, want none", pattern, err)
	}
	patterns.Store(pattern, re)
	return re
}

const filterPath = "/etc/postfix/relayhost_status_filter"

func TestFaultsOfTheAccountAreDeferred(t *testing.T) {
	ses, err := relays.Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	table := text(t, build(t, debian(t), options(func(o *config.Config) { o.First().Relay = &ses })), filterPath)
	for _, tt := range []struct {
		name, said, want string
	}{
		{"530 to MAIL", "5.7.0 host h[192.0.2.1] said: 530 Authentication required (in reply to MAIL FROM command)", "4"},
		{"530 before STARTTLS", "5.0.0 host h[192.0.2.1] said: 530 Must issue a STARTTLS command first (in reply to MAIL FROM command)", "4"},
		{"relay access denied", "5.7.1 host h[192.0.2.1] said: 554 5.7.1 <a@b.c>: Relay access denied (in reply to RCPT TO command)", "4"},
		{"unverified address", "5.0.0 host h[192.0.2.1] said: 554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.c (in reply to end of DATA command)", "4"},
		{"SES denies access", "5.0.0 host h[192.0.2.1] said: 554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail' (in reply to end of DATA command)", "4"},
		{"550 sender domain", "5.0.0 host h[192.0.2.1] said: 550 sender domain not known (in reply to MAIL FROM command)", "4"},
		{"550 5.1.8 sender domain", "5.1.8 host h[192.0.2.1] said: 550 5.1.8 sender domain not known (in reply to MAIL FROM command)", "5"},
		{"host not found", "5.4.4 Host or domain name not found. Name service error for name=h type=A: Host not found", "4"},
		{"name not known", "5.4.6 unable to look up host h: Name or service not known", "4"},
		{"user unknown", "5.1.1 host h[192.0.2.1] said: 550 5.1.1 <a@b.c>: User unknown (in reply to RCPT TO command)", "5"},
		{"mailbox unavailable", "5.0.0 host h[192.0.2.1] said: 550 mailbox unavailable (in reply to RCPT TO command)", "5"},
		{"spam", "5.7.1 host h[192.0.2.1] said: 554 5.7.1 message looks like spam (in reply to end of DATA command)", "5"},
		{"too large", "5.3.4 host h[192.0.2.1] said: 552 5.3.4 Message size exceeds fixed limit (in reply to MAIL FROM command)", "5"},
		{"too large for the server", "5.3.4 message size 20 exceeds size limit 10 of server h[192.0.2.1]", "5"},
		{"450 5.7.1", "4.7.0 host h[192.0.2.1] said: 450 5.7.1 later (in reply to RCPT TO command)", "4"},
		{"250", "2.0.0 250 OK", "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := fate(t, table, tt.said); got != tt.want {
				t.Errorf("%s\nbecomes %s.x.x, want %s.x.x", tt.said, got, tt.want)
			}
		})
	}
}

func TestNoRegexpTables(t *testing.T) {
	s := debian(t)
	s.types = []string{"hash", "texthash"}
	p := build(t, s, options())
	if has(p, filterPath) || !hasNote(p, "no regexp tables") {
		t.Errorf("got the table: %v, notes %q, want no table and \"no regexp tables\"", has(p, filterPath), p.Notes)
	}
}

// smtp(8) opens one table there: with a list of two it would open neither and
// put all mail off.
func TestAnotherReplyFilterStaysAlone(t *testing.T) {
	o := options(func(o *config.Config) { o.Routes[0].Hops = append(o.Routes[0].Hops[:1], *o.First()) })
	o.Routes[0].Hops[1].Port = 2525
	s := debian(t)
	s.apply(build(t, s, o))
	p := build(t, s.set("smtp_reply_filter", "pcre:/etc/postfix/own"), o)
	if master := text(t, p, masterPath); strings.Contains(master, "smtp_reply_filter") {
		t.Errorf("master.cf: got\n%s\nwant no %q in it", master, "smtp_reply_filter")
	}
	if !hasNote(p, "room for one table") {
		t.Errorf("notes: got %q, want \"room for one table\" in them", p.Notes)
	}
}

// Mail that waits is told of; who has set a time keeps it.
func TestDelayWarning(t *testing.T) {
	const name = "delay_warning_time"
	for value, want := range map[string]string{"": "4h", "0": "4h", "0h": "4h", "4h": "4h", "1d": "1d", "30m": "30m", "$x": "$x"} {
		t.Run(value, func(t *testing.T) {
			s := debian(t)
			if value != "" {
				s.set(name, value)
			}
			p := build(t, s, options())
			main, err := postfix.ParseMain([]byte(text(t, p, mainPath)))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := main.Get(name); got != want {
				t.Errorf("%s = %q becomes %q, want %q", name, value, got, want)
			}
			if told := hasNote(p, name+" = 4h is set"); told != (want == "4h" && value != "4h") {
				t.Errorf("told: got %v, notes %q, want %v", told, p.Notes, (want == "4h" && value != "4h"))
			}
			s.apply(p)
			if again := build(t, s, options()); again.Changed() || hasNote(again, name) {
				t.Errorf("got a change of a second run, want none: %q", again.Notes)
			}
		})
	}
}

// One recipient's fault at RCPT is looked at before anything else that a relay says.
func TestFirstRuleOfTheStatusFilter(t *testing.T) {
	table := text(t, build(t, debian(t), options()), filterPath)
	_, after, _ := strings.Cut(table, " said: ")
	before, _, _ := strings.Cut(table, " said: ")
	if !strings.Contains(before, "refused to talk to me") || !strings.HasPrefix(after, "5[0-9][0-9][ -].*\\(in reply to RCPT TO command\\))$/ 5$1\n") {
		t.Errorf("got\n%s\nwant %q before the first %q, and right after that %q", table, "refused to talk to me", " said: ",
			"5[0-9][0-9][ -].*\\(in reply to RCPT TO command\\))$/ 5$1\n")
	}
}
