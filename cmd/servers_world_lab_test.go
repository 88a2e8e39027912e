//go:build lab

package cmd_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/smtp"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// markedPassword is the password of every account of the table test. It must
// not appear in any output.
const markedPassword = "Gehe1mPa55-42"

// caseRelay is the relay that setup is told to use.
type caseRelay struct {
	ID         string   `json:"id"`    // of the catalogue, or "" with Hosts
	Hosts      []string `json:"hosts"` // of a smarthost
	User       string   `json:"user"`
	Password   string   `json:"password"`   // "" is markedPassword
	Mechanisms []string `json:"mechanisms"` // nil: those of the relay
	Plain      bool     `json:"plain"`      // no STARTTLS, AUTH in the clear
	Users      []string `json:"users"`      // further accounts
}

// caseReceiver is another SMTP or LMTP server that mail of the case goes to.
type caseReceiver struct {
	Name       string   `json:"name"`
	Address    string   `json:"address"` // "192.0.2.200:25"; 127.0.0.0/8 and unix:/path are on the server itself
	TLS        string   `json:"tls"`     // "", "starttls", "implicit"
	Cert       []string `json:"cert"`    // names in the certificate; nil: Name
	Self       bool     `json:"self_signed"`
	SelfCA     bool     `json:"self_ca"`   // self-signed and CA:TRUE
	SaveCert   string   `json:"save_cert"` // file on the server that gets the certificate
	User       string   `json:"user"`      // wants this login, with markedPassword
	Mechanisms []string `json:"mechanisms"`
	Open       bool     `json:"open"` // offers AUTH and takes mail without it
	LMTP       bool     `json:"lmtp"`
	NoDNS      bool     `json:"no_dns"`
	Reinject   int      `json:"reinject"` // a content filter: passes mail on to this port of the server
	Refuse     string   `json:"refuse"`   // reply to RCPT
}

// caseMail is one message, and where it has to arrive.
type caseMail struct {
	From string `json:"from"`
	To   string `json:"to"`
	As   string `json:"as"`   // sent by this user, without a sender
	Wire bool   `json:"wire"` // comes by SMTP from outside
	// Before and After are names of receivers; "relay" is the relay, "mx" the
	// recipient's own exchanger, "local" a mailbox here, "" nowhere. Where After is
	// "same", or "" with a Before, everything about the way has to be the same;
	// "a|b" is either.
	Before string `json:"before"`
	After  string `json:"after"`
	// Identity is the sender that the receiver must see after; "" is any.
	Identity string `json:"identity"`
	// Copies: others get copies of it; the one to To counts.
	Copies bool `json:"copies"`
}

// arrival is how a message came, as its receiver saw it.
type arrival struct {
	At     string   // receiver, "local", or "" where it has not arrived
	Via    []string // content filters on the way
	User   string
	TLS    bool
	Sender string
	HELO   string
	Why    string // the log's word on a message that has not arrived
}

func (a arrival) String() string {
	if a.At == "" {
		return "nowhere: " + a.Why
	}
	return fmt.Sprintf("%s (via %v, user %q, TLS %t, sender <%s>, HELO %s)", a.At, a.Via, a.User, a.TLS, a.Sender, a.HELO)
}

// same reports whether a message came by the same way.
func (a arrival) same(b arrival) bool {
	return a.At == b.At && slices.Equal(a.Via, b.Via) && a.User == b.User && a.TLS == b.TLS && a.Sender == b.Sender && a.HELO == b.HELO
}

// serverWorld is the lab of one case: a server and everybody who gets its mail.
type serverWorld struct {
	testing.TB
	l         *lab.Lab
	mu        sync.Mutex
	receivers []receiver
	lmtp      []received // by LMTP, which smtpd does not speak
	filtered  map[string][]string
	sent      int
}

type receiver struct {
	name string
	*smtpd.Server
}

type received struct {
	name, from string
	to         []string
	data       []byte
}

