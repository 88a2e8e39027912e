package script

import (
	"crypto/tls"
	"fmt"
	"strings"
	"time"
)

// Trap is a hostile or broken server by name.
type Trap struct {
	Name     string
	Steps    []Step
	Implicit bool // expects TLS with the first byte
}

const (
	greeting = "220 relay.test ESMTP\r\n"
	plain    = "250-relay.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
	inside   = "250-relay.test\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN\r\n"
	ready    = "220 2.0.0 Ready to start TLS\r\n"
)

// Secured is an ordinary relay up to and with the EHLO inside TLS; the steps
// go on from there.
func Secured(config *tls.Config, steps ...Step) []Step {
	return append([]Step{
		Say(greeting),
		Until("STARTTLS", Replies{"EHLO": plain}),
		Say(ready),
		TLS(config),
		Expect("EHLO"),
		Say(inside),
	}, steps...)
}

// Traps are the servers that a client must survive, each ready to be played.
// Where TLS comes up, it does so with config, whose certificate the client
// should find right; wrong certificates are played with an ordinary server.
func Traps(config *tls.Config) []Trap {
	traps := []Trap{
		{Name: "endless greeting", Steps: []Step{Forever(Fill("220-welcome\r\n", 64<<10))}},
		{Name: "greeting without line end", Steps: []Step{Forever(Fill("220 welcome ", 64<<10))}},
		{Name: "greeting a byte a second", Steps: []Step{Slowly(greeting, time.Second), Hang()}},
		{Name: "line of 10 MB", Steps: []Step{Say("220 "), Fill("x", 10<<20), Say("\r\n"), Hang()}},
		{Name: "no greeting", Steps: []Step{Hang()}},
		{Name: "half a greeting", Steps: []Step{Say("220 relay.te"), Hang()}},
		{Name: "control bytes", Steps: []Step{
			Say("220 relay\x00.test \x1b]0;owned\x07\x1b[2J\x1b[31m\u202e\x9b31m ESMTP\r\n"), Hang()}},
		{Name: "second reply ahead of EHLO", Steps: []Step{Say(greeting + "250 injected\r\n"), Hang()}},
		{Name: "HTTP", Steps: []Step{Read(), Say("HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>no</html>"), Close()}},
		{Name: "HTTP at once", Steps: []Step{Say("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"), Close()}},
		{Name: "SSH", Steps: []Step{Say("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), Hang()}},
		{Name: "TLS alert", Steps: []Step{Read(), Say("\x15\x03\x01\x00\x02\x02\x46"), Close()}},
		{Name: "masked banner", Steps: []Step{
			Line("220 " + strings.Repeat("*", 60)),
			Answer(Replies{"EHLO": "250-relay.test\r\n250-8BITMIME\r\n250 XXXXXXXA\r\n", "STARTTLS": "500 #5.5.1 command not recognized\r\n"})}},
		{Name: "4xx greeting for ever", Steps: []Step{Line("421 4.3.2 Service not available, closing transmission channel"), Close()}},
		{Name: "554 greeting", Steps: []Step{Line("554 5.7.1 Service unavailable"), Answer(Replies{"": "503 5.5.1 Bad sequence of commands\r\n"})}},
		{Name: "no EHLO", Steps: []Step{Say(greeting), Answer(Replies{"EHLO": "502 5.5.1 Command not implemented\r\n", "HELO": "250 relay.test\r\n"})}},
		{Name: "EHLO of 10,000 lines", Steps: []Step{Say(greeting), Expect("EHLO"), manyLines(10_000), Hang()}},
		{Name: "EHLO with changing codes", Steps: []Step{Say(greeting), Expect("EHLO"), Say("250-relay.test\r\n550-STARTTLS\r\n250 AUTH PLAIN\r\n"), Hang()}},
		{Name: "reply without a code", Steps: []Step{Say(greeting), Expect("EHLO"), Say("hello there\r\n"), Hang()}},
		{Name: "STARTTLS stripped", Steps: []Step{Say(greeting), Answer(Replies{"EHLO": inside, "STARTTLS": "502 5.5.1 Command not implemented\r\n"})}},
		{Name: "STARTTLS refused", Steps: []Step{Say(greeting), Answer(Replies{"EHLO": plain, "STARTTLS": "454 4.7.0 TLS not available due to temporary reason\r\n"})}},
		{Name: "AUTH offered before TLS", Steps: []Step{
			Say(greeting),
			Until("STARTTLS", Replies{"EHLO": "250-relay.test\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n", "AUTH": "235 2.7.0 thank you\r\n"}),
			Say(ready), TLS(config), Answer(Replies{"EHLO": inside, "AUTH": "235 2.7.0 Authentication successful\r\n"})}},
		{Name: "reply injected before TLS", Steps: []Step{
			Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}),
			Say(ready + "250-injected\r\n250 AUTH PLAIN\r\n"), TLS(config), Hang()}},
		{Name: "no TLS after STARTTLS", Steps: []Step{
			Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}), Say(ready), ReadBytes(1), Say("220 or rather not\r\n"), Hang()}},
		{Name: "TLS that never answers", Steps: []Step{
			Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}), Say(ready), Hang()}},
		{Name: "implicit TLS that never answers", Steps: []Step{Hang()}, Implicit: true},
		{Name: "plain greeting on implicit TLS", Steps: []Step{Say(greeting), Hang()}, Implicit: true},
		{Name: "TLS 1.0 only", Steps: Secured(versions(config, tls.VersionTLS10, tls.VersionTLS10), Hang())},
		{Name: "TLS 1.1 only", Steps: Secured(versions(config, tls.VersionTLS11, tls.VersionTLS11), Hang())},
		{Name: "no AUTH inside TLS", Steps: []Step{
			Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}), Say(ready), TLS(config),
			Answer(Replies{"EHLO": "250 relay.test\r\n"})}},
		{Name: "only unknown mechanisms", Steps: []Step{
			Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}), Say(ready), TLS(config),
			Answer(Replies{"EHLO": "250-relay.test\r\n250 AUTH XOAUTH2 GSSAPI\r\n", "AUTH": "504 5.5.4 Unrecognized authentication type\r\n"})}},
		{Name: "challenge loop", Steps: Secured(config, Expect("AUTH"), Forever(Line("334 VXNlcm5hbWU6"), Read()))},
		{Name: "challenge of 1 MB", Steps: Secured(config, Expect("AUTH"), Say("334 "), Fill("QUFB", 1<<20), Say("\r\n"), Hang())},
		{Name: "4xx to AUTH for ever", Steps: Secured(config, Forever(Read(), Line("454 4.7.0 Temporary authentication failure")))},
		{Name: "reply in pieces", Steps: Secured(config, Expect("AUTH"), Slowly("235 2.7.0 ok\r\n", 50*time.Millisecond), Answer(nil))},
		{Name: "bare line feeds", Steps: []Step{Say("220 relay.test ESMTP\n"), Expect("EHLO"), Say("250-relay.test\n250 SIZE\n"), Answer(nil)}},
	}
	return append(traps, disconnects(config)...)
}

