//go:build unix

package bridge

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"

	"relayhost/internal/mailaddr"
	"relayhost/internal/smtpprobe"
)

// Verb is a command of the dialogue with Postfix.
type Verb string

// The commands that a next hop is handed. LHLO, RSET, NOOP, VRFY and QUIT end at
// the bridge.
const (
	Mail Verb = "MAIL"
	Rcpt Verb = "RCPT"
	Data Verb = "DATA"
)

// Command is one command of an envelope.
type Command struct {
	Verb    Verb
	Address string   // without <>; "" is the null sender
	Params  []string // ESMTP parameters: "SIZE=1000", "BODY=8BITMIME"
}

// Hop is where a message goes: an SMTP server, an API.
type Hop interface {
	// Extensions are the EHLO keywords, with parameters, that Postfix may use.
	Extensions() []string
	// Envelope takes the commands that Postfix sent together, in order, the last
	// perhaps Data, and returns a reply for each. An error ends the dialogue: Postfix
	// keeps the mail and tries again.
	Envelope(ctx context.Context, commands []Command) ([]smtpprobe.Reply, error)
	// Message takes the message after a 354 to Data, and returns a reply for each
	// recipient that was accepted, in their order.
	Message(ctx context.Context, r io.Reader) ([]smtpprobe.Reply, error)
	// Reset forgets the envelope.
	Reset()
	// Close says good-bye.
	Close()
}

// The limits of the dialogue with Postfix. Postfix waits 300 s for a reply and 600
// s for the one after the message (lmtp_mail_timeout, lmtp_data_done_timeout of
// postconf(5)), and closes a connection that it keeps after some seconds
// (smtp_connection_cache_time_limit).
const (
	idleLimit  = 5 * time.Minute // between two commands, and between two blocks of a message
	writeLimit = time.Minute
	maxCommand = 4 << 10  // bytes of one command line
	maxBatch   = 1 << 10  // commands answered together
	maxErrors  = 20       // commands that are none, until the dialogue ends
	chunk      = 64 << 10 // bytes of the buffer that Postfix's pipelined commands fit in
)

// dialogue is one connection from Postfix's lmtp(8) (RFC 2033), whose commands are
// answered by a next hop. Commands that arrived together are handed on together,
// so that a message takes no more round trips than with smtp(8).
type dialogue struct {
	conn net.Conn
	br   *bufio.Reader
	name string // of this host
	hop  Hop
}

// serve runs the dialogue until Postfix ends it.
func (d *dialogue) serve(ctx context.Context) error {
	if err := d.say(ctx, reply(220, "", d.name+" relayhost bridge")); err != nil {
		return err
	}
	for errs := 0; ; {
		line, err := d.line(ctx)
		if errors.Is(err, io.EOF) && line == "" {
			return nil // a connection that Postfix has kept ends without a word (scache(8)), and spawn(8) logs what is no success
		}
		if err != nil {
			return err
		}
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "LHLO":
			d.hop.Reset()
			err = d.say(ctx, d.greeting())
		case "MAIL", "RCPT", "DATA":
			err = d.envelope(ctx, line)
		case "RSET":
			d.hop.Reset()
			err = d.say(ctx, reply(250, "2.0.0", "Ok"))
		case "NOOP":
			err = d.say(ctx, reply(250, "2.0.0", "Ok"))
		case "QUIT":
			return d.say(ctx, reply(221, "2.0.0", "Bye"))
		default:
			if errs++; errs > maxErrors {
				return d.say(ctx, reply(421, "4.7.0", "too many errors"))
			}
			err = d.say(ctx, reply(500, "5.5.2", fmt.Sprintf("command %.20q with %d bytes is not known", verb, len(rest))))
		}
		if err != nil {
			return err
		}
	}
}

// greeting is the reply to LHLO: what the hop takes, and PIPELINING, which costs
// the hop nothing.
func (d *dialogue) greeting() smtpprobe.Reply {
	return smtpprobe.Reply{Code: 250, Lines: append([]string{d.name, "PIPELINING", "ENHANCEDSTATUSCODES"}, d.hop.Extensions()...)}
}

// envelope answers a command and those that arrived with it.
func (d *dialogue) envelope(ctx context.Context, line string) error {
	batch, refused := []Command{}, smtpprobe.Reply{}
	for {
		c, err := parse(line)
		if err != nil {
			refused = reply(501, "5.5.4", err.Error())
			break
		}
		batch = append(batch, c)
		if c.Verb == Data || len(batch) == maxBatch || !d.more() {
			break
		}
		if line, err = d.line(ctx); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return d.say(ctx, refused)
	}
	replies, err := d.hop.Envelope(ctx, batch)
	if err == nil && len(replies) != len(batch) {
		err = fmt.Errorf("%d replies to %d commands", len(replies), len(batch))
	}
	if err != nil {
		return d.giveUp(ctx, err)
	}
	if refused.Code != 0 {
		replies = append(replies, refused)
	}
	if err := d.say(ctx, replies...); err != nil {
		return err
	}
	if last := replies[len(replies)-1]; refused.Code == 0 && batch[len(batch)-1].Verb == Data && last.Code == 354 {
		return d.message(ctx)
	}
	return nil
}