// newServerWorld starts the world of a case. Every domain that the mail of the
// case names exists and has an exchanger, and port 25 is open: so the way of
// each message is seen, also where it is the direct one.
func newServerWorld(t testing.TB, c *serverCase) *serverWorld {
	t.Helper()
	w := &serverWorld{TB: t, filtered: map[string][]string{}}
	opts := []lab.Option{lab.Cloud("aws"), lab.MailExchangers(), lab.Hostname(c.hostname())}
	if c.Suite != "" {
		opts = append(opts, lab.On(c.Suite))
	}
	if len(c.Packages) > 0 {
		opts = append(opts, lab.Packages(c.Packages...))
	}
	if c.NoIPv6 {
		opts = append(opts, lab.NoIPv6())
	}
	if len(c.Hosts) > 0 {
		opts = append(opts, lab.Hosts(c.Hosts...))
	}
	if r := c.Relay; r != nil {
		change := func(s *smtpd.Config) {
			s.Accounts = []smtpd.Account{{Username: r.User, Password: secret.New(r.password())}}
			for _, user := range r.Users {
				s.Accounts = append(s.Accounts, smtpd.Account{Username: user, Password: secret.New(r.password())})
			}
			if r.Mechanisms != nil {
				s.Mechanisms = r.Mechanisms
			}
			if r.Plain {
				s.NoSTARTTLS, s.AuthWithoutTLS = true, true
			}
		}
		if r.ID != "" {
			opts = append(opts, lab.Relay(r.ID, change))
		} else {
			opts = append(opts, lab.RelayAt(r.Hosts, smarthostPorts, change))
		}
	}
	opts = append(opts, lab.MailExchanger("elsewhere.example", "mx.elsewhere.example"))
	w.l = lab.New(t, opts...)
	for _, x := range w.l.World.Exchangers() {
		w.receivers = append(w.receivers, receiver{"mx", x.Server})
	}
	if r := c.Relay; r != nil {
		id := r.ID
		if id == "" {
			id = relays.SmarthostID
		}
		w.receivers = append(w.receivers, receiver{"relay", w.l.World.Relay(id).Server})
	}
	for _, r := range c.Receivers {
		w.receive(r)
	}
	for _, domain := range c.domains() {
		if !operators[domain] {
			w.l.World.DNS.Set(domain, "MX", "10 mx.elsewhere.example.")
		}
	}
	if c.SRS {
		w.srs()
	}
	if c.Socketmap != nil {
		w.socketmap(c.Socketmap)
	}
	return w
}

// operators have exchangers of their own.
var operators = map[string]bool{"gmail.com": true, "outlook.com": true, "yahoo.com": true}

// smarthostPorts are those of a relay outside of the catalogue.
var smarthostPorts = []relays.Port{{Port: 587, TLS: relays.StartTLS}, {Port: 465, TLS: relays.Implicit}, {Port: 25, TLS: relays.StartTLS}, {Port: 2525, TLS: relays.StartTLS}}

