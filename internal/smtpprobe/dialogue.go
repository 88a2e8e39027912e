//go:build unix

package smtpprobe

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"relayhost/internal/secret"
)

const (
	defaultStepTimeout = 5 * time.Second
	defaultTimeout     = 10 * time.Second
)

// Probe takes the steps as far as t.Until. It returns no later than
// t.Timeout, and takes no round trip that the protocol does not need.
func Probe(ctx context.Context, t Target) Result {
	c := newClient(t)
	defer c.close()
	c.run(ctx)
	c.result.Total = time.Since(c.start)
	return c.result
}

func newClient(t Target) *client {
	if t.StepTimeout == 0 {
		t.StepTimeout = defaultStepTimeout
	}
	if t.Timeout == 0 {
		t.Timeout = defaultTimeout
	}
	now := time.Now()
	return &client{target: t, dial: dial, result: Result{Addr: t.Addr}, start: now, limit: now.Add(t.Timeout)}
}

// client is one dialogue.
type client struct {
	target Target
	result Result
	dial   dialFunc
	conn   net.Conn
	br     *bufio.Reader

	talking   bool // the dialogue is in step: a good-bye makes sense
	mail      bool // MAIL was sent: RSET before QUIT
	rcptAhead bool // RCPT went out with MAIL

	start, limit time.Time // of the probe; a wait before the login moves both on
}

// action is one step and how it is taken.
type action struct {
	step Step
	take func(context.Context) error
}

func (c *client) actions() []action {
	connect := action{StepConnect, c.connect}
	greeting := action{StepGreeting, c.greet}
	handshake := action{StepTLS, c.handshake}
	list := []action{connect, greeting, {StepEHLO, c.ehlo}, {StepSTARTTLS, c.startTLS}, handshake}
	if c.target.Implicit {
		list = []action{connect, handshake, greeting}
	}
	if c.target.NoTLS {
		return []action{connect, greeting, {StepEHLO, c.ehlo}, {StepMail, c.mailFrom}, {StepRcpt, c.rcptTo}}
	}
	return append(list, action{StepEHLOTLS, c.ehlo}, action{StepAuth, c.auth}, action{StepMail, c.mailFrom}, action{StepRcpt, c.rcptTo})
}

// last is the last step to take, which with TLS from the first byte has
// other names.
func (t Target) last() Step {
	switch until := t.Until; {
	case t.NoTLS && (until == "" || until == StepSTARTTLS || until == StepTLS || until == StepEHLOTLS || until == StepAuth):
		return StepEHLO
	case until == "", t.Implicit && until == StepEHLO:
		return StepEHLOTLS
	case t.Implicit && until == StepSTARTTLS:
		return StepTLS
	default:
		return until
	}
}

func (c *client) run(ctx context.Context) {
	if err := c.target.check(); err != nil {
		c.fail(StepConnect, err)
		return
	}
	c.runFrom(ctx, StepConnect)
}

// runFrom takes the steps from one on.
func (c *client) runFrom(ctx context.Context, first Step) {
	until, actions := c.target.last(), c.actions()
	begin := slices.IndexFunc(actions, func(a action) bool { return a.step == first })
	for _, a := range actions[max(begin, 0):] {
		if a.step == StepAuth && c.target.Username == "" {
			if until == StepAuth {
				return
			}
			continue
		}
		if a.step == StepAuth && !c.mayLogIn(ctx) {
			return
		}
		if err := c.runOne(ctx, a); err != nil {
			c.fail(a.step, err)
			return
		}
		c.result.Reached = a.step
		if a.step == until {
			break
		}
	}
	if until == StepRcpt {
		c.otherSenders(ctx)
	}
}

// mayLogIn asks whether to log in.
func (c *client) mayLogIn(ctx context.Context) bool {
	if c.target.BeforeAuth == nil {
		return true
	}
	began := time.Now()
	c.result.Total = began.Sub(c.start)
	yes := c.target.BeforeAuth(ctx, c.result)
	took := time.Since(began)
	c.start, c.limit = c.start.Add(took), c.limit.Add(took)
	return yes
}

