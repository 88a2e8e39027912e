package plan_test

import (
	"regexp"
	"strings"
	"testing"

	"relayhost/internal/config"
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
		re, err := regexp.CompilePOSIX("(?i)" + strings.ReplaceAll(line[1:i], `\/`, "/"))
		if err != nil {
			re, err = regexp.Compile("(?i)" + strings.ReplaceAll(line[1:i], `\/`, "/"))
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if re.MatchString(text) {
			return re.ReplaceAllString(text, strings.Replace(strings.TrimSpace(line[i+2:]), "$1", "${1}", 1))[:1]
		}
	}
	return text[:1]
}

const filterPath = "/etc/postfix/relayhost_status_filter"

func TestFaultsOfTheAccountAreDeferred(t *testing.T) {
	ses, err := relays.Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	table := text(t, build(t, debian(t), options(func(o *config.Config) { o.First().Relay = ses })), filterPath)
	for said, want := range map[string]string{
		"5.7.0 host h[192.0.2.1] said: 530 Authentication required (in reply to MAIL FROM command)":                                                                                                 "4",
		"5.0.0 host h[192.0.2.1] said: 530 Must issue a STARTTLS command first (in reply to MAIL FROM command)":                                                                                     "4",
		"5.7.1 host h[192.0.2.1] said: 554 5.7.1 <a@b.c>: Relay access denied (in reply to RCPT TO command)":                                                                                        "4",
		"5.0.0 host h[192.0.2.1] said: 554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@b.c (in reply to end of DATA command)": "4",
		"5.0.0 host h[192.0.2.1] said: 554 Access denied: User `arn:aws:iam::1:user/x' is not authorized to perform `ses:SendRawEmail' (in reply to end of DATA command)":                           "4",
		"5.1.8 host h[192.0.2.1] said: 550 sender domain not known (in reply to MAIL FROM command)":                                                                                                 "4",
		"5.4.4 Host or domain name not found. Name service error for name=h type=A: Host not found":                                                                                                 "4",
		"5.4.6 unable to look up host h: Name or service not known":                                                                                                                                 "4",
		"5.1.1 host h[192.0.2.1] said: 550 5.1.1 <a@b.c>: User unknown (in reply to RCPT TO command)":                                                                                               "5",
		"5.0.0 host h[192.0.2.1] said: 550 mailbox unavailable (in reply to RCPT TO command)":                                                                                                       "5",
		"5.7.1 host h[192.0.2.1] said: 554 5.7.1 message looks like spam (in reply to end of DATA command)":                                                                                         "5",
		"5.3.4 host h[192.0.2.1] said: 552 5.3.4 Message size exceeds fixed limit (in reply to MAIL FROM command)":                                                                                  "5",
		"5.3.4 message size 20 exceeds size limit 10 of server h[192.0.2.1]":                                                                                                                        "5",
		"4.7.0 host h[192.0.2.1] said: 450 5.7.1 later (in reply to RCPT TO command)":                                                                                                               "4",
		"2.0.0 250 OK": "2",
	} {
		if got := fate(t, table, said); got != want {
			t.Errorf("%s\nbecomes %s.x.x, want %s.x.x", said, got, want)
		}
	}
}

// Every reply of every service, in the words of its own sample.
func TestEveryReplyOfTheCatalogue(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range all {
		table := text(t, build(t, debian(t), options(func(o *config.Config) { o.First().Relay = r })), filterPath)
		for _, reply := range r.KnownReplies() {
			if reply.Sample == "" || reply.Code/100 != 5 || reply.At == "auth" {
				continue
			}
			want := "4"
			if reply.Scope == "recipient" {
				want = "5"
			}
			// In the words of the first reply that matches, since texts overlap.
			if first, ok := r.MatchReply(reply.Sample); !ok || first.ID != reply.ID {
				continue
			}
			n++
			if got := fate(t, table, "5.0.0 host h[192.0.2.1] said: 554 "+reply.Sample+" (in reply to end of DATA command)"); got != want {
				t.Errorf("%s: %s: %q becomes %s.x.x, want %s.x.x", r.ID, reply.ID, reply.Sample, got, want)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d replies were tried", n)
	}
}

func TestNoRegexpTables(t *testing.T) {
	s := debian(t)
	s.types = []string{"hash", "texthash"}
	p := build(t, s, options())
	if has(p, filterPath) || !hasNote(p, "no regexp tables") {
		t.Errorf("notes %q", p.Notes)
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
		t.Errorf("master.cf:\n%s", master)
	}
	if !hasNote(p, "room for one table") {
		t.Errorf("not said: %q", p.Notes)
	}
}

// Known faults of an account are the next hop's turn; nothing else is.
func TestRepliesThatGoOn(t *testing.T) {
	const path = "/etc/postfix/relayhost_reply_filter"
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	if has(build(t, debian(t), options()), path) {
		t.Error("one hop has nowhere to go on to")
	}
	for _, r := range all {
		o := options(func(o *config.Config) {
			o.First().Relay = r
			o.Routes[0].Hops = append(o.Routes[0].Hops, *o.First())
		})
		o.Routes[0].Hops[1].Port = 2525
		p := build(t, debian(t), o)
		if got := option(t, p, "smtp_reply_filter"); got != "regexp:"+path {
			t.Errorf("smtp_reply_filter = %s", got)
		}
		table := text(t, p, path)
		lines := map[string]string{
			"250 2.0.0 Ok": "2", "250-SIZE 1000": "2", "354 go on": "3", "450 4.2.1 later": "4", "535 5.7.8 Authentication required": "5",
			"552 5.3.4 too much": "5", "554 5.3.4 message size exceeds size limit": "5", "550 5.1.1 User unknown": "5", "550-5.1.1 User unknown": "5",
			"554 5.7.1 looks like spam": "5", "530 5.7.0 Must issue a STARTTLS command first": "4", "530": "4", "550 5.7.1 <a@b.c>: Relay access denied": "4",
		}
		for _, reply := range r.KnownReplies() {
			first, ok := r.MatchReply(reply.Sample)
			if reply.Sample == "" || reply.Code/100 != 5 || reply.Code == 552 || reply.At == "auth" || !ok || first.ID != reply.ID {
				continue
			}
			lines["554 "+reply.Sample] = "4"
			if reply.Scope == "recipient" {
				lines["554 "+reply.Sample] = "5"
			}
		}
		for line, want := range lines {
			if got := fate(t, table, line); got != want {
				t.Errorf("%s: %q becomes %sxx, want %sxx", r.ID, line, got, want)
			}
		}
	}
}