// receive starts one more receiver.
func (w *serverWorld) receive(r caseReceiver) {
	w.Helper()
	listener := w.listen(r.Address)
	if r.LMTP {
		go w.serveLMTP(r, listener)
		return
	}
	cfg := smtpd.Config{Name: r.Name, NoAuth: r.User == ""}
	if r.TLS != "" {
		names := r.Cert
		if names == nil {
			names = []string{r.Name}
		}
		cert, err := w.certificate(names, r)
		if err != nil {
			w.Fatal(err)
		}
		cfg.TLS = smtpd.ServerTLS(cert)
		if r.SaveCert != "" {
			w.l.Server.WriteFile(r.SaveCert, certificatePEM(cert), 0o644)
		}
	}
	if r.User != "" {
		cfg.Accounts = []smtpd.Account{{Username: r.User, Password: secret.New(markedPassword)}}
	}
	cfg.Mechanisms, cfg.AuthWithoutTLS = r.Mechanisms, r.TLS == ""
	if r.Open {
		cfg.NoAuth = true
		cfg.Accounts = []smtpd.Account{{Username: "nobody@example.invalid", Password: secret.New("never given to anybody")}}
	}
	if r.Refuse != "" {
		code, text, _ := strings.Cut(r.Refuse, " ")
		n, err := strconv.Atoi(code)
		if err != nil {
			w.Fatalf("case: refuse %q: %v", r.Refuse, err)
		}
		cfg.Recipient = func(string, string) *smtpd.Reply { return &smtpd.Reply{Code: n, Text: text} }
	}
	if r.Reinject > 0 {
		cfg.Extensions = []string{"PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"}
		cfg.Message = func(m smtpd.Envelope) *smtpd.Reply { return w.reinject(r, m) }
	}
	s := smtpd.New(cfg)
	w.Cleanup(func() { _ = s.Close() })
	s.Start(listener, r.TLS == "implicit")
	if r.Reinject == 0 {
		w.receivers = append(w.receivers, receiver{r.Name, s})
	}
	if host, _, err := net.SplitHostPort(r.Address); err == nil && !onServer(r.Address) && !r.NoDNS && !w.l.World.DNS.Has(r.Name) {
		w.l.World.DNS.Host(r.Name, netip.MustParseAddr(host))
	}
}

func (w *serverWorld) certificate(names []string, r caseReceiver) (tls.Certificate, error) {
	switch {
	case r.SelfCA:
		return selfSignedCA(names)
	case r.Self:
		return smtpd.SelfSigned(names...)
	}
	return w.l.World.CA.Issue(names)
}

// selfSignedCA makes a server certificate that is its own authority, as local
// mail bridges do.
func selfSignedCA(names []string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func onServer(address string) bool {
	return strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "127.") || strings.HasPrefix(address, "[::1]")
}

