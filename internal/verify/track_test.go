package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/maillog"
)

// The lines are those of Postfix 3.7 (3.11 where they carry tls=), with the
// message id of the test filled in for MSGID.
const sent = "postfix/relayhost-ses/smtp[9]: 4B01A2C3: to=<to@example.net>, relay=smtp.example.com[192.0.2.1]:587, delay=0.3, delays=0.02/0.01/0.2/0.07, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4XYZ)"

// bridged is sent by a bridge, as lmtp(8) logs it.
const bridged = "postfix/relayhost-m365-oauth/lmtp[9]: 4B01A2C3: to=<to@example.net>, relay=host.example[private/relayhost-m365-oauth-out], delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4XYZ)"

func lines(text ...string) []string { return text }

func TestFollow(t *testing.T) {
	cleanup := "postfix/cleanup[3]: 4B01A2C3: message-id=<MSGID>"
	const hold = "postfix/cleanup[3]: 4B01A2C3: hold: header Received: by host (Postfix, from userid 0)??id 4B01A2C3 from local; from=<from@example.com> to=<to@example.net>"
	const redirect = "postfix/cleanup[3]: 4B01A2C3: redirect: header To: to@example.net from local; from=<from@example.com> to=<to@example.net>: root@example.org"
	deferred := func(reason string) string {
		return "postfix/relayhost-ses/smtp[9]: 4B01A2C3: to=<to@example.net>, relay=smtp.example.com[192.0.2.1]:587, delay=0.3, delays=0/0/0/0, dsn=4.7.8, status=deferred (" + reason + ")"
	}
	unreached := strings.Replace(deferred("connect to smtp.example.com[2001:db8::1]:587: Network is unreachable"), "relay=smtp.example.com[192.0.2.1]:587", "relay=none", 1)
	tests := []struct {
		name  string
		lines []string
		want  error // nil: delivered
		text  string
		check func(Delivery) bool
	}{
		{"sent", lines("postfix/pickup[1]: 4B01A2C3: uid=0 from=<from@example.com>", cleanup, "postfix/qmgr[2]: 4B01A2C3: from=<from@example.com>, size=206, nrcpt=1 (queue active)", sent, "postfix/qmgr[2]: 4B01A2C3: removed"),
			nil, "", func(d Delivery) bool {
				return d.QueueID == "4B01A2C3" && d.RemoteID == "4XYZ" && d.Status == "sent" && d.DSN == "2.0.0" && d.Service == "postfix/relayhost-ses/smtp"
			}},
		{"sent, 3.11", lines(cleanup, strings.Replace(sent, "dsn=", "tls=secure, dsn=", 1)), nil, "", nil},
		{"long queue id, instance of another name", lines(
			"postfix-out/cleanup[3]: 4jX6xj2sK5z1WXyX: message-id=<MSGID>",
			"postfix-out/relayhost-ses/smtp[9]: 4jX6xj2sK5z1WXyX: to=<to@example.net>, relay=SMTP.example.com[2001:db8::1]:587, conn_use=2, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (250 Ok 010201234567-89abcdef-0123-000000)"),
			nil, "", func(d Delivery) bool { return d.RemoteID == "010201234567-89abcdef-0123-000000" }},
		{"journal", lines(`{"MESSAGE":"4B01A2C3: message-id=<MSGID>","SYSLOG_IDENTIFIER":"postfix/cleanup","_PID":"3"}`,
			`{"MESSAGE":"4B01A2C3: to=<to@example.net>, relay=smtp.example.com[192.0.2.1]:587, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)","SYSLOG_IDENTIFIER":"postfix/relayhost-ses/smtp","_PID":"3"}`), nil, "", nil},
		{"another message is sent", lines("postfix/cleanup[3]: 4B01A2C3: message-id=<other@example.com>", sent), ErrNoTrace, "never queued", nil},
		{"the id in another daemon's line", lines("postfix/smtpd[3]: 4B01A2C3: message-id=<MSGID>", sent), ErrNoTrace, "never queued", nil},
		{"another recipient of the same message", lines(cleanup, strings.Replace(sent, "to@", "archive@", 1)), ErrNoTrace, "queued and not tried", nil},
		{"delivered locally", lines(cleanup, "postfix/local[9]: 4B01A2C3: to=<to@example.net>, relay=local, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (delivered to mailbox)"), ErrElsewhere, "relay=local", nil},
		{"through another port", lines(cleanup, strings.Replace(sent, "]:587", "]:2525", 1)), ErrElsewhere, "]:2525 by postfix/relayhost-ses/smtp, not smtp.example.com:587", nil},
		{"through another host", lines(cleanup, strings.Replace(sent, "smtp.example.com", "mx.example.net", 1)), ErrElsewhere, "mx.example.net", nil},
		{"by another service", lines(cleanup, strings.Replace(sent, "/relayhost-ses/", "/", 1)), ErrElsewhere, "by postfix/smtp", nil},
		{"discarded", lines(cleanup, "postfix/discard[9]: 4B01A2C3: to=<to@example.net>, relay=none, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (header)"), ErrElsewhere, "relay=none", nil},
		{"wrong password", lines(cleanup, deferred("SASL authentication failed; server smtp.example.com[192.0.2.1] said: 535 Authentication Credentials Invalid\x1b[31m")), ErrRefused, `535 Authentication Credentials Invalid\x1b[31m`, nil},
		{"wrong password, and the second address is unreachable", lines(cleanup,
			"postfix/relayhost-ses/smtp[9]: 4B01A2C3: SASL authentication failed; server smtp.example.com[192.0.2.1] said: 535 5.7.8 no",
			"postfix/relayhost-ses/smtp[9]: connect to smtp.example.com[2001:db8::1]:587: Network is unreachable",
			unreached), ErrRefused, "deferred: SASL authentication failed; server smtp.example.com[192.0.2.1] said: 535 5.7.8 no",
			func(d Delivery) bool {
				return d.Relay == "smtp.example.com[192.0.2.1]:587" && d.LoginRefused == d.Reply && len(DeliveryCauses(d, nil)) > 0 && DeliveryCauses(d, nil)[0].ID == "auth_535_generic"
			}},
		{"refused greeting, and the second address is unreachable", lines(cleanup,
			"postfix/relayhost-ses/smtp[9]: 4B01A2C3: host smtp.example.com[192.0.2.1] refused to talk to me: 554 5.7.1 no", unreached), ErrRefused, "smtp.example.com[192.0.2.1] refused to talk to me",
			func(d Delivery) bool { return d.Relay == "smtp.example.com[192.0.2.1]:587" && d.LoginRefused == "" }},
		{"no address is reachable", lines(cleanup, unreached), ErrRefused, "deferred: connect to smtp.example.com[2001:db8::1]:587: Network is unreachable", func(d Delivery) bool { return d.Relay == "none" }},
		{"softly bounced", lines(cleanup, strings.Replace(deferred("host said: 550 no"), "=deferred", "=SOFTBOUNCE", 1)), ErrRefused, "refused: host said: 550 no", nil},
		{"refused by qmgr for a dead next hop", lines(cleanup, "postfix/error[9]: 4B01A2C3: to=<to@example.net>, relay=none, delay=0.3, delays=0/0/0/0, dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to smtp.example.com[192.0.2.1]:587: Connection refused)"), ErrRefused, "Connection refused", nil},
		{"alias, then the relay", lines(cleanup,
			"postfix/local[9]: 4B01A2C3: to=<to@example.net>, relay=local, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (forwarded as 5C11D2E3)",
			"postfix/cleanup[3]: 5C11D2E3: message-id=<MSGID>",
			strings.NewReplacer("4B01A2C3", "5C11D2E3", "to=<to@example.net>", "to=<admin@example.org>, orig_to=<to@example.net>").Replace(sent)), nil, "", nil},
		{"content filter, then the relay", lines(cleanup,
			"postfix/smtp[9]: 4B01A2C3: to=<to@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 5C11D2E3)",
			"postfix/cleanup[3]: 5C11D2E3: message-id=<MSGID>", strings.Replace(sent, "4B01A2C3", "5C11D2E3", 1)), nil, "", func(d Delivery) bool { return d.QueueID == "5C11D2E3" }},
		{"content filter swallows it", lines(cleanup,
			"postfix/smtp[9]: 4B01A2C3: to=<to@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (250 ok)"), ErrNoTrace, "last seen as sent through 127.0.0.1[127.0.0.1]:10024", nil},
		{"alias in front of a content filter", lines(cleanup,
			"postfix/smtp[9]: 4B01A2C3: to=<admin@example.org>, orig_to=<to@example.net>, relay=127.0.0.1[127.0.0.1]:10024, delay=0.3, delays=0/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 5C11D2E3)",
			"postfix/cleanup[3]: 5C11D2E3: message-id=<MSGID>", strings.NewReplacer("4B01A2C3", "5C11D2E3", "to@example.net", "admin@example.org").Replace(sent)), nil, "", func(d Delivery) bool { return d.To == "admin@example.org" }},
		{"on hold", lines(hold, cleanup), ErrNoTrace, "4B01A2C3 is on hold, and nothing has released it: header_checks holds it: hold: header Received: by host", nil},
		{"on hold, and released", lines(hold, cleanup, "postfix/postsuper[5]: Released from hold: 1 message", sent), nil, "", nil},
		{"on hold, and a scanner gives it another queue ID", lines(hold, cleanup, "postfix/qmgr[2]: 5C11D2E3: from=<other@example.com>, size=206, nrcpt=1 (queue active)",
			"postfix/qmgr[2]: 6D11D2E3: from=<from@example.com>, size=206, nrcpt=1 (queue active)", strings.Replace(sent, "4B01A2C3", "6D11D2E3", 1)), nil, "", func(d Delivery) bool { return d.QueueID == "6D11D2E3" }},
		{"rejected by its content", lines(cleanup, "postfix/cleanup[3]: 4B01A2C3: reject: header From: from@example.com from local; from=<from@example.com> to=<to@example.net>: 5.7.1 message content rejected"),
			ErrRefused, "rejected: header_checks rejects it: reject: header From: from@example.com", nil},
		{"rejected by its body before its ID is known", lines("postfix/cleanup[3]: 4B01A2C3: reject: body x from local; from=<from@example.com> to=<to@example.net>: 5.7.1 no", cleanup), ErrRefused, "body_checks rejects it", nil},
		{"discarded by its content", lines(cleanup, "postfix/cleanup[3]: 4B01A2C3: discard: header Subject: x from local; from=<from@example.com> to=<to@example.net>"), ErrRefused, "discarded: header_checks discards it: ", nil},
		{"redirected to a mailbox here", lines(redirect, cleanup, strings.Replace(sent, "to=<to@example.net>, relay=smtp.example.com[192.0.2.1]:587", "to=<root@example.org>, orig_to=<to@example.net>, relay=local", 1)),
			ErrElsewhere, "header_checks redirects it: redirect: header To: to@example.net", nil},
		{"redirected to an address that the relay has", lines(redirect, cleanup, strings.Replace(sent, "to=<to@example.net>", "to=<root@example.org>, orig_to=<to@example.net>", 1)), nil, "", nil},
		{"rejected by a milter", lines(cleanup, "postfix/cleanup[3]: 4B01A2C3: milter-reject: END-OF-MESSAGE from localhost[127.0.0.1]: 5.7.1 spam; from=<from@example.com> to=<to@example.net>"), ErrRefused, "a milter rejects it", nil},
		{"deferred by a milter", lines(cleanup, "postfix/cleanup[3]: 4B01A2C3: milter-reject: END-OF-MESSAGE from localhost[127.0.0.1]: 4.7.1 later; from=<from@example.com> to=<to@example.net>", sent), nil, "", nil},
		{"the service dies", lines(cleanup,
			"postfix/relayhost-ses/smtp[9]: fatal: bad string length 0 < 1: smtp_tls_security_level =",
			"postfix/master[1]: warning: process /usr/lib/postfix/sbin/smtp pid 9 exit status 1",
			"postfix/master[1]: warning: /usr/lib/postfix/sbin/smtp: bad command startup -- throttling"),
			ErrThrottled, "bad string length", func(d Delivery) bool { return strings.HasPrefix(d.Throttled, "fatal: bad string") }},
		{"another service dies", lines(cleanup,
			"postfix/smtpd[9]: fatal: open database", "postfix/master[1]: warning: /usr/lib/postfix/sbin/smtpd: bad command startup -- throttling", sent), nil, "", nil},
		{"nothing", nil, ErrNoTrace, "never queued", nil},
		{"a bridge", lines(cleanup, bridged), nil, "", func(d Delivery) bool { return d.RemoteID == "4XYZ" }},
		{"a bridge that fell back", lines(cleanup, strings.Replace(bridged, "(250 ", "(250-2.0.0 relayhost: fallback smtp.sendgrid.net after smtp.office365.com: no answer 250 ", 1)),
			ErrElsewhere, "the fallback smtp.sendgrid.net accepted it after smtp.office365.com: no answer", func(d Delivery) bool { return d.RemoteID == "4XYZ" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := &tracker{messageID: "relayhost.abc@example.com", proof: Proof{From: "from@example.com", To: "to@example.net", Service: "relayhost-ses", Host: "smtp.example.com", Port: 587}}
			if strings.HasPrefix(tt.name, "a bridge") {
				tr.proof.Service, tr.proof.Socket = "relayhost-m365-oauth", "private/relayhost-m365-oauth-out"
			}
			in := make(chan maillog.Line, len(tt.lines))
			for _, raw := range tt.lines {
				raw = strings.ReplaceAll(raw, "MSGID", tr.messageID)
				if !strings.HasPrefix(raw, "{") {
					raw = "Nov 22 01:02:03 host " + raw
				}
				line, ok := maillog.Parse(raw)
				if !ok {
					t.Fatalf("maillog.Parse(%q): got no log line, want one", raw)
				}
				in <- line
			}
			close(in)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := tr.follow(ctx, in)
			if !errors.Is(err, tt.want) || err != nil && !strings.Contains(err.Error(), tt.text) {
				t.Errorf("err = %v, want %v with %q", err, tt.want, tt.text)
			}
			if tt.check != nil && !tt.check(tr.delivery) {
				t.Errorf("got the delivery %+v, want one that passes the check of this case", tr.delivery)
			}
		})
	}
}

