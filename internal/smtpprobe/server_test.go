package smtpprobe

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/secret"
)

const password = "correct horse battery"

// hushed is text without the password, plain and as AUTH sends it: for messages.
func hushed(text string) string { return secret.Redact(text, "user", secret.New(password)) }

// peer is the server's end of one connection; script says what it does there.
type peer struct {
	net.Conn
	br      *bufio.Reader
	network *network
}

// network is a listening script and what reached it, in clear and encrypted.
type network struct {
	addr netip.AddrPort
	cert tls.Certificate

	mu       sync.Mutex
	clear    strings.Builder
	hidden   strings.Builder
	listener net.Listener
	done     sync.WaitGroup
}

// listen runs script for each connection to a loopback port.
func listen(t *testing.T, cert tls.Certificate, script func(*peer)) *network {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &network{addr: netip.MustParseAddrPort(l.Addr().String()), cert: cert, listener: l}
	n.done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n.done.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				p := &peer{Conn: conn, network: n}
				p.br = bufio.NewReader(io.TeeReader(conn, recorder{n, &n.clear}))
				script(p)
				_, _ = io.Copy(io.Discard, p.br) // the rest of what the client says
			})
		}
	})
	t.Cleanup(func() { l.Close(); n.done.Wait() })
	return n
}

// recorder keeps what came in.
type recorder struct {
	network *network
	to      *strings.Builder
}

func (r recorder) Write(b []byte) (int, error) {
	r.network.mu.Lock()
	defer r.network.mu.Unlock()
	return r.to.Write(b)
}

// received ends the listening and returns all that came in.
func (n *network) received() (clear, hidden string) {
	n.listener.Close()
	n.done.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.clear.String(), n.hidden.String()
}

// say reports whether the other end was still there.
func (p *peer) say(s string) bool {
	_, err := io.WriteString(p.Conn, s)
	return err == nil
}

// hear reads a line.
func (p *peer) hear() string {
	line, _ := p.br.ReadString('\n')
	return strings.TrimRight(line, "\r\n")
}

// encrypt is the server's side of the handshake.
func (p *peer) encrypt(conf *tls.Config) bool {
	if conf == nil {
		conf = &tls.Config{}
	}
	conf.Certificates = []tls.Certificate{p.network.cert}
	conn := tls.Server(&buffered{p.Conn, p.br}, conf)
	if conn.Handshake() != nil {
		return false
	}
	p.Conn = conn
	p.br = bufio.NewReader(io.TeeReader(conn, recorder{p.network, &p.network.hidden}))
	return true
}

// buffered reads what the clear-text reader took already.
type buffered struct {
	net.Conn
	br *bufio.Reader
}

func (b *buffered) Read(p []byte) (int, error) { return b.br.Read(p) }

// upgrade is the dialogue up to an encrypted connection.
func (p *peer) upgrade(capabilities string) bool {
	p.say("220 relay.test ESMTP\r\n")
	p.hear()
	p.say("250-relay.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n")
	p.hear()
	p.say("220 go ahead\r\n")
	if !p.encrypt(nil) {
		return false
	}
	p.hear()
	p.say("250-relay.test\r\n" + capabilities)
	return true
}

type ca struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newCA(t *testing.T) *ca {
	t.Helper()
	a := &ca{pool: x509.NewCertPool()}
	a.key = newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	a.pool.AddCert(a.cert)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate for name that ends at the time.
func (a *ca) issue(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// target is a full probe of n.
func (n *network) target(pool *x509.CertPool) Target {
	return Target{Name: "relay.test", Addr: n.addr, Until: StepRcpt, HELO: "host.example.com", Roots: pool,
		Username: "user", Password: secret.New(password), MailFrom: "a@example.com", RcptTo: "b@example.net",
		StepTimeout: 2 * time.Second, Timeout: 6 * time.Second} // a busy machine has pauses of its own
}

func many(n int, line string) string { return strings.Repeat(line, n) }

func count(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}
