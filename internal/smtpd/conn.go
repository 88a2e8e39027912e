package smtpd

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// handshakeLimit bounds a TLS handshake.
const handshakeLimit = 30 * time.Second

// mode says what the client's next bytes are.
type mode int

const (
	commands mode = iota
	response      // one line, the answer to a SASL challenge
	message       // until the line with the single dot
)

// conn stands between the client and go-smtp. It hands on one line at a time,
// so that a command is read only when the one before it has been answered:
// what is written belongs to the command that was read last, pipelined or not.
type conn struct {
	net.Conn // the TCP connection
	server   *Server
	record   *Session // fields are written under server.mu
	once     sync.Once

	mu     sync.Mutex
	stream net.Conn // the TCP connection, or TLS on top of it

	// The rest belongs to go-smtp's goroutine for this connection.
	in         *bufio.Reader
	pending    []byte // read, not yet handed on
	out        []byte // written by go-smtp, not yet a whole line
	mode       mode
	lineStart  bool   // in a message: the bytes before were a whole line
	instead    *Reply // to be sent in place of go-smtp's next reply
	greeted    bool
	encrypted  bool
	closing    bool
	turnedAway bool
	helo       string // "" also after STARTTLS: the client has to greet again
	user       string // "" until AUTH has succeeded
}

func newConn(s *Server, raw net.Conn, implicit bool) *conn {
	return &conn{
		Conn: raw, server: s, stream: raw, in: bufio.NewReaderSize(raw, maxLine+2),
		record: &Session{
			Remote: raw.RemoteAddr().String(), Local: raw.LocalAddr().String(),
			Implicit: implicit, Started: time.Now(),
		},
	}
}

// Read hands go-smtp the next line that it is to see.
func (c *conn) Read(b []byte) (int, error) {
	for len(c.pending) == 0 {
		if c.closing {
			return 0, io.EOF
		}
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, c.pending)
	c.pending = c.pending[n:]
	return n, nil
}

// next reads one line into pending; a line longer than the buffer comes in
// parts, which go-smtp counts.
func (c *conn) next() error {
	line, err := c.in.ReadSlice('\n')
	full := errors.Is(err, bufio.ErrBufferFull)
	switch {
	case full && c.mode == commands:
		c.pending = line // go-smtp refuses it
		return nil
	case err != nil && !full:
		return err
	}
	switch c.mode {
	case message:
		// Only a dot between two CR LF ends it (RFC 5321 4.1.1.4).
		if c.lineStart && string(line) == ".\r\n" {
			c.mode = commands
		}
		c.lineStart = strings.HasSuffix(string(line[max(0, len(line)-2):]), "\r\n")
		c.pending = line
		return nil
	case response:
		c.mode = commands
		c.pending = line
		return nil
	}
	return c.command(line)
}

// command records a command and answers it here, or leaves it to go-smtp.
func (c *conn) command(line []byte) error {
	verb, arg, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	verb = strings.ToUpper(verb)
	c.note(func(r *Session) {
		if len(r.Commands) < maxCommands {
			r.Commands = append(r.Commands, verb[:min(len(verb), 16)])
		}
		r.AuthBeforeTLS = r.AuthBeforeTLS || verb == "AUTH" && !c.encrypted
		r.Quit = r.Quit || verb == "QUIT"
	})
	cfg := c.server.config()
	step, known := map[string]Step{
		"EHLO": StepEHLO, "HELO": StepHELO, "STARTTLS": StepSTARTTLS, "MAIL": StepMail, "RCPT": StepRcpt, "DATA": StepData,
	}[verb]
	if known {
		c.wait(cfg.Delays[step])
		if r, ok := cfg.Replies[step]; ok {
			return c.say(r)
		}
	}
	switch verb {
	case "STARTTLS":
		return c.startTLS(cfg)
	case "EHLO":
		reply := cfg.ehlo(c.encrypted)
		c.instead = &reply
		fallthrough
	case "HELO":
		c.helo = arg
		c.note(func(r *Session) { r.HELO = arg[:min(len(arg), 255)] })
	case "BDAT": // CHUNKING is not offered
		return c.say(Reply{Code: 502, Enhanced: "5.5.1", Text: "Command not implemented"})
	}
	c.pending = line
	return nil
}

