//go:build lab

package cmd_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
)

const (
	benchDelay    = 50 * time.Millisecond // each way
	benchMessages = 2000
)

// TestBenchHTTPS empties a queue of 2,000 messages of one server three times: by SMTP,
// by the API of the same relay with as many connections, and with 100 that one process
// serves (bridge --listen). The relay by SMTP is as Amazon SES was seen, without
// PIPELINING.
func TestBenchHTTPS(t *testing.T) {
	l := lab.New(t, lab.Postfix(), lab.AllAuthorities(), lab.Delay(benchDelay), lab.Cloud("aws"), lab.Packages("dnsmasq-base", "systemd"), lab.Resolver("127.0.0.1"),
		lab.Relay("ses", func(c *smtpd.Config) { c.Extensions = []string{"8BITMIME"}; c.MaxConnections = 100 }),
		lab.API("ses", "email.eu-west-1.amazonaws.com"))
	s, relay, ses := l.Server, l.World.Relay("ses"), l.World.API("ses")
	// As on most servers the resolver is beside Postfix, and remembers.
	s.Start("dnsmasq", "--keep-in-foreground", "--no-resolv", "--server=192.0.2.53", "--listen-address=127.0.0.1", "--bind-interfaces", "--min-cache-ttl=3600")
	s.WriteFile("/root/ses.txt", "username="+relay.Username+"\npassword="+relay.Password+"\n", 0o600)
	base := []string{"relayhost", "setup", "--relay", "ses", "--region", "eu-west-1", "--from", "app@example.com", "--no-verify", "--yes"}
	ses.Answer(func(n int, w http.ResponseWriter, r *http.Request) bool {
		_, err := io.Copy(io.Discard, r.Body) // what it checks is not part of the figure
		if err == nil {
			_, _ = fmt.Fprintf(w, `{"MessageId":"id-%d"}`, n)
		}
		return true
	})
	run := func(service string, count func() int, flags ...string) float64 {
		t.Helper()
		if res := l.Run(append(base, flags...)...); res.Code != 0 {
			t.Fatalf("setup: want exit code 0, got %s", res)
		}
		return emptyQueue(t, s, service, count)
	}
	smtp := run("relayhost-ses", func() int { return relay.Counters().Messages }, "--via", "smtp", "--connections", "20", "--credentials-file", "/root/ses.txt", "--port", "587")
	api := run("relayhost-ses-https", ses.Requests, "--via", "https", "--connections", "20")
	if res := l.Run(append(base, "--via", "https", "--connections", "100")...); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	listen(s, "ses-https")
	many := emptyQueue(t, s, "relayhost-ses-https", ses.Requests)
	limit := 20 / (2 * benchDelay.Seconds())
	fmt.Printf("figure: smtp_20_per_second %.1f\nfigure: api_20_per_second %.1f\nfigure: api_100_per_second %.1f\n", smtp, api, many)
	lab.AtLeast(t, "api_20_to_smtp_20", api/smtp, 4)
	lab.AtLeast(t, "api_20_to_limit", api/limit, 0.8)
	lab.AtLeast(t, "api_100_to_smtp_20", many/smtp, 10)
}

// listen has one process serve all connections of a bridge, from a socket that it is
// handed as a socket unit of systemd does it, in place of Postfix's spawn(8).
func listen(s *lab.Server, name string) {
	s.Run("postfix", "stop")
	socket := "/var/spool/postfix/private/relayhost-" + name + "-out"
	s.Shell("postconf -MX relayhost-" + name + "-out/unix && rm -f " + socket)
	s.Start("systemd-socket-activate", "--listen="+socket, "setpriv", "--reuid=relayhost", "--regid=relayhost", "--clear-groups", "/usr/local/bin/relayhost", "bridge", "--listen", name)
	s.Shell("for i in $(seq 100); do [ -S " + socket + " ] && break; sleep 0.1; done; chown postfix " + socket)
}

// emptyQueue fills the queue of s, lets it go and returns how many messages a second
// leave from the tenth to the ninetieth percent. Postfix is stopped in between: taking
// mail in shares the processors, and a qmgr(8) goes on with what it knew.
func emptyQueue(t *testing.T, s *lab.Server, service string, count func() int) float64 {
	t.Helper()
	s.Run("postfix", "stop")
	s.Shell("postconf -e defer_transports=" + service + " smtpd_client_connection_rate_limit=0 in_flow_delay=0s")
	s.StartPostfix()
	s.Shell(fmt.Sprintf("smtp-source -s 10 -m %d -l 4000 -f app@example.com -t ops@example.net 127.0.0.1:25", benchMessages))
	end := time.Now().Add(2 * time.Minute)
	for strings.TrimSpace(s.Shell("find /var/spool/postfix/deferred -type f | wc -l")) != fmt.Sprint(benchMessages) {
		if time.Now().After(end) {
			t.Fatalf("got the queue\n%s\nwant it filled within the time", s.Queue())
		}
		time.Sleep(200 * time.Millisecond)
	}
	s.Shell("postfix stop && postconf -X defer_transports")
	s.StartPostfix()
	before := count()
	reached := func(n int) time.Time {
		for end := time.Now().Add(3 * time.Minute); count()-before < n; time.Sleep(2 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: got %d messages, want %d\n%s", service, count()-before, n, s.Shell("tail -n 20 /var/log/mail.log"))
			}
		}
		return time.Now()
	}
	s.Flush()
	first := reached(benchMessages / 10)
	last := reached(benchMessages * 9 / 10)
	reached(benchMessages)
	if got := count() - before; got != benchMessages {
		t.Errorf("%s: got %d messages, want %d", service, got, benchMessages)
	}
	return float64(benchMessages*8/10) / last.Sub(first).Seconds()
}
