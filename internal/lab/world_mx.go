package lab

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"relayhost/internal/smtpd"
)

// Exchanger is a mail exchanger on port 25.
type Exchanger struct {
	*smtpd.Server
	Host  string
	Addrs []netip.Addr // IPv4, IPv6

	flaky flaky
}

// operator is a large mail operator: the exchanger that is probed, and hosts
// of the same operator that answer on other ports.
type operator struct {
	domain, exchanger string
	config            func() smtpd.Config
	controls          []Control
}

// Control is a host that answers on ports other than 25.
type Control struct {
	Host        string
	Submission  bool // SMTP with STARTTLS on 587 and 2525, implicit TLS on 465
	HTTPS       bool // on 443
	Addrs       []netip.Addr
	connections counted
}

// operators answer as theirs do; greetings and EHLO replies are recalled.
func operators() []operator {
	return []operator{
		{
			domain: "gmail.com", exchanger: "gmail-smtp-in.l.google.com",
			config: func() smtpd.Config {
				return smtpd.Config{
					Name:       "mx.google.com",
					Greeting:   "mx.google.com ESMTP ffacd0b85a97d-39acc0c22easi1234567f8f.150 - gsmtp",
					Extensions: []string{"8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"},
					MaxBytes:   157286400,
				}
			},
			controls: []Control{{Host: "smtp.gmail.com", Submission: true}, {Host: "www.google.com", HTTPS: true}},
		},
		{
			domain: "outlook.com", exchanger: "outlook-com.olc.protection.outlook.com",
			config: func() smtpd.Config {
				name := "AMS0EPF000001A7.mail.protection.outlook.com"
				return smtpd.Config{
					Name:       name,
					Greeting:   name + " Microsoft ESMTP MAIL Service ready at Sun, 22 Nov 2026 00:00:00 +0000 [08DE28F0C0FFEE00]",
					Extensions: []string{"PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8BITMIME", "BINARYMIME", "CHUNKING"},
					MaxBytes:   49283072,
				}
			},
			controls: []Control{
				{Host: "smtp.office365.com", Submission: true}, {Host: "smtp-mail.outlook.com", Submission: true},
				{Host: "outlook.office365.com", HTTPS: true},
			},
		},
		{
			domain: "yahoo.com", exchanger: "mta5.am0.yahoodns.net",
			config: func() smtpd.Config {
				name := "mtaproxy511.free.mail.ne1.yahoo.com"
				return smtpd.Config{Name: name, Greeting: name + " ESMTP ready", Extensions: []string{"PIPELINING", "8BITMIME"}, MaxBytes: 41943040}
			},
			controls: []Control{{Host: "smtp.mail.yahoo.com", Submission: true}, {Host: "www.yahoo.com", HTTPS: true}},
		},
	}
}

// others are hosts of no mail operator: a relay service on 2525, and public
// resolvers, which answer on 443 at addresses that everybody knows.
func others() []Control {
	return []Control{
		{Host: "smtp.sendgrid.net", Submission: true},
		{Host: "dns.google", HTTPS: true, Addrs: []netip.Addr{netip.MustParseAddr("8.8.8.8"), netip.MustParseAddr("2001:4860:4860::8888")}},
		{Host: "one.one.one.one", HTTPS: true, Addrs: []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2606:4700:4700::1111")}},
	}
}

// MailExchangers starts the exchangers of Google, Microsoft and Yahoo that the
// detector asks by default, other hosts of theirs on 587, 2525, 465 and 443,
// and hosts of others on these ports.
// change adjusts each exchanger's behaviour before the first connection.
func MailExchangers(change ...func(host string, c *smtpd.Config)) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) {
			for _, o := range operators() {
				w.must(w.startOperator(o, change))
			}
			w.must(w.startControls(others()))
		})
	}
}

// MailExchanger starts one more exchanger, for a domain of the test's own.
func MailExchanger(domain, host string, change ...func(host string, c *smtpd.Config)) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) {
			o := operator{domain: domain, exchanger: host, config: func() smtpd.Config { return smtpd.Config{Name: host} }}
			w.must(w.startOperator(o, change))
		})
	}
}

// Exchanger returns a mail exchanger by its host name.
func (s *services) Exchanger(host string) *Exchanger {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	x, ok := s.exchangers[host]
	if !ok {
		s.t.Fatalf("lab: no mail exchanger %q was started", host)
	}
	return x
}

// Exchangers returns all mail exchangers by host name.
func (s *services) Exchangers() map[string]*Exchanger {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]*Exchanger, len(s.exchangers))
	for host, x := range s.exchangers {
		all[host] = x
	}
	return all
}

// Controls returns the operators' other hosts.
func (s *services) Controls() []*Control {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*Control(nil), s.controls...)
}

