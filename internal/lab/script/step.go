package script

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// Do makes one step of several.
func Do(steps ...Step) Step {
	return func(c *Conn) error {
		for _, step := range steps {
			if err := step(c); err != nil {
				return err
			}
		}
		return nil
	}
}

// Say sends bytes as they are.
func Say(text string) Step {
	return func(c *Conn) error {
		_, err := io.WriteString(c.stream, text)
		return err
	}
}

// Line sends a line.
func Line(text string) Step { return Say(text + "\r\n") }

// Slowly sends text one byte at a time with a pause before each.
func Slowly(text string, pause time.Duration) Step {
	return func(c *Conn) error {
		for i := range len(text) {
			if err := c.sleep(pause); err != nil {
				return err
			}
			if err := Say(text[i : i+1])(c); err != nil {
				return err
			}
		}
		return nil
	}
}

// Fill sends n bytes of the pattern, without a line end of its own.
func Fill(pattern string, n int) Step {
	return func(c *Conn) error {
		chunk := bytes.Repeat([]byte(pattern), max(1, 64<<10/len(pattern)))
		for n := n; n > 0; n -= len(chunk) {
			if _, err := c.stream.Write(chunk[:min(n, len(chunk))]); err != nil {
				return err
			}
		}
		return nil
	}
}

// Forever repeats steps until the client goes.
func Forever(steps ...Step) Step {
	return func(c *Conn) error {
		for {
			if err := Do(steps...)(c); err != nil {
				return err
			}
		}
	}
}

// Pause waits.
func Pause(d time.Duration) Step {
	return func(c *Conn) error { return c.sleep(d) }
}

// Hang says nothing more, and reads until the client goes.
func Hang() Step {
	return func(c *Conn) error {
		_, err := io.Copy(io.Discard, c.in)
		return err
	}
}

// Close ends the connection in good order.
func Close() Step {
	return func(*Conn) error { return ErrEnd }
}

// Reset ends the connection with a TCP RST.
func Reset() Step {
	return func(c *Conn) error {
		if tcp, ok := c.raw.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.raw.Close()
		return ErrEnd
	}
}

// Read takes one line from the client, whatever it says.
func Read() Step {
	return func(c *Conn) error {
		_, err := c.line()
		return err
	}
}

// ReadBytes takes n bytes from the client, such as the beginning of a TLS handshake.
func ReadBytes(n int64) Step {
	return func(c *Conn) error {
		_, err := io.CopyN(io.Discard, c.in, n)
		return err
	}
}

// Expect takes one line that must begin with verb.
func Expect(verb string) Step {
	return func(c *Conn) error {
		line, err := c.line()
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", verb, err)
		}
		if !strings.HasPrefix(strings.ToUpper(line), strings.ToUpper(verb)) {
			return fmt.Errorf("got %q in place of %s", line, verb)
		}
		return nil
	}
}

// Replies are the bytes to send for each command, by its verb; "" is for every
// other. A verb that is not there gets "502 5.5.1 Command not implemented".
type Replies map[string]string

// Answer answers commands until the client goes or has said QUIT.
func Answer(replies Replies) Step { return Until("", replies) }

// Until answers commands until the one with verb has come, which is not
// answered: that is for the next step.
func Until(verb string, replies Replies) Step {
	return func(c *Conn) error {
		for {
			line, err := c.line()
			if err != nil {
				return err
			}
			got, _, _ := strings.Cut(strings.ToUpper(line), " ")
			if verb != "" && got == verb {
				return nil
			}
			if err := Say(replies.to(got))(c); err != nil {
				return err
			}
			if got == "QUIT" {
				return ErrEnd
			}
		}
	}
}

func (r Replies) to(verb string) string {
	if text, ok := r[verb]; ok {
		return text
	}
	if text, ok := r[""]; ok {
		return text
	}
	if verb == "QUIT" {
		return "221 2.0.0 Bye\r\n"
	}
	return "502 5.5.1 Command not implemented\r\n"
}

// TLS does the server's side of a handshake; what comes later is inside it.
func TLS(config *tls.Config) Step {
	return func(c *Conn) error {
		// What the client sent ahead was read, and recorded, as plain text.
		t := tls.Server(&ahead{c.raw, io.MultiReader(bytes.NewReader(c.buffered()), c.raw)}, config)
		if err := t.HandshakeContext(c.server.ctx); err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
		state := t.ConnectionState()
		c.server.mu.Lock()
		c.record.TLS, c.record.SNI = tls.VersionName(state.Version), state.ServerName
		c.server.mu.Unlock()
		c.stream = t
		c.in.Reset(io.TeeReader(t, recorder{c.server, &c.record.Inside}))
		return nil
	}
}

// ahead is a connection of which some bytes have been read already.
type ahead struct {
	net.Conn
	in io.Reader
}

func (a *ahead) Read(b []byte) (int, error) { return a.in.Read(b) }

// buffered takes what has been read but not used.
func (c *Conn) buffered() []byte {
	b := make([]byte, c.in.Buffered())
	_, _ = io.ReadFull(c.in, b) // from memory
	return b
}

// line reads a line without its end, of at most 64 KiB.
func (c *Conn) line() (string, error) {
	var b strings.Builder
	for b.Len() < 64<<10 {
		x, err := c.in.ReadByte()
		if err != nil {
			return "", err
		}
		if x == '\n' {
			return strings.TrimSuffix(b.String(), "\r"), nil
		}
		b.WriteByte(x)
	}
	return "", fmt.Errorf("a line of more than %d bytes", b.Len())
}