// TestSilentDrop: a message that the relay takes and does not deliver is no proof.
func TestSilentDrop(t *testing.T) {
	const host = "smtp.email.eu-frankfurt-1.oci.oraclecloud.com"
	for reply, want := range map[string]error{"254 4.7.1 Suppression for user ocid1.user.oc1..aaaa to to@example.net": ErrRefused, "250 Ok": nil} {
		t.Run(fmt.Sprintf("%.20q", reply), func(t *testing.T) {
			tr := &tracker{queueIDs: []string{"4B01A2C3"}, proof: Proof{To: "to@example.net", Service: "relayhost-ses", Host: host, Port: 587}}
			line, ok := maillog.Parse("Nov 22 01:02:03 host " + strings.NewReplacer("smtp.example.com", host, "250 2.0.0 Ok: queued as 4XYZ", reply).Replace(sent))
			done, err := tr.read(line)
			if !ok || !done || !errors.Is(err, want) {
				t.Errorf("%s: got parsed %t, done %t and error %v, want true, true and %v", reply, ok, done, err, want)
			}
			if causes := DeliveryCauses(tr.delivery, nil); want != nil && (len(causes) == 0 || causes[0].ID != "oci_suppressed") {
				t.Errorf("got %+v, want oci_suppressed first", causes)
			}
		})
	}
}