func (s *services) startOperator(o operator, change []func(string, *smtpd.Config)) error {
	cert, err := s.ca.Issue([]string{o.exchanger})
	if err != nil {
		return err
	}
	cfg := o.config()
	cfg.TLS, cfg.NoAuth = smtpd.ServerTLS(cert), true
	for _, f := range change {
		f(o.exchanger, &cfg)
	}
	x := &Exchanger{Server: smtpd.New(cfg), Host: o.exchanger, Addrs: s.host(o.exchanger)}
	s.t.Cleanup(func() { _ = x.Close() })
	for _, addr := range x.Addrs {
		l, err := s.net.Listen("tcp", netip.AddrPortFrom(addr, 25).String())
		if err != nil {
			return fmt.Errorf("mail exchanger %s: %w", o.exchanger, err)
		}
		x.Start(&flakyListener{l, &x.flaky}, false)
	}
	s.DNS.Set(o.domain, "MX", "5 "+o.exchanger+".")
	s.mu.Lock()
	s.exchangers[o.exchanger] = x
	s.mu.Unlock()
	return s.startControls(o.controls)
}

func (s *services) startControls(all []Control) error {
	for i := range all {
		if err := s.startControl(&all[i]); err != nil {
			return fmt.Errorf("control %s: %w", all[i].Host, err)
		}
	}
	return nil
}

// startControl opens a control's ports, unless a relay service of the test
// has the name.
func (s *services) startControl(c *Control) error {
	if s.DNS.Has(c.Host) {
		return nil
	}
	cert, err := s.ca.Issue([]string{c.Host})
	if err != nil {
		return err
	}
	config := smtpd.ServerTLS(cert)
	smtp := smtpd.New(smtpd.Config{Name: c.Host, TLS: config})
	web := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(&bytes.Buffer{}, "", 0), // probes hang up in the handshake
	}
	s.t.Cleanup(func() { _, _ = smtp.Close(), web.Close() })
	if c.Addrs == nil {
		c.Addrs = s.host(c.Host)
	} else {
		s.DNS.Host(c.Host, c.Addrs...)
	}
	for _, addr := range c.Addrs {
		listen := func(port int) (net.Listener, error) {
			l, err := s.net.Listen("tcp", net.JoinHostPort(addr.String(), strconv.Itoa(port)))
			return &countingListener{l, &c.connections}, err
		}
		if c.HTTPS {
			l, err := listen(443)
			if err != nil {
				return err
			}
			go func() { _ = web.Serve(tls.NewListener(l, config)) }()
		}
		for port, implicit := range map[int]bool{587: false, 2525: false, 465: true} {
			if !c.Submission {
				continue
			}
			l, err := listen(port)
			if err != nil {
				return err
			}
			smtp.Start(l, implicit)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controls = append(s.controls, c)
	return nil
}

// Connections counts those that were made to the control.
func (c *Control) Connections() int { return c.connections.get() }

// Masked makes an exchanger look as it does behind the "fixup" of a Cisco PIX:
// asterisks for a greeting, STARTTLS blotted out (Cisco documents 118550 and
// 118584).
func Masked(c *smtpd.Config) {
	c.Greeting = "****************************************************0*2******"
	c.Extensions = []string{"8BITMIME", "XXXXXXXA"}
	c.NoSTARTTLS = true
}

// Listed makes an exchanger greet as one does that has found the client's
// address on the Spamhaus PBL.
func Listed(c *smtpd.Config) {
	c.Replies = map[smtpd.Step]smtpd.Reply{smtpd.StepGreeting: {
		Code: 554, Enhanced: "5.7.1", Close: true,
		Text: "Service unavailable; Client host [203.0.113.10] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/203.0.113.10 (PBL)",
	}}
}

// ResetEvery resets every n-th connection after it was accepted; 0 none. SYNs
// are dropped by the firewall, not here.
func (x *Exchanger) ResetEvery(n int) { x.flaky.set(n) }

// Manners tells what connections did that a polite probe does not: leave
// without QUIT, or begin a message. It is nil when all were polite.
func (x *Exchanger) Manners() error {
	var faults []error
	for _, r := range x.Sessions() {
		if n := r.Count("MAIL") + r.Count("RCPT") + r.Count("AUTH"); n > 0 {
			faults = append(faults, fmt.Errorf("%s: connection %d: %d of MAIL, RCPT and AUTH", x.Host, r.ID, n))
		}
		if !r.Quit {
			faults = append(faults, fmt.Errorf("%s: connection %d: no QUIT after %v", x.Host, r.ID, r.Commands))
		}
	}
	return errors.Join(faults...)
}

// counted is a counter.
type counted struct {
	mu sync.Mutex
	n  int
}

func (c *counted) add() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return c.n
}

func (c *counted) get() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

type countingListener struct {
	net.Listener
	n *counted
}

// Accept counts.
func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.n.add()
	}
	return c, err
}

// flaky says which connections to reset.
type flaky struct {
	mu       sync.Mutex
	every, n int
}

func (f *flaky) set(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.every, f.n = n, 0
}

func (f *flaky) hit() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	return f.every > 0 && f.n%f.every == 0
}

type flakyListener struct {
	net.Listener
	flaky *flaky
}

// Accept resets connections that are hit and waits for the next.
func (l *flakyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || !l.flaky.hit() {
			return c, err
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}
