package lab

import (
	"bufio"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"relayhost/internal/smtpd"
)

// exchange says lines to an exchanger and returns all that came back.
func exchange(t *testing.T, addr string, lines ...string) []string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return []string{err.Error()}
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	in := bufio.NewReader(c)
	read := func() (all []string) {
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return append(all, err.Error())
			}
			all = append(all, strings.TrimRight(line, "\r\n"))
			if len(line) > 3 && line[3] == ' ' {
				return all
			}
		}
	}
	got := read()
	for _, line := range lines {
		if _, err := c.Write([]byte(line + "\r\n")); err != nil {
			return append(got, err.Error())
		}
		got = append(got, read()...)
	}
	return got
}

func TestMailExchangers(t *testing.T) {
	w, n := testWorld(t, MailExchangers())
	if got := len(w.Exchangers()); got != 3 {
		t.Fatalf("got %d exchangers, want 3", got)
	}
	for host, x := range w.Exchangers() {
		for _, a := range x.Addrs {
			got := exchange(t, n.at("tcp", net.JoinHostPort(a.String(), "25")), "EHLO host.test", "QUIT")
			all := strings.Join(got, "\n")
			if !strings.HasPrefix(got[0], "220 ") || !strings.Contains(all, "STARTTLS") || strings.Contains(all, "AUTH") ||
				!strings.HasPrefix(got[len(got)-1], "221") {
				t.Errorf("%s: got %q, want %q at the start, STARTTLS and no AUTH in the reply to EHLO, %q at the start of the last line", host, got, "220 ", "221")
			}
		}
		if err := x.Manners(); err != nil || x.Counters().Connections != 2 {
			t.Errorf("%s: got bad manners %v and %+v, want none and 2 connections", host, err, x.Counters())
		}
	}
	x := w.Exchanger("gmail-smtp-in.l.google.com")
	at := n.at("tcp", net.JoinHostPort(x.Addrs[0].String(), "25"))
	exchange(t, at, "EHLO host.test", "MAIL FROM:<a@example.com>")
	if err := x.Manners(); err == nil || !strings.Contains(err.Error(), "1 of MAIL") || !strings.Contains(err.Error(), "no QUIT") {
		t.Errorf("manners: got %v, want an error with %q and %q", err, "1 of MAIL", "no QUIT")
	}
	if got := shown(ask(t, n, "udp", "gmail.com.", 15, 0)); !strings.Contains(got, "gmail-smtp-in.l.google.com.") {
		t.Errorf("MX: got %s, want %q in it", got, "gmail-smtp-in.l.google.com.")
	}
}

func TestControls(t *testing.T) {
	w, n := testWorld(t, MailExchangers())
	seen := 0
	for _, c := range w.Controls() {
		for _, a := range c.Addrs {
			for _, port := range []string{"587", "2525"} {
				if !c.Submission {
					continue
				}
				at := n.at("tcp", net.JoinHostPort(a.String(), port))
				if got := exchange(t, at, "QUIT"); !strings.HasPrefix(got[0], "220 "+c.Host) {
					t.Errorf("%s port %s: got %q, want %q at the start", c.Host, port, got, "220 "+c.Host)
				}
				seen++
			}
			for port, on := range map[string]bool{"465": c.Submission, "443": c.HTTPS} {
				if !on {
					continue
				}
				conn, err := tls.Dial("tcp", n.at("tcp", net.JoinHostPort(a.String(), port)), &tls.Config{ServerName: c.Host, RootCAs: roots(w)})
				if err != nil {
					t.Errorf("%s port %s: got the error %v, want none", c.Host, port, err)
					continue
				}
				_ = conn.Close()
				seen++
			}
		}
		if c.Connections() == 0 {
			t.Errorf("%s: got no connection counted, want 1 or more", c.Host)
		}
	}
	if seen != 2*(5*3+5) {
		t.Errorf("got %d ports answered, want %d", seen, 2*(5*3+5))
	}
}

func TestGreetings(t *testing.T) {
	const host = "mta5.am0.yahoodns.net"
	w, n := testWorld(t, MailExchangers())
	x := w.Exchanger(host)
	at := n.at("tcp", net.JoinHostPort(x.Addrs[0].String(), "25"))
	x.Configure(Masked)
	got := strings.Join(exchange(t, at, "EHLO h", "STARTTLS"), "\n")
	if !strings.HasPrefix(got, "220 ***") || !strings.Contains(got, "XXXXXXXA") || strings.Contains(got, "250-STARTTLS") || !strings.Contains(got, "502 ") {
		t.Errorf("masked: got %q, want %q at its start and %q in it and no %q in it and %q in it", got, "220 ***", "XXXXXXXA", "250-STARTTLS", "502 ")
	}
	x.Configure(Listed)
	if got := exchange(t, at); !strings.HasPrefix(got[0], "554 5.7.1 ") || !strings.Contains(got[0], "PBL") {
		t.Errorf("listed: got %q, want %q at the start of the first line and %q in it", got, "554 5.7.1 ", "PBL")
	}
	x.Configure(func(c *smtpd.Config) {
		c.Replies = nil
		c.Delays = map[smtpd.Step]time.Duration{smtpd.StepGreeting: 200 * time.Millisecond}
	})
	began := time.Now()
	exchange(t, at, "QUIT")
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("delayed greeting: got the dialogue over after %s, want 200ms or more", took)
	}
	x.ResetEvery(2)
	var outcomes []bool
	for range 6 {
		got := exchange(t, at, "QUIT")
		outcomes = append(outcomes, strings.HasPrefix(got[len(got)-1], "221"))
	}
	if outcomes[0] == outcomes[1] || outcomes[2] == outcomes[3] || outcomes[4] == outcomes[5] {
		t.Errorf("dialogues that ended with 221, every second connection reset: got %v, want one of each two", outcomes)
	}
}

// A relay service keeps its host names when a control would have them too.
func TestRelayAndControlShareAName(t *testing.T) {
	w, _ := testWorld(t, Relay("gmail"), MailExchangers())
	for _, c := range w.Controls() {
		if c.Host == "smtp.gmail.com" {
			t.Errorf("controls: got %s among them, want the name left to the relay", c.Host)
		}
	}
	if w.Relay("gmail").Hosts[0].Name != "smtp.gmail.com" {
		t.Errorf("hosts of gmail: got %+v, want %q first", w.Relay("gmail").Hosts, "smtp.gmail.com")
	}
}
