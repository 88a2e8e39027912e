//go:build unix

package smtpprobe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Session is a dialogue that stays open after the last step: the connection is
// verified and logged in, and commands can follow. It is not for use by several
// goroutines at once.
type Session struct{ c *client }

// Reply is one SMTP reply (RFC 5321, section 4.2) as the server sent it, within
// the bounds of a probe: at most 64 lines, 16 kB.
type Reply struct {
	Code  int
	Lines []string // text after the code; at least one; not sanitised
}

// Open takes the steps as Probe does, and keeps the connection. The session is
// nil when Result.Err is not. The limits of the target hold for these steps alone.
func Open(ctx context.Context, t Target) (*Session, Result) {
	c := newClient(t)
	c.run(ctx)
	c.result.Total = time.Since(c.start)
	if c.result.Err != nil {
		c.close()
		return nil, c.result
	}
	return &Session{c}, c.result
}

// Extension returns the parameters of an EHLO keyword, and whether it is offered.
func (s *Session) Extension(keyword string) (params string, ok bool) {
	params, ok = s.c.result.Extensions[keyword]
	return params, ok
}

// Write sends bytes that are complete commands, or part of a message.
func (s *Session) Write(ctx context.Context, limit time.Duration, data []byte) error {
	return s.within(ctx, limit, func() error {
		_, err := s.c.conn.Write(data)
		return err
	})
}

// Send writes commands in one segment.
func (s *Session) Send(ctx context.Context, limit time.Duration, lines ...string) error {
	for _, line := range lines {
		if strings.ContainsAny(line, "\r\n\x00") {
			return &faultError{FaultInputRejected, errors.New("a command contains a line end or NUL")}
		}
	}
	return s.Write(ctx, limit, []byte(strings.Join(lines, "\r\n")+"\r\n"))
}

// Read reads the next reply.
func (s *Session) Read(ctx context.Context, limit time.Duration) (Reply, error) {
	var r reply
	err := s.within(ctx, limit, func() (err error) {
		r, err = readReply(s.c.br)
		return err
	})
	return Reply{r.code, r.lines}, err
}

// dataBuffer is how much of a message is read, stuffed and written at a time.
const dataBuffer = 32 << 10

// Copy sends a message from r after a 354: lines end in CRLF, dots are doubled
// (RFC 5321, section 4.5.2), and ".CRLF" is appended. limit is for each block.
// After an error of r nothing marks the end, so that the server cannot take a part
// for the whole; the session is of no use then.
func (s *Session) Copy(ctx context.Context, limit time.Duration, r io.Reader) error {
	in := make([]byte, dataBuffer)
	out := make([]byte, 0, 2*dataBuffer)
	stuffer := dotStuffer{lineStart: true}
	for {
		n, err := r.Read(in)
		if n > 0 {
			out = stuffer.append(out[:0], in[:n])
			if err := s.Write(ctx, limit, out); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return s.Write(ctx, limit, stuffer.end())
		}
		if err != nil {
			return fmt.Errorf("read the message: %w", err)
		}
	}
}

// Close says good-bye and closes the connection.
func (s *Session) Close() { s.c.close() }

// Abort closes the connection in the middle of something.
func (s *Session) Abort() {
	s.c.talking = false
	s.c.close()
}

// within runs f under a deadline that ctx can end.
func (s *Session) within(ctx context.Context, limit time.Duration, f func() error) error {
	conn := s.c.conn
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err := f()
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	return err
}

// dotStuffer doubles dots at line starts and makes every line end a CRLF.
type dotStuffer struct {
	lineStart bool
	cr        bool // the last byte was a CR
}

func (d *dotStuffer) append(out, in []byte) []byte {
	for len(in) > 0 {
		if d.lineStart && in[0] == '.' && !d.cr {
			out = append(out, '.')
		}
		i := bytes.IndexByte(in, '\n')
		if i < 0 {
			d.lineStart = false
			d.cr = in[len(in)-1] == '\r'
			return append(out, in...)
		}
		line := in[:i]
		bare := i == 0 && !d.cr || i > 0 && in[i-1] != '\r'
		out = append(out, line...)
		if bare {
			out = append(out, '\r')
		}
		out = append(out, '\n')
		d.lineStart, d.cr = true, false
		in = in[i+1:]
	}
	return out
}

// end closes the last line where it is open, and marks the end.
func (d *dotStuffer) end() []byte {
	switch {
	case d.lineStart:
		return []byte(".\r\n")
	case d.cr:
		return []byte("\n.\r\n")
	}
	return []byte("\r\n.\r\n")
}

// Class is the first digit of the code.
func (r Reply) Class() int { return r.Code / 100 }

// Bytes is the reply as it goes over the wire.
func (r Reply) Bytes() []byte {
	var b bytes.Buffer
	for i, line := range r.Lines {
		mark := byte('-')
		if i == len(r.Lines)-1 {
			mark = ' '
		}
		fmt.Fprintf(&b, "%03d%c%s\r\n", r.Code, mark, line)
	}
	return b.Bytes()
}

// Text is the reply's text on one line, sanitised.
func (r Reply) Text() string { return Sanitize(strings.Join(r.Lines, " / ")) }
