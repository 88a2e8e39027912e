package smtpprobe

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
)

// submission plays a proper relay after TLS.
func submission(p *peer) {
	for {
		line := p.hear()
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch verb {
		case "EHLO":
			p.say("250-relay.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n")
		case "AUTH":
			if line == "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00user\x00"+password)) {
				p.say("235 2.7.0 Accepted\r\n")
			} else {
				p.say("535 5.7.8 Authentication credentials invalid\r\n")
			}
		case "MAIL":
			p.say("250 2.1.0 Ok\r\n")
		case "RCPT":
			p.say("250 2.1.5 Ok\r\n")
		case "RSET":
			p.say("250 2.0.0 Ok\r\n")
		default:
			return
		}
	}
}

// Several senders are asked for on one connection, up to the first refused.
func TestSenders(t *testing.T) {
	ca := newCA(t)
	n := listen(t, ca.issue(t, "relay.test", time.Now().Add(time.Hour)), func(p *peer) {
		if !p.encrypt(nil) {
			return
		}
		p.say("220 relay.test\r\n")
		for {
			line := p.hear()
			switch {
			case strings.HasPrefix(line, "EHLO"):
				p.say("250-relay.test\r\n250 AUTH PLAIN\r\n")
			case strings.HasPrefix(line, "AUTH"):
				p.say("235 Accepted\r\n")
			case strings.HasPrefix(line, "MAIL FROM:<d@"):
				p.say("550 5.7.1 not verified\r\n")
			case line == "":
				return
			default:
				p.say("250 Ok\r\n")
			}
		}
	})
	target := n.target(ca.pool)
	target.Implicit = true
	target.Senders = []string{"", "c@example.com"}
	if r := Probe(t.Context(), target); r.Err != nil || r.Reached != StepRcpt || r.Sender != "c@example.com" {
		t.Errorf("got %+v, want it to reach %s, the last sender c@example.com", r, StepRcpt)
	}
	target.Senders = []string{"c@example.com", "d@example.com", "e@example.com"}
	if r := Probe(t.Context(), target); r.Failed != StepMail || r.Sender != "d@example.com" || r.Code != 550 {
		t.Errorf("got %+v, want 550 to MAIL of d@example.com", r)
	}
	target.Senders = []string{"a>b@example.com"}
	if r := Probe(t.Context(), target); r.Fault != FaultInputRejected {
		t.Errorf("sender %q: got %+v, want the fault %s", target.Senders[0], r, FaultInputRejected)
	}
	_, hidden := n.received()
	if want := "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRSET\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nRSET\r\n" +
		"MAIL FROM:<c@example.com>\r\nRCPT TO:<b@example.net>\r\nRSET\r\n"; !strings.Contains(hidden, want) || strings.Count(hidden, "QUIT\r\n") != 2 {
		t.Errorf("sent %q, want %q in it and QUIT twice", hushed(hidden), want)
	}
}

// Without TLS the dialogue goes from EHLO to MAIL, and a login is refused before
// anything is sent.
func TestNoTLS(t *testing.T) {
	ca := newCA(t)
	n := listen(t, ca.issue(t, "relay.test", time.Now().Add(time.Hour)), func(p *peer) {
		p.say("220 relay.test\r\n")
		submission(p)
	})
	target := n.target(ca.pool)
	target.NoTLS = true
	if r := Probe(t.Context(), target); r.Fault != FaultInputRejected && r.Err == nil {
		t.Errorf("with a login: got %+v, want a refusal", r)
	}
	target.Username, target.Until = "", StepRcpt
	if r := Probe(t.Context(), target); r.Err != nil || r.Reached != StepRcpt || r.TLSVersion != "" {
		t.Errorf("got %+v, want it to reach RCPT in the clear", r)
	}
	target.Until = StepEHLOTLS
	if r := Probe(t.Context(), target); r.Err != nil || r.Reached != StepEHLO {
		t.Errorf("got %+v, want it to end at EHLO", r)
	}
	if clear, _ := n.received(); strings.Contains(clear, "AUTH") || strings.Count(clear, "EHLO") != 2 {
		t.Errorf("sent %q, want two dialogues without AUTH", hushed(clear))
	}
}