func TestRemoteID(t *testing.T) {
	for reply, want := range map[string]string{
		"250 2.0.0 Ok: queued as 4XYZ":                     "4XYZ",
		"250 Ok: queued as ismtpd-77-abc.def_1":            "ismtpd-77-abc.def_1",
		"250 Ok 0102018f2c3d4e5f-1a2b3c4d-000000":          "0102018f2c3d4e5f-1a2b3c4d-000000",
		"250 2.0.0 OK <a.b@prod.outlook.com> [Hostname=x]": "a.b@prod.outlook.com",
		"250 Great success":                                "",
		"250 OK id=1rTzzz-0001-AB":                         "1rTzzz-0001-AB",
		"535 queued as nothing":                            "",
	} {
		t.Run(reply, func(t *testing.T) {
			if got := remoteID(reply); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestTestMessage(t *testing.T) {
	id := newMessageID("a@example.com")
	if id == newMessageID("a@example.com") || !strings.HasSuffix(id, "@example.com") {
		t.Errorf("message id: got %q, want another one each time, @example.com", id)
	}
	m := string(testMessage(id, "a@example.com", "b@example.net", "X-Test: yes", time.Now()))
	if strings.Contains(m, "\r") || strings.Contains(m, "\n.\n") || strings.IndexFunc(m, func(r rune) bool { return r > 126 }) >= 0 {
		t.Errorf("got %q, want ASCII, no CR and no line of one dot", m)
	}
	for _, line := range []string{"Message-ID: <" + id + ">\n", "X-Test: yes\n", "From: <a@example.com>\nTo: <b@example.net>\n"} {
		if !strings.Contains(m, line) {
			t.Errorf("test message: got\n%s\nwant %q in it", m, line)
		}
	}
}

func TestTemporary(t *testing.T) {
	for _, tt := range []struct {
		name, reply string
		want        bool
	}{
		{"421 to MAIL", "host h[192.0.2.1] said: 421 4.3.2 Qx9 (in reply to MAIL FROM command)", true},
		{"554 to MAIL", "host h[192.0.2.1] said: 554 5.7.0 Qx9 (in reply to MAIL FROM command)", false},
		{"451", "host h[192.0.2.1] said: 451 4.7.1 Greylisted, please come back", true},
		{"421 to AUTH", "SASL authentication failed; server h[192.0.2.1] said: 421 4.7.0 Qx9", false},
		{"no code", "Qx9", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := Delivery{Status: "deferred", DSN: "4.0.0", Relay: "h[192.0.2.1]:587", Reply: tt.reply}
			if loginRefused(tt.reply) {
				d.LoginRefused = tt.reply
			}
			if got := temporary(d); got != tt.want {
				t.Errorf("%s: got temporary %v, want %v", tt.reply, got, tt.want)
			}
		})
	}
}
