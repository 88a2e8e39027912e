package explain

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
)

// log writes a plausible day: of n messages, every fifth fails.
func log(n int) string {
	var b strings.Builder
	for i := range n {
		at := fmt.Sprintf("Nov 21 %02d:%02d:%02d host", i/3600%24, i/60%60, i%60)
		id := fmt.Sprintf("%X", 0xA0000000+i)
		fmt.Fprintf(&b, "%s postfix/pickup[11]: %s: uid=0 from=<root>\n", at, id)
		fmt.Fprintf(&b, "%s postfix/cleanup[12]: %s: message-id=<%d.abc@host.example.com>\n", at, id, i)
		fmt.Fprintf(&b, "%s postfix/qmgr[13]: %s: from=<root@host.example.com>, size=4321, nrcpt=1 (queue active)\n", at, id)
		to := fmt.Sprintf("%s postfix/relayhost-ses/smtp[14]: %s: to=<user%d@example.net>, relay=email-smtp.eu-west-1.amazonaws.com[192.0.2.1]:587, delay=0.3, delays=0.02/0.01/0.2/0.07, ", at, id, i)
		switch i % 10 {
		case 3:
			b.WriteString(to + "dsn=4.7.8, status=deferred (SASL authentication failed; server email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 535 Authentication Credentials Invalid)\n")
		case 7:
			fmt.Fprintf(&b, "%sdsn=5.0.0, status=bounced (host email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: user%d@example.com (in reply to end of DATA command))\n", to, i)
		default:
			b.WriteString(to + "dsn=2.0.0, status=sent (250 Ok 0102018f2c3d4e5f-1a2b3c4d-000000)\n")
		}
		fmt.Fprintf(&b, "%s postfix/qmgr[13]: %s: removed\n", at, id)
	}
	return b.String()
}

func TestCollect(t *testing.T) {
	var c Collector
	text := log(1000) +
		"Nov 21 23:59:00 host sshd[1]: status=deferred (no mail at all)\n" +
		"Nov 21 23:59:01 host postfix/smtp[9]: B0000001: to=<a@example.net>, relay=none, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (the moon is full 17)\n" +
		"Nov 21 23:59:02 host postfix/smtp[9]: B0000002: to=<b@example.net>, relay=none, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (the moon is full 18\x1b[31m)\n"
	if err := c.Read(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	groups := c.Groups()
	if len(groups) != 3 || c.Lines != 5003 || c.Problems != 202 {
		t.Fatalf("%d lines, %d problems, groups %+v, want 5003 and 202", c.Lines, c.Problems, groups)
	}
	deferred, bounced, unknown := groups[0], groups[1], groups[2]
	if unknown.Cause.ID != "" || unknown.Count != 2 || !strings.HasSuffix(unknown.Example, `full 18)`) {
		t.Errorf("unknown: got %+v, want 2 without a cause, and an example that ends in %q", unknown, `full 18)`)
	}
	if bounced.Cause.ID != "ses_unverified_identity" || bounced.Count != 100 || bounced.Lost != 100 || !bounced.Cause.Lost {
		t.Errorf("bounced: got %+v, want 100 of ses_unverified_identity, all lost", bounced)
	}
	if deferred.Cause.ID != "ses_credentials_invalid" || deferred.Delayed != 100 || deferred.Cause.Lost || len(deferred.Others) != 2 ||
		!deferred.First.Before(deferred.Last) || deferred.Last.Format("15:04:05") != "00:16:33" {
		t.Errorf("deferred: got %+v, want ses_credentials_invalid with 2 others, 100 delayed, no loss, the first before the last, which is at 00:16:33", deferred)
	}
}

func TestCollectPasted(t *testing.T) {
	for _, tt := range []struct {
		name, text, want string
	}{
		{"a reply", "535 Authentication Credentials Invalid\n", "ses_credentials_invalid:1"},
		{"a status and prose", "\nstatus=deferred (Server certificate not trusted)\nwhatever", "tls_untrusted_issuer:1"},
		{"a line without a fault", "Nov 21 23:59:00 host postfix/qmgr[1]: B0000001: removed\nfoo\n", ""},
		{"lines of others", strings.Repeat("Nov 21 23:59:00 host sshd[1]: a line\n", 21), ""},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c Collector
			if err := c.Read(t.Context(), strings.NewReader(tt.text)); err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, g := range c.Groups() {
				got[fmt.Sprintf("%s:%d", g.Cause.ID, g.Count)] = true
			}
			for _, w := range strings.Fields(tt.want) {
				if !got[w] {
					t.Errorf("%q: %v, want %s", tt.text, got, tt.want)
				}
			}
			if len(got) != len(strings.Fields(tt.want)) {
				t.Errorf("%q: %v, want %s", tt.text, got, tt.want)
			}
		})
	}
}