func TestWholeDialogue(t *testing.T) {
	ca := newCA(t)
	cert := ca.issue(t, "relay.test", time.Now().Add(time.Hour))
	t.Run("starttls", func(t *testing.T) {
		n := listen(t, cert, func(p *peer) {
			if p.upgrade("250-PIPELINING\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN\r\n") {
				submission(p)
			}
		})
		var trace []string
		target := n.target(ca.pool)
		target.Trace = func(e Exchange) { trace = append(trace, e.Line) }
		r := Probe(t.Context(), target)
		if r.Err != nil || r.Reached != StepRcpt || r.TLSVersion != "TLS 1.3" || r.Extensions["SIZE"] != "1000" ||
			!slices.Equal(r.Auth, []string{"PLAIN", "LOGIN"}) || r.Banner != "relay.test ESMTP" || r.Enhanced != "2.1.5" {
			t.Fatalf("got %+v\nwant it to reach %s over TLS 1.3, with SIZE 1000, AUTH PLAIN LOGIN, the banner %q and the status 2.1.5",
				r, StepRcpt, "relay.test ESMTP")
		}
		clear, hidden := n.received()
		if !strings.HasPrefix(clear, "EHLO host.example.com\r\nSTARTTLS\r\n\x16\x03") {
			t.Errorf("in clear: got %q, want %q at its start", hushed(clear), "EHLO host.example.com\r\nSTARTTLS\r\n\x16\x03")
		}
		if !strings.HasSuffix(hidden, "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRSET\r\nQUIT\r\n") {
			t.Errorf("encrypted: got %q, want %q at its end", hushed(hidden), "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nRSET\r\nQUIT\r\n")
		}
		all := strings.Join(trace, "\n")
		if !strings.Contains(all, "AUTH PLAIN ***") || strings.Contains(all, "dXNlc") {
			t.Errorf("trace: got %s (masked here), want %q in it and no user name or password", hushed(all), "AUTH PLAIN ***")
		}
	})
	t.Run("implicit TLS", func(t *testing.T) {
		n := listen(t, cert, func(p *peer) {
			if p.encrypt(nil) {
				p.say("220-relay.test ESMTP\r\n220 second line\r\n")
				submission(p)
			}
		})
		target := n.target(ca.pool)
		target.Implicit = true
		r := Probe(t.Context(), target)
		if r.Err != nil || r.Reached != StepRcpt || r.Banner != "relay.test ESMTP / second line" {
			t.Fatalf("got %+v, want it to reach %s, with the banner %q", r, StepRcpt, "relay.test ESMTP / second line")
		}
		for _, tt := range []struct{ until, reached Step }{{"", StepEHLOTLS}, {StepEHLO, StepEHLOTLS}, {StepConnect, StepConnect}, {StepAuth, StepAuth}} {
			t.Run(fmt.Sprintf("until %q", tt.until), func(t *testing.T) {
				target.Until = tt.until
				if r := Probe(t.Context(), target); r.Err != nil || r.Reached != tt.reached {
					t.Errorf("until %q: got %+v, want it to reach %s", tt.until, r, tt.reached)
				}
			})
		}
	})
	t.Run("port 25, as far as EHLO", func(t *testing.T) {
		n := listen(t, cert, func(p *peer) { p.say("220 mx.test\r\n"); submission(p) })
		target := Target{Name: "mx.test", Addr: n.addr, Until: StepEHLO}
		r := Probe(t.Context(), target)
		clear, _ := n.received()
		if r.Err != nil || r.Reached != StepEHLO || clear != "EHLO [127.0.0.1]\r\nQUIT\r\n" {
			t.Errorf("got %+v and %q sent, want it to reach %s, and %q", r, hushed(clear), StepEHLO, "EHLO [127.0.0.1]\r\nQUIT\r\n")
		}
	})
	t.Run("no credentials", func(t *testing.T) {
		n := listen(t, cert, func(p *peer) {
			if p.encrypt(nil) {
				p.say("220 relay.test\r\n")
				submission(p)
			}
		})
		target := n.target(ca.pool)
		target.Implicit, target.Username = true, ""
		if r := Probe(t.Context(), target); r.Err != nil || r.Reached != StepRcpt {
			t.Errorf("got %+v, want it to reach %s", r, StepRcpt)
		}
		if _, hidden := n.received(); strings.Contains(hidden, "AUTH") {
			t.Error("without a user name: got AUTH, want none")
		}
	})
}

