//go:build lab

package verify_test

import (
	"encoding/json"
	"slices"
	"testing"

	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
)

// TestLabLoginOrder: who logs in first, Postfix or verify, and how often a wrong
// password reaches the relay.
func TestLabLoginOrder(t *testing.T) {
	t.Parallel()
	l := sesLab(t)
	ses := l.World.Relay("ses")
	var accounts []smtpd.Account
	ses.Configure(func(c *smtpd.Config) { accounts = c.Accounts })
	refused := func(code, logins, refusals int, findings ...string) {
		t.Helper()
		fresh(l)
		before := ses.Counters()
		res := l.Run("relayhost", "verify", "--json")
		var r verify.Report
		if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil || res.Code != code {
			t.Fatalf("verify --json: got %v and %s\nwant a JSON document and exit %d", err, res, code)
		}
		after := ses.Counters()
		if got := [2]int{after.Logins - before.Logins, after.Refusals - before.Refusals}; got != [2]int{logins, refusals} {
			t.Errorf("%v logins and refusals, want %d and %d\n%s\n%s", got, logins, refusals, res, l.Server.MailLog())
		}
		var got []string
		for _, f := range r.Findings {
			if f.Check == "auth" || f.Check == "delivery" {
				got = append(got, f.Check+":"+string(f.Result)+":"+f.Cause)
				if f.Result == verify.Fail && f.Remedy == "" {
					t.Errorf("got %+v, want a remedy in a failure", f)
				}
			}
		}
		if !slices.Equal(got, findings) {
			t.Errorf("%q, want %q\n%s", got, findings, res.Stdout)
		}
	}
	const no = ":ses_credentials_invalid"
	refused(0, 2, 0, "auth:pass:", "delivery:pass:")
	// The password was good, and is so no more: Postfix tries it, at both addresses
	// of the relay, and nobody after it.
	ses.Configure(func(c *smtpd.Config) { c.Accounts = nil })
	refused(3, 0, 2, "auth:fail"+no, "delivery:fail"+no)
	// From now on verify alone, once.
	refused(3, 0, 1, "auth:fail"+no, "delivery:skip:")
	refused(3, 0, 1, "auth:fail"+no, "delivery:skip:")
	ses.Configure(func(c *smtpd.Config) { c.Accounts = accounts })
	refused(0, 2, 0, "auth:pass:", "delivery:pass:")
	// One that the relay has never taken is tried once.
	l.Server.Shell(`cd /etc/postfix && sed -i 's/\(.*:\).*/\1wrong/' sasl_passwd && postmap sasl_passwd`)
	refused(3, 0, 1, "auth:fail"+no, "delivery:skip:")
	if queue := l.Server.Shell("postqueue -p"); queue != "Mail queue is empty\n" {
		t.Errorf("left in the queue: got %s, want %q", queue, "Mail queue is empty\n")
	}
}
