package lab

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strconv"
	"time"

	"relayhost/internal/lab/script"
	"relayhost/internal/smtpd"
)

// Script plays steps to whoever connects to a port of a host, which gets an
// IPv4 address of its own: a relay service or exchanger of that name is there
// no more. Further ports of the host are scripted by further calls.
func (s *services) Script(host string, port int, steps ...script.Step) *script.Server {
	s.t.Helper()
	l, err := s.net.Listen("tcp", net.JoinHostPort(s.scriptAddr(host).String(), strconv.Itoa(port)))
	s.must(err)
	server := script.Play(l, steps...)
	s.t.Cleanup(func() { _ = server.Close() })
	return server
}

// scriptAddr is the address of a scripted host.
func (s *services) scriptAddr(host string) netip.Addr {
	s.mu.Lock()
	addr, ok := s.scripted[host]
	s.mu.Unlock()
	if ok {
		return addr
	}
	addr, _ = s.addresses()
	s.DNS.Host(host, addr)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripted[host] = addr
	return addr
}

// ServerTLS is a TLS configuration with a right certificate for the names, as
// the steps of a script want it.
func (s *services) ServerTLS(names ...string) *tls.Config {
	s.t.Helper()
	cert, err := s.ca.Issue(names)
	s.must(err)
	return smtpd.ServerTLS(cert)
}

// Flaw is what is wrong with a certificate.
type Flaw string

// The flaws of certificates.
const (
	Flawless    Flaw = ""
	Expired     Flaw = "expired"       // since yesterday
	NotYetValid Flaw = "not yet valid" // until tomorrow
	WrongName   Flaw = "wrong name"    // for other.example
	SelfSigned  Flaw = "self-signed"
	UnknownCA   Flaw = "unknown CA" // signed by an authority that nobody trusts
)

// Present makes the service show a certificate with a flaw from the next
// connection on.
func (r *RelayService) Present(flaw Flaw) error {
	var names []string
	for _, h := range r.Hosts {
		names = append(names, h.Name)
	}
	cert, err := r.ca.issueFlawed(flaw, names)
	if err != nil {
		return err
	}
	r.Configure(func(c *smtpd.Config) { c.TLS = smtpd.ServerTLS(cert) })
	return nil
}

func (ca *CA) issueFlawed(flaw Flaw, names []string) (tls.Certificate, error) {
	now := time.Now()
	from, until := now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)
	switch flaw {
	case SelfSigned:
		return smtpd.SelfSigned(names...)
	case WrongName:
		names = []string{"other.example"}
	case UnknownCA:
		other, err := newCA()
		if err != nil {
			return tls.Certificate{}, err
		}
		return other.Issue(names)
	case Expired:
		until = now.AddDate(0, 0, -1)
	case NotYetValid:
		from = now.AddDate(0, 0, 1)
	}
	return ca.issue(from, until, names)
}
