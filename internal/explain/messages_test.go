package explain

import (
	"bufio"
	"cmp"
	"os"
	"regexp"
	"strings"
	"testing"
)

// message is a row of postfix-messages.tsv.
type message struct{ daemon, severity, format, cause string }

func readMessages(t *testing.T) (list []message) {
	t.Helper()
	f, err := os.Open("testdata/postfix-messages.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	for in.Scan() {
		column := strings.Split(in.Text(), "\t")
		if strings.HasPrefix(in.Text(), "#") || column[0] == "daemon" {
			continue
		}
		if len(column) != 7 {
			t.Fatalf("got %d columns: %q, want 7", len(column), in.Text())
		}
		list = append(list, message{column[0], column[1], column[2], column[6]})
	}
	if in.Err() != nil {
		t.Fatalf("reading the messages: got the error %v, want none", in.Err())
	}
	return list
}

var verb = regexp.MustCompile(`%[-.0-9]*l*[sdumcfx]`)

// errno is what %m says where it decides: the cause is of just this error.
var errno = map[string]string{
	"queue_permissions": "Permission denied", "map_db_missing": "No such file or directory", "port_in_use": "Address already in use",
	"net_timeout": "Connection timed out", "mastercf_syntax": "No such file or directory", "maincf_unreadable": "No such file or directory",
	"postfix_down": "No such file or directory", "content_filter_down": "Connection refused", "net_unreachable_v6": "Network is unreachable",
	"no_network_interfaces": "Address family not supported by protocol", "maillog_file": "Permission denied", "queue_locked": "Resource temporarily unavailable",
}

// words are what the %s of a format are, one after the other, where it is more than
// any word.
var words = []struct {
	format string
	with   []string
}{
	{"open database %s: %s", []string{"/etc/postfix/sasl_passwd.lmdb", "No such file or directory"}},
	{"open database %s: %m", []string{"/etc/postfix/sasl_passwd.db"}},
	{"connect to %s[%s]:%d: %m", []string{"relay.example.net", "192.0.2.1"}},
	{"unable to look up %s: %m", []string{"public/pickup"}},
	{"overriding earlier entry", []string{"/etc/postfix/main.cf", "relayhost", "x"}},
	{"%s, line %d: ", []string{"/etc/postfix/main.cf"}},
	{"open input file", []string{"maildrop/1", "Permission denied"}},
	{"open %s: %m", []string{"/etc/postfix/main.cf"}},
	{"connect to %s/%s: %m", []string{"private", "rewrite"}},
	{"%s: %s service failure", []string{"4B01A2C3D4", "defer"}},
	{"cannot connect to service %s: %m", []string{"private/smtpd"}},
	{"connect to transport %s/%s: %m", []string{"private", "smtp-amavis"}},
	{"bind %s port", []string{"0.0.0.0", "25"}},
	{"unable to look up host", []string{"relay.example.net", "Name or service not known"}},
	{"num=%d:%s", []string{"relay.example.net", "hostname mismatch"}},
	{"cannot authenticate to server", []string{"relay.example.net[192.0.2.1]", "no mechanism available"}},
	{"SASL authentication failure: %s", []string{"No worthy mechs found"}},
	{"SASL authentication failed; server", []string{"relay.example.net[192.0.2.1]", "535 5.7.8 Error: authentication failed"}},
	{"TLS library problem: ", []string{"error:0A000410:SSL routines::sslv3 alert handshake failure"}},
	{"is true, but SASL", []string{"smtp_sasl_auth_enable"}},
	{"%s configuration problem", []string{"relayhost"}},
	{"refused to start TLS", []string{"relay.example.net[192.0.2.1]", "454 4.7.0 TLS not available"}},
	{"is unavailable. %s", []string{"hash", "/etc/postfix/x", "whatever"}},
	{"specify a password table", []string{"smtp_sasl_password_maps"}},
	{"(or stronger)", []string{"smtp_tls_wrappermode", "smtp_tls_security_level"}},
	{"no local interface found", []string{"inet_interfaces", "192.0.2.1"}},
	{"config variable %s: host not found", []string{"inet_interfaces", "relay.example.net"}},
	{" with %s while %s", []string{"relay.example.net[192.0.2.1]", "sending MAIL FROM"}},
	{"conversation with %s timed out", []string{"relay.example.net[192.0.2.1]", "sending MAIL FROM"}},
}

// line is how the log shows the message.
func (m message) line() string {
	with := []string{"x1"}
	for _, w := range words {
		if strings.Contains(m.format, w.format) {
			with = w.with
			break
		}
	}
	reason := cmp.Or(errno[m.cause], "Connection refused")
	text := verb.ReplaceAllStringFunc(m.format, func(v string) string {
		switch v[len(v)-1] {
		case 's':
			word := with[0]
			if len(with) > 1 {
				with = with[1:]
			}
			return word
		case 'm':
			return reason
		case 'c':
			return "/"
		}
		return "7"
	})
	daemon, _, _ := strings.Cut(m.daemon, ",")
	if daemon == "any" {
		daemon = "smtp"
	}
	tag := "Nov 28 10:00:00 host postfix/" + daemon + "[9]: "
	switch m.severity {
	case "warn":
		return tag + "warning: " + text
	case "fatal", "panic":
		return tag + m.severity + ": " + text
	case "table":
		return tag + "warning: hash:/etc/postfix/x is unavailable. " + text
	case "reply":
		return tag + "4B01A2C3D4: to=<a@example.com>, relay=relay.example.net[192.0.2.1]:587, delay=1, delays=0/0/1/0, dsn=4.3.0, status=deferred (" + text + ")"
	}
	return tag + text
}

// tooWide reports whether a format has next to no words of its own, so that only
// file and daemon of the source tell the message from others.
func (m message) tooWide() bool {
	letters := regexp.MustCompile(`[A-Za-z]`).FindAllString(verb.ReplaceAllString(m.format, ""), -1)
	return len(letters) < 8
}

// TestPostfixMessages: each text of Postfix that an administrator can meet has the
// cause that the table names, and harmless ones have none.
func TestPostfixMessages(t *testing.T) {
	seen, wide := 0, 0
	for _, m := range readMessages(t) {
		if m.cause != "notice" && must().byID[m.cause] == nil {
			t.Errorf("%q: got cause %q, want \"notice\" or the ID of a failure", m.format, m.cause)
			continue
		}
		if m.tooWide() {
			wide++
			continue
		}
		seen++
		causes := Text(m.line(), nil)
		switch {
		case m.cause == "notice" && (len(causes) == 0 || causes[0].notice || causes[0].Outcome == "works" || causes[0].consequence):
		case m.cause == "notice":
			t.Errorf("%s: got %s, want nothing that hinders mail", m.line(), ids(causes))
		case len(causes) == 0 || causes[0].ID != m.cause && !must().ambiguous(m.cause, causes[0].ID) && !must().ambiguous(causes[0].ID, m.cause):
			t.Errorf("%s: got %q, want %s", m.line(), ids(causes), m.cause)
		}
	}
	if seen < 340 || wide > 20 {
		t.Errorf("got %d messages held and %d too wide, want 340 and at most 20", seen, wide)
	}
}