// listen listens in the world, or on the server where the address is one of its own.
func (w *serverWorld) listen(address string) net.Listener {
	w.Helper()
	if !onServer(address) {
		l, err := w.l.World.Listen("tcp", address)
		if err != nil {
			w.Fatal(err)
		}
		return l
	}
	var l net.Listener
	err := w.l.Server.In(func() error {
		network := "tcp"
		path, unix := strings.CutPrefix(address, "unix:")
		if unix {
			network, address = "unix", path
		}
		var err error
		if l, err = new(net.ListenConfig).Listen(context.Background(), network, address); err == nil && unix {
			err = os.Chmod(path, 0o666)
		}
		return err
	})
	if err != nil {
		w.Fatalf("case: listen on %s: %v", address, err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // the path is the server's
	}
	w.Cleanup(func() { _ = l.Close() })
	return l
}

// reinject hands a message back to the server, as a content filter does.
func (w *serverWorld) reinject(r caseReceiver, m smtpd.Envelope) *smtpd.Reply {
	w.mu.Lock()
	id := messageID.FindString(string(m.Data))
	w.filtered[id] = append(w.filtered[id], r.Name)
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := w.l.Server.Dial(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", r.Reinject))
	if err == nil {
		err = deliver(conn, r.Name, m.From, m.To, m.Data)
	}
	if err != nil {
		return &smtpd.Reply{Code: 451, Text: "filter: " + strings.ReplaceAll(err.Error(), "\n", " ")}
	}
	return nil
}

// deliver speaks SMTP on conn.
func deliver(conn net.Conn, helo, from string, to []string, data []byte) error {
	defer conn.Close()
	c, err := smtp.NewClient(conn, helo)
	if err != nil {
		return err
	}
	if err := c.Hello(helo); err != nil {
		return err
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	for _, rcpt := range to {
		if err := c.Rcpt(rcpt); err != nil {
			return err
		}
	}
	wc, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := wc.Write(data); err != nil {
		return err
	}
	return errors.Join(wc.Close(), c.Quit())
}

// messageID finds the ID that send gives each message.
var messageID = regexp.MustCompile(`<case-\d+@case\.example>`)

// send hands a message to the server and returns its ID.
func (w *serverWorld) send(m caseMail) string {
	w.Helper()
	w.sent++
	id := fmt.Sprintf("<case-%d@case.example>", w.sent)
	text := fmt.Sprintf("To: %s\nSubject: lab\nMessage-ID: %s\n\nhello\n", m.To, id)
	switch {
	case m.Wire:
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		conn, err := w.l.World.Dial(ctx, "tcp", netip.AddrPortFrom(w.l.Server.IPv4, 25).String())
		if err == nil {
			err = deliver(conn, "mx.elsewhere.example", m.From, []string{m.To}, []byte(strings.ReplaceAll("From: "+m.From+"\n"+text, "\n", "\r\n")))
		}
		if err != nil {
			w.Logf("%s to %s was not taken by the server: %v", m.From, m.To, err)
		}
	case m.As != "":
		w.l.Server.RunInput(text, "su", "-s", "/bin/sh", m.As, "-c", "sendmail -i -- '"+m.To+"'")
	case m.From != "":
		w.l.Server.RunInput("From: "+m.From+"\n"+text, "sendmail", "-i", "-f", m.From, "--", m.To)
	default:
		w.l.Server.RunInput(text, "sendmail", "-i", "--", m.To)
	}
	return id
}

// patience is how long a message that has to arrive may take, and impatience how
// long one is waited for that is not meant to.
const patience, impatience = 12 * time.Second, 2 * time.Second

// arrivals sends messages and waits for each until it has arrived, or the log
// says that it will not, or its time is over.
func (w *serverWorld) arrivals(all []caseMail, meant func(caseMail) bool) []arrival {
	w.Helper()
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = w.send(m)
	}
	got := make([]arrival, len(all))
	start := time.Now()
	for i, id := range ids {
		end := start.Add(impatience)
		if meant(all[i]) {
			end = start.Add(patience)
		}
		for {
			var final bool
			if got[i], final = w.look(id, all[i]); final || time.Now().After(end) {
				break
			}
			time.Sleep(30 * time.Millisecond)
		}
	}
	return got
}

// look says where a message is, and whether that is the end of it for now.
func (w *serverWorld) look(id string, mail caseMail) (arrival, bool) {
	w.mu.Lock()
	via := slices.Clone(w.filtered[id])
	for _, m := range w.lmtp {
		if bytes.Contains(m.data, []byte(id)) && (!mail.Copies || slices.Contains(m.to, mail.To)) {
			w.mu.Unlock()
			return arrival{At: m.name, Via: via, Sender: m.from}, true
		}
	}
	w.mu.Unlock()
	for _, r := range w.receivers {
		for _, m := range r.Mailbox() {
			if bytes.Contains(m.Data, []byte(id)) && (!mail.Copies || slices.Contains(m.To, mail.To)) {
				return arrival{At: r.name, Via: via, User: m.Session.Username, TLS: m.Session.TLSVersion != "", Sender: m.From, HELO: m.Session.HELO}, true
			}
		}
	}
	log := w.l.Server.MailLog()
	a := arrival{Why: "the log does not name it"}
	final := false
	for _, m := range regexp.MustCompile(`(\w+): message-id=`+regexp.QuoteMeta(id)).FindAllStringSubmatch(log, -1) {
		for _, d := range regexp.MustCompile(` `+m[1]+`: to=<([^>]*)>.* relay=(\S+?), .*status=(\w+) \((.*)`).FindAllStringSubmatch(log, -1) {
			to, relay, status, why := d[1], d[2], d[3], d[4]
			switch {
			case mail.Copies && to != mail.To:
			case status == "sent" && !strings.HasPrefix(why, "forwarded as") && (relay == "local" || relay == "virtual" || strings.HasPrefix(why, "delivered via ") && !strings.Contains(why, "via filter service") && !strings.Contains(why, "via spamassassin service")):
				return arrival{At: "local", Via: via}, true
			case status != "sent":
				a.Why, final = status+" "+why, true
			}
		}
	}
	return a, final
}