// Write takes go-smtp's replies, a line or a part of one at a time.
func (c *conn) Write(b []byte) (int, error) {
	if c.closing {
		return 0, net.ErrClosed
	}
	c.out = append(c.out, b...)
	for {
		line, rest, ok := strings.Cut(string(c.out), "\r\n")
		if !ok {
			return len(b), nil
		}
		c.out = []byte(rest)
		if err := c.reply(line); err != nil {
			return 0, err
		}
	}
}

// reply sends a reply line of go-smtp, or what was set to be sent instead.
func (c *conn) reply(line string) error {
	if !c.greeted {
		c.greeted = true
		return c.greet()
	}
	last := len(line) < 4 || line[3] != '-'
	if r := c.instead; r != nil {
		// go-smtp may have found a fault that we did not look for.
		if r.Code == 0 || line[0] == byte('0'+r.Code/100) {
			if !last {
				return nil
			}
			c.instead = nil
			return c.say(*r)
		}
		c.instead = nil
	}
	switch {
	case strings.HasPrefix(line, "354"):
		c.mode, c.lineStart = message, true
	case strings.HasPrefix(line, "334"):
		c.mode = response
	case strings.HasPrefix(line, "421") && last:
		defer func() { c.closing = true }()
	}
	_, err := c.top().Write([]byte(line + "\r\n"))
	return err
}

// greet starts TLS where it comes first, and sends the greeting.
func (c *conn) greet() error {
	cfg := c.server.config()
	if c.record.Implicit {
		if err := c.handshake(cfg.TLS); err != nil {
			return err
		}
	}
	c.wait(cfg.Delays[StepGreeting])
	if c.turnedAway {
		return c.say(Reply{Code: 421, Enhanced: "4.7.0", Text: "Too many concurrent connections", Close: true})
	}
	return c.say(cfg.greeting())
}

// say sends a reply of ours; 421 ends the dialogue, as in RFC 5321 3.8.
func (c *conn) say(r Reply) error {
	if r.Close || r.Code == 0 || r.Code == 421 {
		defer func() {
			c.closing = true
			_ = c.Close()
		}()
	}
	if r.Code == 0 {
		return nil
	}
	_, err := c.top().Write(r.wire())
	return err
}

// startTLS answers STARTTLS (RFC 3207) and forgets what was said before it.
func (c *conn) startTLS(cfg Config) error {
	switch {
	case cfg.TLS == nil || cfg.NoSTARTTLS:
		return c.say(Reply{Code: 502, Enhanced: "5.5.1", Text: "Command not implemented"})
	case c.encrypted || c.user != "":
		return c.say(Reply{Code: 503, Enhanced: "5.5.1", Text: "Bad sequence of commands"})
	}
	if err := c.say(Reply{Code: 220, Enhanced: "2.0.0", Text: "Ready to start TLS"}); err != nil {
		return err
	}
	// Bytes that came along with the command were never encrypted.
	if n := c.in.Buffered(); n > 0 {
		c.note(func(r *Session) { r.Injected += n })
	}
	c.helo = ""
	return c.handshake(cfg.TLS)
}

// handshake puts TLS on the connection.
func (c *conn) handshake(config *tls.Config) error {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12} // no certificate: fails, and is recorded
	}
	t := tls.Server(c.Conn, config)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeLimit)
	defer cancel()
	err := t.HandshakeContext(ctx)
	_ = c.SetDeadline(time.Now().Add(idleLimit))
	state := t.ConnectionState()
	c.note(func(r *Session) {
		r.SNI = state.ServerName
		if err != nil {
			r.TLSError = err.Error()
			return
		}
		r.TLSVersion = tls.VersionName(state.Version)
	})
	if err != nil {
		c.closing = true
		return err
	}
	c.server.note(func(n *Counters) { n.Handshakes++ })
	c.mu.Lock()
	c.stream = t
	c.mu.Unlock()
	c.in.Reset(t)
	c.encrypted = true
	return nil
}

// Close ends the connection; with TLS, the client is told.
func (c *conn) Close() error {
	err := c.top().Close()
	c.once.Do(func() { c.server.leave(c) })
	return err
}

func (c *conn) top() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stream
}

func (c *conn) note(f func(*Session)) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	f(c.record)
}

// wait holds a reply back, but not the end of the server.
func (c *conn) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.server.done:
	}
}