// settle lets the client finish connect(2), which a quick RST makes fail.
var settle = Pause(50 * time.Millisecond)

// disconnects hang up, or reset, at each step.
func disconnects(config *tls.Config) []Trap {
	at := []struct {
		name  string
		steps []Step
	}{
		{"connect", nil},
		{"greeting", []Step{Say("220 rel")}},
		{"EHLO", []Step{Say(greeting), Read()}},
		{"EHLO reply", []Step{Say(greeting), Read(), Say("250-relay.test\r\n")}},
		{"STARTTLS", []Step{Say(greeting), Until("STARTTLS", Replies{"EHLO": plain})}},
		{"handshake", []Step{Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}), Say(ready)}},
		{"EHLO inside TLS", []Step{Say(greeting), Until("STARTTLS", Replies{"EHLO": plain}), Say(ready), TLS(config), Read()}},
		{"AUTH", Secured(config, Expect("AUTH"))},
	}
	var traps []Trap
	for _, a := range at {
		traps = append(traps,
			Trap{Name: "hangs up at " + a.name, Steps: append(a.steps[:len(a.steps):len(a.steps)], Close())},
			Trap{Name: "resets at " + a.name, Steps: append(a.steps[:len(a.steps):len(a.steps)], settle, Reset())})
	}
	return traps
}

// manyLines is an EHLO reply of n lines.
func manyLines(n int) Step {
	return func(c *Conn) error {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "250-X-EXTENSION-%d\r\n", i)
		}
		b.WriteString("250 STARTTLS\r\n")
		return Say(b.String())(c)
	}
}

// versions is config with these TLS versions alone.
func versions(config *tls.Config, low, high uint16) *tls.Config {
	c := config.Clone()
	c.MinVersion, c.MaxVersion = low, high
	return c
}