func TestReplies(t *testing.T) {
	ca := newCA(t)
	cert := ca.issue(t, "relay.test", time.Now().Add(time.Hour))
	caps := "250 AUTH PLAIN\r\n"
	tests := []struct {
		name   string
		script func(*peer)
		fault  Fault
		failed Step
		text   string // part of the error
	}{
		{"greeting refuses", func(p *peer) { p.say("554 5.7.1 no\x1b[31m service\r\n") }, FaultReply, StepGreeting, `said: 554 5.7.1 no\x1b[31m service (in reply to the greeting)`},
		{"greeting says later", func(p *peer) { p.say("421 busy\r\n") }, FaultReply, StepGreeting, "421 busy"},
		{"HTTP", func(p *peer) { p.say("HTTP/1.1 400 Bad Request\r\n\r\n") }, FaultNotSMTP, StepGreeting, "speaks HTTP"},
		{"SSH", func(p *peer) { p.say("SSH-2.0-OpenSSH_9.2\r\n") }, FaultNotSMTP, StepGreeting, "speaks SSH"},
		{"TLS alert", func(p *peer) { p.say("\x15\x03\x01\x00\x02\x02\x28") }, FaultNotSMTP, StepGreeting, "speaks TLS"},
		{"something else", func(p *peer) { p.say("\x1b]0;owned\x07 hello\r\n") }, FaultNotSMTP, StepGreeting, `\x1b]0;owned\x07 hello`},
		{"silence", func(p *peer) { p.hear() }, FaultTimeout, StepGreeting, "i/o timeout"},
		{"hangs up", func(p *peer) { p.Conn.Close() }, FaultReset, StepGreeting, "EOF"},
		{"a byte now and then", func(p *peer) {
			for _, c := range []byte("220 " + many(300, "x")) {
				if !p.say(string(c)) {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, FaultTimeout, StepGreeting, "timeout"},
		{"10 MB line", func(p *peer) { p.say("220 " + many(10<<20, "x")) }, FaultProtocol, StepGreeting, "longer than 2048 bytes"},
		{"endless greeting", func(p *peer) { p.say(many(1<<18, "220-x\r\n")) }, FaultProtocol, StepGreeting, "longer than 64 lines"},
		{"changing code", func(p *peer) { p.say("220-a\r\n250 b\r\n") }, FaultProtocol, StepGreeting, "changes from 220 to 250"},
		{"greets with 250", func(p *peer) { p.say("250 hello\r\n") }, FaultProtocol, StepGreeting, "answers the greeting with 250"},
		{"speaks ahead", func(p *peer) { p.say("220 a\r\n250 b\r\n") }, FaultProtocol, StepEHLO, "before it was asked"},
		{"EHLO with 10,000 lines", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say(count(10_000, func(int) string { return "250-X\r\n" }) + "250 STARTTLS\r\n")
		}, FaultProtocol, StepEHLO, "64 lines"},
		{"hangs up at EHLO", func(p *peer) { p.say("220 a\r\n"); p.hear(); p.Conn.Close() }, FaultReset, StepEHLO, "EOF"},
		{"STARTTLS stripped", func(p *peer) { p.say("220 a\r\n"); p.hear(); p.say("250-a\r\n250 AUTH PLAIN LOGIN\r\n") }, FaultNoSTARTTLS, StepSTARTTLS, "not offered"},
		{"masked by a device", func(p *peer) {
			p.say("220 *************\r\n")
			p.hear()
			p.say("250-a\r\n250 XXXXXXXA\r\n")
		}, FaultNoSTARTTLS, StepSTARTTLS, "a device in between masks"},
		{"STARTTLS refused", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say("250-a\r\n250 STARTTLS\r\n")
			p.hear()
			p.say("454 4.7.0 TLS not available\r\n")
		}, FaultReply, StepSTARTTLS, "454 4.7.0 TLS not available"},
		{"reply injected before STARTTLS", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say("250-a\r\n250 STARTTLS\r\n220 ready\r\n")
		}, FaultProtocol, StepSTARTTLS, "before it was asked"},
		{"reply injected after STARTTLS", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say("250-a\r\n250 STARTTLS\r\n")
			p.hear()
			p.say("220 go\r\n250-a\r\n250 AUTH PLAIN\r\n")
		}, FaultProtocol, StepSTARTTLS, "in clear after the reply to STARTTLS"},
		{"clear text in place of TLS", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say("250-a\r\n250 STARTTLS\r\n")
			p.hear()
			p.say("220 go\r\n")
			time.Sleep(50 * time.Millisecond)
			p.say("250-a\r\n250 AUTH PLAIN\r\n")
		}, FaultProtocol, StepTLS, "in place of the TLS handshake"},
		{"hangs up in the handshake", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say("250-a\r\n250 STARTTLS\r\n")
			p.hear()
			p.say("220 go\r\n")
			p.Conn.Close()
		}, FaultReset, StepTLS, ""},
		{"TLS 1.0 only", func(p *peer) {
			p.say("220 a\r\n")
			p.hear()
			p.say("250-a\r\n250 STARTTLS\r\n")
			p.hear()
			p.say("220 go\r\n")
			p.encrypt(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}) //nolint:gosec // the point of the case
		}, FaultTLS, StepTLS, "protocol version"},
		{"no AUTH after TLS", func(p *peer) { p.upgrade("250 SIZE 1\r\n"); p.hear() }, FaultNoAuth, StepAuth, "not offered"},
		{"only foreign mechanisms", func(p *peer) { p.upgrade("250 AUTH XOAUTH2 GSSAPI\r\n"); p.hear() }, FaultNoMechanism, StepAuth, "XOAUTH2"},
		{"wrong password, echoed", func(p *peer) {
			if p.upgrade(caps) {
				p.hear()
				p.say("535 5.7.8 bad password " + password + "\r\n")
			}
		}, FaultReply, StepAuth, "535 5.7.8 bad password ***"},
		{"challenge after challenge to PLAIN", func(p *peer) {
			if p.upgrade(caps) {
				for range 100 {
					p.hear()
					p.say("334 \r\n")
				}
			}
		}, FaultProtocol, StepAuth, "on and on"},
		{"challenge after challenge to LOGIN", func(p *peer) {
			if p.upgrade("250 AUTH LOGIN\r\n") {
				for range 100 {
					p.hear()
					p.say("334 VXNlcm5hbWU6\r\n")
				}
			}
		}, FaultProtocol, StepAuth, "on and on"},
		{"250 to AUTH", func(p *peer) {
			if p.upgrade(caps) {
				p.hear()
				p.say("250 fine\r\n")
			}
		}, FaultProtocol, StepAuth, "answers AUTH PLAIN with 250"},
		{"4xx to MAIL", func(p *peer) {
			if p.upgrade(caps) {
				p.hear()
				p.say("235 ok\r\n")
				p.hear()
				p.say("451 4.3.0 later\r\n")
			}
		}, FaultReply, StepMail, "451 4.3.0 later (in reply to MAIL FROM)"},
		{"5xx to RCPT, pipelined", func(p *peer) {
			if p.upgrade("250-PIPELINING\r\n" + caps) {
				p.hear()
				p.say("235 ok\r\n")
				p.hear()
				p.say("250 ok\r\n550 5.1.1 no\u202esuch\r\n")
			}
		}, FaultReply, StepRcpt, `550 5.1.1 no\u{202e}such (in reply to RCPT TO)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := listen(t, cert, tt.script)
			start := time.Now()
			r := Probe(t.Context(), n.target(ca.pool))
			if took := time.Since(start); took > 6500*time.Millisecond {
				t.Errorf("took %v, want at most %v", took, 6500*time.Millisecond)
			}
			if r.Fault != tt.fault || r.Failed != tt.failed || r.Err == nil || !strings.Contains(r.Err.Error(), tt.text) {
				t.Fatalf("got fault %q at %q: %s, want %q at %q, and %q in the error", r.Fault, r.Failed, hushed(fmt.Sprint(r.Err)), tt.fault, tt.failed, tt.text)
			}
			printable(t, r)
			clear, _ := n.received()
			if noSecret(t, clear); strings.Contains(clear, "AUTH") {
				t.Errorf("before TLS: got %q, want no %q in it", hushed(clear), "AUTH")
			}
		})
	}
}

// printable asserts that nothing of r could steer a terminal or shows a secret.
func printable(t *testing.T, r Result) {
	t.Helper()
	all := r.Err.Error() + r.Text + r.Banner + strings.Join(r.Auth, "")
	for k, v := range r.Extensions {
		all += k + v
	}
	if i := strings.IndexFunc(all, func(c rune) bool { return !unicode.IsPrint(c) }); i >= 0 {
		t.Errorf("got %q, unprintable at %d, want it printable", hushed(all), i)
	}
	noSecret(t, all)
}

func noSecret(t *testing.T, s string) {
	t.Helper()
	for i, form := range []string{password, base64.StdEncoding.EncodeToString([]byte(password)),
		base64.StdEncoding.EncodeToString([]byte("\x00user\x00" + password))} {
		if strings.Contains(s, form) {
			t.Errorf("got the password in the text (0 plain, 1 base64, 2 as AUTH PLAIN: %d), want none of it", i)
		}
	}
}

func TestCertificates(t *testing.T) {
	good, other := newCA(t), newCA(t)
	day := 24 * time.Hour
	tests := []struct {
		name  string
		cert  tls.Certificate
		fault Fault
		text  string
	}{
		{"unknown authority", other.issue(t, "relay.test", time.Now().Add(day)), FaultUntrusted, "unknown authority"},
		{"other name", good.issue(t, "evil.test", time.Now().Add(day)), FaultWrongName, "is for evil.test, not for relay.test"},
		{"escape in the name", good.issue(t, "a\x1b[2Jb.test", time.Now().Add(day)), FaultWrongName, ""},
		{"expired", good.issue(t, "relay.test", time.Now().Add(-day)), FaultExpired, "this host's clock says"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, implicit := range []bool{false, true} {
				t.Run(fmt.Sprintf("implicit %v", implicit), func(t *testing.T) {
					n := listen(t, tt.cert, func(p *peer) {
						if implicit {
							p.encrypt(nil)
						} else {
							p.upgrade("250 AUTH PLAIN\r\n")
						}
					})
					target := n.target(good.pool)
					target.Implicit = implicit
					r := Probe(t.Context(), target)
					if r.Fault != tt.fault || r.Failed != StepTLS || !strings.Contains(r.Err.Error(), tt.text) {
						t.Errorf("implicit %v: fault %q at %q: %v, want %q and %q", implicit, r.Fault, r.Failed, r.Err, tt.fault, StepTLS)
					}
					printable(t, r)
					clear, hidden := n.received()
					if noSecret(t, clear); hidden != "" {
						t.Errorf("implicit %v: got %q sent to whom we do not know, want nothing", implicit, hushed(hidden))
					}
				})
			}
		})
	}
	t.Run("no roots", func(t *testing.T) {
		n := listen(t, good.issue(t, "relay.test", time.Now().Add(day)), func(p *peer) { p.upgrade("") })
		if r := Probe(t.Context(), n.target(nil)); r.Fault != FaultUntrusted {
			t.Errorf("got %q: %v, want %q", r.Fault, r.Err, FaultUntrusted)
		}
	})
	t.Run("fingerprint", func(t *testing.T) {
		cert := other.issue(t, "evil.test", time.Now().Add(-day))
		n := listen(t, cert, func(p *peer) { p.upgrade("250 AUTH PLAIN\r\n"); p.hear(); p.say("235 ok\r\n") })
		sum := sha256.Sum256(cert.Certificate[0])
		target := n.target(nil)
		target.Until = StepAuth
		target.Pin = strings.ToUpper(hex.EncodeToString(sum[:]))
		if r := Probe(t.Context(), target); r.Err != nil {
			t.Errorf("with the pin of the certificate: got the error %v, want none", r.Err)
		}
		target.Pin = strings.Repeat("00:", 31) + "00"
		if r := Probe(t.Context(), target); r.Fault != FaultUntrusted || r.Failed != StepTLS || !errors.Is(r.Err, ErrPin) {
			t.Errorf("got %q: %v, want %q and %v", r.Fault, r.Err, FaultUntrusted, ErrPin)
		}
	})
	t.Run("SMTP in clear on a port for TLS", func(t *testing.T) {
		n := listen(t, tls.Certificate{}, func(p *peer) { p.say("220 relay.test ESMTP\r\n") })
		target := n.target(good.pool)
		target.Implicit = true
		if r := Probe(t.Context(), target); r.Fault != FaultTLS || !strings.Contains(r.Err.Error(), "in clear, not TLS") {
			t.Errorf("got %q: %v, want %q", r.Fault, r.Err, FaultTLS)
		}
	})
}

func TestEndlessRepliesTakeNoMemory(t *testing.T) {
	for name, chunk := range map[string]string{"line": many(1<<16, "x"), "lines": many(1<<13, "220-x\r\n")} {
		t.Run(name, func(t *testing.T) {
			n := listen(t, tls.Certificate{}, func(p *peer) {
				p.say("220-")
				for p.say(chunk) { // until the probe hangs up
				}
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			r := Probe(t.Context(), n.target(nil))
			runtime.ReadMemStats(&after)
			if took := after.TotalAlloc - before.TotalAlloc; r.Fault != FaultProtocol || took > 8<<20 { // the server's own copies included
				t.Errorf("got %d bytes taken, %v, want at most %d", took, r.Err, 8<<20)
			}
		})
	}
}

func TestConnectErrors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	l.Close()
	r := Probe(t.Context(), Target{Name: "relay.test", Addr: addr})
	if r.Fault != FaultRefused || r.Failed != StepConnect || r.Reached != "" || !errors.Is(r.Err, syscall.ECONNREFUSED) {
		t.Errorf("closed port: got %+v, want the fault %s at %s, no step before, and %v", r, FaultRefused, StepConnect, syscall.ECONNREFUSED)
	}
	for errno, want := range map[syscall.Errno]Fault{syscall.EHOSTUNREACH: FaultUnreachable, syscall.ENETUNREACH: FaultNoRoute,
		syscall.EPERM: FaultProhibited, syscall.EACCES: FaultProhibited, syscall.ECONNRESET: FaultReset, syscall.ETIMEDOUT: FaultTimeout} {
		t.Run(errno.Error(), func(t *testing.T) {
			if got := classify(&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", errno)}); got != want {
				t.Errorf("%v is %q, want %q", errno, got, want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := Probe(ctx, Target{Name: "relay.test", Addr: addr}); r.Fault != FaultTimeout {
		t.Errorf("cancelled: got %+v, want the fault timeout", r)
	}
}

func TestInputIsChecked(t *testing.T) {
	n := listen(t, tls.Certificate{}, func(p *peer) { p.say("220 a\r\n") })
	for _, tt := range []struct {
		name   string
		change func(*Target)
	}{
		{"HELO with a blank", func(x *Target) { x.HELO = "a b" }},
		{"HELO with a line feed", func(x *Target) { x.HELO = "a\r\nRSET" }},
		{"HELO with an open bracket", func(x *Target) { x.HELO = "[127.0.0.1" }},
		{"HELO with a hyphen first", func(x *Target) { x.HELO = "-a.test" }},
		{"sender with parameters", func(x *Target) { x.MailFrom = "a@b> SIZE=1 X=<" }},
		{"sender with a line feed", func(x *Target) { x.MailFrom = "a\r\n@b.test" }},
		{"sender with a NUL", func(x *Target) { x.MailFrom = "a\x00@b.test" }},
		{"sender without a domain", func(x *Target) { x.MailFrom = "nobody" }},
		{"recipient with two dots", func(x *Target) { x.RcptTo = "a..b@b.test" }},
		{"long recipient", func(x *Target) { x.RcptTo = strings.Repeat("a", 65) + "@b.test" }},
		{"no recipient", func(x *Target) { x.RcptTo = "" }},
		{"user with a NUL", func(x *Target) { x.Username = "a\x00b" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			target := n.target(nil)
			tt.change(&target)
			if r := Probe(t.Context(), target); r.Fault != FaultInputRejected {
				t.Errorf("HELO %q, from %q to %q, user %q: got %+v, want the fault %s",
					target.HELO, target.MailFrom, target.RcptTo, target.Username, r, FaultInputRejected)
			}
		})
	}
	if clear, _ := n.received(); clear != "" {
		t.Errorf("got %q sent, want nothing", hushed(clear))
	}
	for _, good := range []string{"host", "host.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"} {
		t.Run(good, func(t *testing.T) {
			if err := checkHELO(good); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can connect as somebody else")
	}
	n := listen(t, tls.Certificate{}, func(p *peer) { p.say("220 a\r\n"); submission(p) })
	threads := runtime.NumGoroutine()
	r := Probe(t.Context(), Target{Name: "relay.test", Addr: n.addr, Until: StepEHLO, UID: 65534})
	if r.Err != nil || os.Geteuid() != 0 || runtime.NumGoroutine() > threads+3 {
		t.Errorf("%+v, uid %d, want 0", r, os.Geteuid())
	}
}

func TestSanitize(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü text":            "plain ü text",
		"a\x1b[31mb\x07":          `a\x1b[31mb\x07`,
		"a\r\nb\tc\x00":           `a\x0d\nb c\x00`,
		"\u202eevil\u2066\ufeff":  `\u{202e}evil\u{2066}\u{feff}`,
		"\u0085\u2028\U000e0041":  `\u{85}\u{2028}\u{e0041}`,
		"bad \xff\xc3":            `bad \xff\xc3`,
		"\x9b31m c1 as bytes":     `\x9b31m c1 as bytes`,
		strings.Repeat("x", 2000): strings.Repeat("x", 500) + "...",
	} {
		t.Run(fmt.Sprintf("%.20q", in), func(t *testing.T) {
			if got := Sanitize(in); got != want {
				t.Errorf("Sanitize(%q) = %q, want %q", in, got, want)
			}
		})
	}
}

// TestBeforeAuth: the login waits for who is asked, on the open connection, and
// the wait counts in no limit.
func TestBeforeAuth(t *testing.T) {
	ca := newCA(t)
	n := listen(t, ca.issue(t, "relay.test", time.Now().Add(time.Hour)), func(p *peer) {
		if p.upgrade("250 AUTH PLAIN\r\n") {
			submission(p)
		}
	})
	target := n.target(ca.pool)
	target.Until, target.Timeout = StepAuth, time.Second
	asked := 0
	target.BeforeAuth = func(_ context.Context, r Result) bool {
		asked++
		if r.Reached != StepEHLOTLS || r.Total == 0 || !slices.Contains(r.Auth, "PLAIN") {
			t.Errorf("before AUTH: got %+v, want it to have reached %s, with the time so far and PLAIN offered", r, StepEHLOTLS)
		}
		time.Sleep(target.Timeout + 100*time.Millisecond)
		return true
	}
	if r := Probe(t.Context(), target); r.Err != nil || r.Reached != StepAuth || r.Total > target.Timeout {
		t.Errorf("with leave to log in: got %+v, want it to reach %s in at most %v", r, StepAuth, target.Timeout)
	}
	target.BeforeAuth = func(context.Context, Result) bool { asked++; return false }
	if r := Probe(t.Context(), target); r.Err != nil || r.Reached != StepEHLOTLS {
		t.Errorf("without leave to log in: got %+v, want it to end at %s", r, StepEHLOTLS)
	}
	if _, hidden := n.received(); asked != 2 || strings.Count(hidden, "AUTH") != 1 || !strings.HasSuffix(hidden, "QUIT\r\n") {
		t.Errorf("asked %d times, sent %q, want 2, one AUTH, and %q at its end", asked, hushed(hidden), "QUIT\r\n")
	}
}