// message hands the message on as it comes.
func (d *dialogue) message(ctx context.Context) error {
	body := &messageReader{r: textproto.NewReader(d.br).DotReader(), ctx: ctx, conn: d.conn}
	replies, err := d.hop.Message(ctx, body)
	if body.err != nil {
		return fmt.Errorf("Postfix ended the message half way: %w", body.err)
	}
	if err != nil {
		// The rest of the message has to be read before Postfix reads a reply.
		if _, drained := io.Copy(io.Discard, body); drained != nil {
			return drained
		}
		return d.giveUp(ctx, err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return err
	}
	// What the next hop has accepted is said even when the process is about to end:
	// Postfix would send it again.
	return d.say(context.WithoutCancel(ctx), replies...)
}

// messageReader gives each block of a message its own limit, and keeps Postfix's
// failures apart from the hop's.
type messageReader struct {
	r    io.Reader
	ctx  context.Context
	conn net.Conn
	err  error // of Postfix's side
}

func (m *messageReader) Read(p []byte) (int, error) {
	if err := m.conn.SetReadDeadline(time.Now().Add(idleLimit)); err != nil {
		m.err = err
		return 0, err
	}
	stop := context.AfterFunc(m.ctx, func() { _ = m.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	n, err := m.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}

// giveUp tells Postfix why the dialogue ends. Postfix logs the text and keeps the
// mail (RFC 5321, section 3.8).
func (d *dialogue) giveUp(ctx context.Context, cause error) error {
	return errors.Join(cause, d.say(ctx, Unavailable(cause)))
}

// more reports whether a further complete command has arrived.
func (d *dialogue) more() bool {
	waiting, _ := d.br.Peek(d.br.Buffered())
	i := strings.IndexByte(string(waiting), '\n')
	if i < 0 {
		return false
	}
	switch verb, _, _ := strings.Cut(strings.TrimRight(string(waiting[:i]), "\r"), " "); strings.ToUpper(verb) {
	case "MAIL", "RCPT", "DATA":
		return true
	}
	return false
}

// line reads one command.
func (d *dialogue) line(ctx context.Context) (string, error) {
	if err := d.conn.SetReadDeadline(time.Now().Add(idleLimit)); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = d.conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	b, err := d.br.ReadSlice('\n')
	if err != nil {
		return string(b), err
	}
	if len(b) > maxCommand {
		return "", errors.New("a command is too long")
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

// say writes replies in one segment.
func (d *dialogue) say(ctx context.Context, replies ...smtpprobe.Reply) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := d.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	var out []byte
	for _, r := range replies {
		out = append(out, r.Bytes()...)
	}
	_, err := d.conn.Write(out)
	return err
}

// reply is one of our own.
func reply(code int, enhanced, text string) smtpprobe.Reply {
	if enhanced != "" {
		text = enhanced + " " + text
	}
	return smtpprobe.Reply{Code: code, Lines: []string{text}}
}

var errPath = errors.New("the address is not in the form <local@domain>")

// parse reads MAIL FROM, RCPT TO and DATA as Postfix writes them.
func parse(line string) (Command, error) {
	if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Command{}, errors.New("the command contains a control character")
	}
	verb, rest, _ := strings.Cut(line, " ")
	c := Command{Verb: Verb(strings.ToUpper(verb))}
	var keyword string
	switch c.Verb {
	case Data:
		if rest != "" {
			return c, errors.New("DATA has no parameter")
		}
		return c, nil
	case Mail:
		keyword = "FROM:"
	case Rcpt:
		keyword = "TO:"
	default:
		return c, errors.New("not a command of an envelope")
	}
	if len(rest) < len(keyword) || !strings.EqualFold(rest[:len(keyword)], keyword) {
		return c, errPath
	}
	rest, opened := strings.CutPrefix(strings.TrimPrefix(rest[len(keyword):], " "), "<")
	path, params, closed := mailaddr.CutPath(rest)
	if !opened || !closed || params != "" && params[0] != ' ' || c.Verb == Rcpt && path == "" {
		return c, errPath
	}
	c.Address, c.Params = path, strings.Fields(params)
	return c, nil
}