// otherSenders asks for the further senders of the target.
func (c *client) otherSenders(ctx context.Context) {
	for _, c.target.MailFrom = range c.target.Senders {
		for _, a := range []action{{StepMail, c.mailFrom}, {StepRcpt, c.rcptTo}} {
			if err := c.runOne(ctx, a); err != nil {
				c.fail(a.step, err)
				return
			}
		}
	}
}

// runOne runs one action within its own limit. The deadline is absolute: a byte
// now and then does not move it.
func (c *client) runOne(ctx context.Context, a action) error {
	limit := c.target.StepTimeout
	if a.step == StepConnect && c.target.ConnectTimeout > 0 {
		limit = c.target.ConnectTimeout
	}
	end := time.Now().Add(limit)
	if end.After(c.limit) {
		end = c.limit
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	if c.conn != nil {
		deadline, _ := ctx.Deadline()
		_ = c.conn.SetDeadline(deadline)
		conn := c.conn
		stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	return a.take(ctx)
}

func (c *client) fail(step Step, err error) {
	c.result.Failed = step
	c.result.Fault = classify(err)
	switch c.result.Fault {
	case FaultReply, FaultNoSTARTTLS, FaultNoAuth, FaultNoMechanism:
	default:
		c.talking = false
	}
	c.result.Err = c.target.about(c.target.Addr, err)
}

// about names the address in an error.
func (t Target) about(addr netip.AddrPort, err error) error {
	return fmt.Errorf("%s[%s]:%d: %w", t.Name, addr.Addr(), addr.Port(), err)
}

// close says good-bye where that makes sense, and waits for no answer.
func (c *client) close() {
	if c.conn == nil {
		return
	}
	if c.talking {
		bye := "QUIT\r\n"
		if c.mail {
			bye = "RSET\r\nQUIT\r\n"
		}
		_ = c.conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		_, _ = c.conn.Write([]byte(bye))
	}
	_ = c.conn.Close()
}

// use makes conn the connection of the dialogue and forgets what was read
// ahead.
func (c *client) use(conn net.Conn) {
	c.conn = conn
	c.br = bufio.NewReaderSize(conn, maxLine)
}

// masked matches what a Cisco PIX makes of a greeting ("220 ****") or of a
// capability that it hides ("XXXXXXXA").
var masked = regexp.MustCompile(`\*{4,}|^X{4,}[A-Z]?$`)

func (c *client) greet(context.Context) error {
	first, err := c.br.Peek(1)
	if err != nil {
		return err
	}
	if first[0] != '2' && first[0] != '4' && first[0] != '5' {
		// One byte is there; the rest of the segment is, too.
		first, _ = c.br.Peek(c.br.Buffered())
		if name := foreign(first); name != "" {
			return faultf(FaultNotSMTP, "the port speaks %s, not SMTP", name)
		}
		return faultf(FaultNotSMTP, "the port does not speak SMTP: it says \"%s\"", Sanitize(string(first)))
	}
	r, err := c.read()
	if err != nil {
		return err
	}
	c.result.Banner = c.result.Text
	c.result.Masked = masked.MatchString(c.result.Banner)
	return c.expect(r, 220, "the greeting")
}

func (c *client) ehlo(context.Context) error {
	name := c.target.HELO
	if name == "" {
		name = literal(c.conn.LocalAddr())
	}
	r, err := c.command("EHLO " + name)
	if err != nil {
		return err
	}
	if err := c.expect(r, 250, "EHLO"); err != nil {
		return err
	}
	c.result.Extensions = map[string]string{}
	c.result.Auth = nil
	for _, line := range r.lines[1:] {
		keyword, params, _ := strings.Cut(strings.TrimSpace(line), " ")
		if masked.MatchString(keyword) {
			c.result.Masked = true
		}
		// "AUTH=LOGIN" is how servers before RFC 2554 said it.
		if old, mechanisms, ok := strings.Cut(keyword, "="); ok && strings.EqualFold(old, "AUTH") {
			keyword, params = old, strings.TrimSpace(mechanisms+" "+params)
		}
		keyword, params = strings.ToUpper(Sanitize(keyword)), Sanitize(params)
		c.result.Extensions[keyword] = params
		if keyword == "AUTH" {
			for _, m := range strings.Fields(strings.ToUpper(params)) {
				if !slices.Contains(c.result.Auth, m) {
					c.result.Auth = append(c.result.Auth, m)
				}
			}
		}
	}
	return nil
}

// literal is the address of this end, as EHLO takes it without a host name.
func literal(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return "[127.0.0.1]"
	}
	if ip := tcp.AddrPort().Addr().Unmap().WithZone(""); ip.Is4() {
		return "[" + ip.String() + "]"
	} else {
		return "[IPv6:" + ip.String() + "]"
	}
}

func (c *client) mailFrom(context.Context) error {
	c.result.Sender = c.target.MailFrom
	lines := []string{"MAIL FROM:<" + c.target.MailFrom + ">"}
	if c.mail {
		if r, err := c.command("RSET"); err != nil {
			return err
		} else if err := c.expect(r, 250, "RSET"); err != nil {
			return err
		}
	}
	if _, ok := c.result.Extensions["PIPELINING"]; ok && c.target.last() == StepRcpt {
		c.rcptAhead = true
		lines = append(lines, c.target.rcpt())
	}
	c.mail = true
	r, err := c.command(lines...)
	if err != nil {
		return err
	}
	return c.expect(r, 250, "MAIL FROM")
}

func (c *client) rcptTo(context.Context) error {
	var r reply
	var err error
	if c.rcptAhead {
		r, err = c.read()
	} else {
		r, err = c.command(c.target.rcpt())
	}
	if err != nil {
		return err
	}
	if r.code == 251 { // RFC 5321, section 3.4: forwarded
		return nil
	}
	return c.expect(r, 250, "RCPT TO")
}

// rcpt is the command for the recipient.
func (t Target) rcpt() string { return "RCPT TO:<" + t.RcptTo + ">" }

// command sends lines in one segment and reads the reply to the first.
func (c *client) command(lines ...string) (reply, error) {
	return c.say(strings.Join(lines, "\r\n"), lines...)
}

// say is command for a text that shows as something else. Bytes that came
// before we asked are somebody's injection or a server out of step.
func (c *client) say(text string, shown ...string) (reply, error) {
	if c.br.Buffered() > 0 {
		return reply{}, protocolError("it spoke before it was asked")
	}
	for _, line := range shown {
		c.target.trace(true, line)
	}
	if _, err := c.conn.Write([]byte(text + "\r\n")); err != nil {
		return reply{}, err
	}
	return c.read()
}

// read reads a reply and notes it as the last one.
func (c *client) read() (reply, error) {
	r, err := readReply(c.br)
	if err != nil {
		return r, err
	}
	c.talking = true
	shown := make([]string, len(r.lines))
	for i, line := range r.lines {
		shown[i] = Sanitize(secret.Redact(line, c.target.Username, c.target.Password, c.target.Token))
		mark := " "
		if i < len(r.lines)-1 {
			mark = "-"
		}
		c.target.trace(false, fmt.Sprintf("%d%s%s", r.code, mark, shown[i]))
	}
	c.result.Code, c.result.Enhanced = r.code, r.status()
	c.result.Text = Sanitize(strings.Join(shown, " / "))
	return r, nil
}

// expect makes an error of every reply but the one with the code, in the words
// of Postfix's own log.
func (c *client) expect(r reply, code int, to string) error {
	switch {
	case r.code == code:
		return nil
	case r.code >= 400:
		return faultf(FaultReply, "said: %d %s (in reply to %s)", r.code, c.result.Text, to)
	}
	return protocolError(fmt.Sprintf("it answers %s with %d %s", to, r.code, c.result.Text))
}

func (t Target) trace(sent bool, line string) {
	if t.Trace != nil {
		t.Trace(Exchange{sent, Sanitize(line)})
	}
}
