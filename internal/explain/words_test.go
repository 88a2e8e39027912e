package explain

import (
	"strings"
	"testing"
)

// TestWords: a cause that several faults share tells of the one that the line shows.
func TestWords(t *testing.T) {
	const smtp, to = "postfix/smtp[9]: 4B01A2C3D4: to=<a@example.net>, ", "relay=mx.example.net[192.0.2.1]:25, delay=1, dsn=5.7.1, status=bounced "
	for _, tt := range []struct{ line, id, words string }{
		{"postfix/pipe[9]: 4B01A2C3D4: to=<a@example.net>, relay=dovecot, delay=1, dsn=5.4.6, status=bounced (mail forwarding loop for a@example.net)", "loop_to_self", "Delivered-To"},
		{"postfix/pipe[9]: 4B01A2C3D4: to=<a@example.net>, relay=dovecot, delay=1, dsn=5.1.1, status=bounced (user unknown)", "no_such_recipient", "on this server"},
		{"postfix/smtpd[9]: fatal: mynetworks: non-null host address bits in \"192.0.2.3/25\", perhaps you should use \"192.0.2.0/25\" instead", "smtp_fatal_level", "mynetworks"},
		{"postfix/smtp[9]: fatal: parameter smtp_helo_timeout: bad time value or unit: 60s # how long", "smtp_fatal_level", "line of its own"},
		{"postfix/master[9]: fatal: remove public/pickup: Invalid argument", "queue_permissions", "local file system"},
		{"postfix/postscreen[9]: fatal: watchdog timeout", "process_limits", "clock"},
		{"postfix/tlsmgr[9]: fatal: open database /var/lib/postfix/smtpd_scache.db: No such file or directory", "map_db_missing", "data_directory"},
		{smtp + "relay=none, delay=1, dsn=4.4.3, status=deferred (Name service error for name=example.net type=MX: Malformed or unexpected name server reply)", "recipient_domain_missing", "name servers of the recipient"},
		{"postfix/smtpd[9]: NOQUEUE: reject: RCPT from h.example.org[192.0.2.7]: 504 5.5.2 <a@b>: Sender address rejected: need fully-qualified address; from=<a@b> to=<c@example.com> proto=SMTP helo=<h>", "inbound_access_denied", "full addresses"},
		{"postfix/cleanup[9]: 4B01A2C3D4: milter-reject: END-OF-MESSAGE from h.example.org[192.0.2.7]: 5.7.1 Blocked by SpamAssassin; from=<a@example.org> to=<b@example.com> proto=ESMTP helo=<h>", "inbound_access_denied", "milter"},
		{"postfix/smtpd[9]: NOQUEUE: reject_warning: RCPT from h.example.org[192.0.2.7]: 554 5.7.1 <b@example.com>: Recipient address rejected: Access denied; from=<a@example.org> to=<b@example.com> proto=ESMTP helo=<h>", "inbound_access_denied", "only warns"},
		{smtp + to + "(host mx.example.net[192.0.2.1] said: 550 Too many invalid recipients (in reply to RCPT TO command))", "reputation", "do not exist"},
		{"Domain example.com has exceeded the max defers and failures per hour (5/5 (100%)) allowed. Message discarded.", "throttled_454", "have failed"},
		{`Expected response code "354" but got code "250", with message "250 2.1.5 Ok".`, "smtp_protocol_broken", "out of step"},
		{smtp + to + "(Sender requested REQUIRETLS, but my configured TLS security level 'may' disables certificate matching. The last attempted server was mx.example.net)", "requiretls", "level of the next hop"},
	} {
		t.Run(tt.words, func(t *testing.T) {
			var c Collector
			c.AddText(tt.line)
			groups := c.Groups()
			if len(groups) != 1 || groups[0].Cause.ID != tt.id {
				t.Fatalf("got %+v, want one group of %s", groups, tt.id)
			}
			cause := groups[0].Cause
			if got := cause.Title + " " + cause.Meaning + " " + cause.Remedy; !strings.Contains(got, tt.words) {
				t.Errorf("got %q, want %q in it", got, tt.words)
			}
		})
	}
}

// TestFateOfExpired: a message that was returned is not said to wait, by the quick reader
// of long logs neither.
func TestFateOfExpired(t *testing.T) {
	var c Collector
	c.AddText("Mar  3 10:00:01 h1 postfix/qmgr[9]: 4B01A2C3D4: from=<a@example.com>, status=expired, returned to sender\n")
	groups := c.Groups()
	if len(groups) != 1 || groups[0].Cause.ID != "expired" || !strings.HasPrefix(groups[0].Fate(), "lost") {
		t.Errorf("got %+v, want one group: expired, lost", groups)
	}
}

// TestRefusedList: a refusal that a fault of this server makes is told of a long log as
// well, where other refused strangers are not.
func TestRefusedList(t *testing.T) {
	stranger := "Mar  3 10:00:01 h1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from mail.example.net[203.0.113.9]: 554 5.7.1 Service unavailable; Client host [203.0.113.9] blocked using zen.spamhaus.org; "
	rest := "; from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<mail.example.net>\n"
	var c Collector
	c.AddText(strings.Repeat(stranger+"https://www.spamhaus.org/query/ip/203.0.113.9"+rest, maxPasted) + stranger + "Error: open resolver; https://check.spamhaus.org/returnc/pub/192.0.2.53" + rest)
	groups := c.Groups()
	if len(groups) != 1 || groups[0].Cause.ID != "dnsbl_query_refused" {
		t.Errorf("got %+v, want one group: dnsbl_query_refused", groups)
	}
}