// TestCollectSilentDrop: a 2xx can be a loss.
func TestCollectSilentDrop(t *testing.T) {
	const line = "Nov 21 23:59:00 host postfix/smtp[9]: B0000001: to=<a@example.net>, relay=smtp.email.eu-frankfurt-1.oci.oraclecloud.com[192.0.2.1]:587, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (%s)\n"
	var c Collector
	text := fmt.Sprintf(line, "254 4.7.1 Suppression for user ocid1.user.oc1..aaaa to a@example.net") + fmt.Sprintf(line, "250 Ok") + fmt.Sprintf(line, "254 fine")
	if err := c.Read(t.Context(), strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if g := c.Groups(); len(g) != 1 || g[0].Cause.ID != "oci_suppressed" || g[0].Lost != 1 || !g[0].Cause.Lost || c.Problems != 1 {
		t.Errorf("got %d problems, %+v, want one, lost, of oci_suppressed", c.Problems, g)
	}
}

func TestCollectGzip(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(log(100)))
	_ = z.Close()
	var c Collector
	if err := c.Read(t.Context(), &zipped); err != nil || c.Problems != 20 {
		t.Errorf("got %d problems, %v, want 20", c.Problems, err)
	}
	// One that is cut off is an error, and what it holds is kept.
	c = Collector{}
	zipped.Reset()
	z.Reset(&zipped)
	_, _ = z.Write([]byte(log(100)))
	_ = z.Flush()
	if err := c.Read(t.Context(), &zipped); !errors.Is(err, io.ErrUnexpectedEOF) || c.Problems != 20 {
		t.Errorf("cut off: got %d problems, %v, want 20 and %v", c.Problems, err, io.ErrUnexpectedEOF)
	}
	if err := c.Read(t.Context(), strings.NewReader("\x1f\x8bbroken")); err == nil {
		t.Error("Read of a broken gzip file: got no error, want one")
	}
}

// TestCollectFormats: what is logged counts, not who has written it down.
func TestCollectFormats(t *testing.T) {
	const refused = "4B01A2C3: to=<a@example.net>, relay=smtp.test[192.0.2.1]:587, delay=1, delays=0/0/0/1, dsn=4.7.8, status=deferred (SASL authentication failed; server smtp.test[192.0.2.1] said: 535 5.7.8 no\xe9)"
	for text, cause := range map[string]string{refused: "auth_535_generic", "fatal: no cause is known": "", "error: no cause is known": ""} {
		bytesOf := make([]int, len(text))
		for i := range len(text) {
			bytesOf[i] = int(text[i])
		}
		numbers, _ := json.Marshal(bytesOf)
		for format, line := range map[string]string{
			"syslog":                    "Nov 21 23:59:00 host postfix/smtp[9]: " + text,
			"ISO 8601":                  "2026-11-21T23:59:00.123456+01:00 host postfix/smtp[9]: " + text,
			"syslog with priority":      "<22>Nov 21 23:59:00 host postfix/smtp[9]: " + text,
			"RFC 5424":                  "<22>1 2026-11-21T23:59:00Z host postfix/smtp 9 - - " + text,
			"RFC 5424 without priority": "1 2026-11-21T23:59:00Z host postfix/smtp 9 - - " + text,
			"journal":                   fmt.Sprintf(`{"MESSAGE":%s,"SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"9","__REALTIME_TIMESTAMP":"1795309312000001"}`, numbers),
		} {
			t.Run(text[:5]+" as "+format, func(t *testing.T) {
				var c Collector
				for range 2 { // the first one shows what log it is
					c.Add([]byte(line + "\r\n"))
				}
				c.End()
				want := 2
				if cause != "" { // a message is counted once
					want = 1
				}
				if g := c.Groups(); len(g) != 1 || g[0].Cause.ID != cause || g[0].Count != want || !c.Postfix {
					t.Errorf("%q: got %+v, Postfix %v, want one group of cause %q, counted %d times, and true", line, g, c.Postfix, cause, want)
				}
			})
		}
	}
}

func TestCollectBounds(t *testing.T) {
	var c Collector
	var b strings.Builder
	for i := range 5000 { // each line unlike every other
		fmt.Fprintf(&b, "Nov 21 23:59:02 host postfix/smtp[9]: B0000002: to=<b@example.net>, relay=none, delay=1, delays=0/0/0/1, dsn=4.0.0, status=deferred (%s)\n", strings.Repeat(string(rune('a'+i%26)), 1+i/26))
	}
	b.WriteString(strings.Repeat("x", 10<<20) + "\n") // no log line, and no end
	b.WriteString("Nov 21 23:59:59 host postfix/smtp[9]: fatal: Invalid TLS level \"x\"")
	if err := c.Read(t.Context(), strings.NewReader(b.String())); err != nil {
		t.Fatal(err)
	}
	if groups := c.Groups(); len(groups) > maxUnknown+2 || groups[0].Cause.ID != "smtp_fatal_level" || c.Problems != 5001 {
		t.Errorf("%d groups, %d problems, %s, want at most %d and 5001 and %q", len(groups), c.Problems, groups[0].Cause.ID, maxUnknown+2, "smtp_fatal_level")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Read(ctx, strings.NewReader(b.String())); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v, want %v", err, context.Canceled)
	}
}

func TestCollectQueueAndSince(t *testing.T) {
	c := Collector{Since: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}
	c.AddQueued(postfix.QueuedMessage{ID: "4B01A2C3", Arrival: c.Since, Recipients: []postfix.QueuedRecipient{
		{Address: "a@example.net", Reason: "connect to relay.test[192.0.2.1]:587: Connection timed out"}, {Address: "b@example.net"}}})
	c.AddLine(maillog.Line{Time: c.Since.Add(-time.Hour), Daemon: "smtp", Text: "connect to relay.test[192.0.2.1]:587: Connection refused"})
	if groups := c.Groups(); len(groups) != 1 || groups[0].Cause.ID != "net_timeout" || groups[0].Delayed != 1 {
		t.Errorf("got %+v, want one group of net_timeout, 1 delayed", groups)
	}
}

func BenchmarkRead(b *testing.B) {
	text := log(20_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.ReadMemStats(&before)
		var c Collector
		if err := c.Read(b.Context(), strings.NewReader(text)); err != nil || c.Problems != 4000 {
			b.Fatal(err, c.Problems)
		}
		runtime.ReadMemStats(&after)
	}
	b.ReportMetric(float64(after.HeapInuse)/1e6, "heap-MB")
}

func BenchmarkCollect(b *testing.B) {
	text := log(20000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var c Collector
		if err := c.Read(b.Context(), strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
