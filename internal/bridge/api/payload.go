//go:build unix

package api

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"unicode/utf8"
)

// payload is the body of a request. write can be called several times and writes
// the same bytes each time, so that length and digest are known before the first
// byte is sent and nothing is held in memory.
type payload struct {
	kind  string // of Content-Type
	write func(io.Writer) error
}

// digest is what is known of a payload before it is sent.
type digest struct {
	length int64
	sha256 [sha256.Size]byte
	held   []byte // all of it, where it is small: it is not written a second time
}

// maxHeld is the size of a payload that is held in memory, in bytes: a message that
// its Spool has in memory, in base64.
const maxHeld = 2 * inMemory

func (p payload) measure() (digest, error) {
	c := &counter{hash: sha256.New()}
	if p.write != nil {
		if err := p.write(c); err != nil {
			return digest{}, err
		}
	}
	d := digest{length: c.n}
	if c.n <= maxHeld {
		d.held = c.held.Bytes()
	}
	c.hash.Sum(d.sha256[:0])
	return d, nil
}

type counter struct {
	hash hash.Hash
	n    int64
	held bytes.Buffer // the first maxHeld bytes at most
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	if c.n <= maxHeld {
		_, _ = c.held.Write(p)
	}
	return c.hash.Write(p)
}

// reader streams the payload. Closing it early ends the writer.
func (p payload) reader(d digest) io.ReadCloser {
	if d.held != nil {
		return io.NopCloser(bytes.NewReader(d.held))
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(p.write(w)) }()
	return r
}

// bytesPayload is a body of fixed text.
func bytesPayload(kind, text string) payload {
	return payload{kind, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	}}
}

// rawPayload is the message itself.
func rawPayload(kind string, m *Message) payload {
	return payload{kind, func(w io.Writer) error { return copyTo(w, m.Reader()) }}
}

// blocks are the buffers of copies: a message of some kilobytes would leave as much
// again for the garbage collector several times over.
var blocks = sync.Pool{New: func() any { return new([32 << 10]byte) }}

func copyTo(w io.Writer, r io.Reader) error {
	block := blocks.Get().(*[32 << 10]byte) //nolint:forcetypeassert // see above
	defer blocks.Put(block)
	_, err := io.CopyBuffer(w, r, block[:])
	return err
}

func writeBase64(w io.Writer, r io.Reader) error {
	enc := base64.NewEncoder(base64.StdEncoding, w)
	if err := copyTo(enc, r); err != nil {
		return err
	}
	return enc.Close()
}

// The values of a JSON body, beside what encoding/json knows: object keeps the
// order of its members, base64Of and textOf stream what they read.
type (
	object   []member
	list     []any
	base64Of struct{ open func() io.Reader }
	textOf   struct{ open func() io.Reader } // UTF-8; a string of JSON
)

type member struct {
	name  string
	value any
}

var writers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 32<<10) }}

// jsonPayload is a JSON body.
func jsonPayload(v any) payload {
	return payload{"application/json", func(w io.Writer) error {
		b := writers.Get().(*bufio.Writer) //nolint:forcetypeassert // see writers
		defer func() { b.Reset(nil); writers.Put(b) }()
		b.Reset(w)
		if err := writeJSON(b, v); err != nil {
			return err
		}
		return b.Flush()
	}}
}

func writeJSON(w *bufio.Writer, v any) error {
	switch v := v.(type) {
	case object:
		return writeAll(w, '{', '}', len(v), func(i int) error {
			if err := writeJSON(w, v[i].name); err != nil {
				return err
			}
			if err := w.WriteByte(':'); err != nil {
				return err
			}
			return writeJSON(w, v[i].value)
		})
	case list:
		return writeAll(w, '[', ']', len(v), func(i int) error { return writeJSON(w, v[i]) })
	case base64Of:
		_ = w.WriteByte('"')
		if err := writeBase64(w, v.open()); err != nil {
			return err
		}
		return w.WriteByte('"')
	case textOf:
		_ = w.WriteByte('"')
		if err := writeText(w, v.open()); err != nil {
			return err
		}
		return w.WriteByte('"')
	}
	text, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

func writeAll(w *bufio.Writer, open, end byte, n int, one func(int) error) error {
	_ = w.WriteByte(open)
	for i := range n {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		if err := one(i); err != nil {
			return err
		}
	}
	return w.WriteByte(end)
}

// errNotUTF8 ends a text that JSON cannot carry.
var errNotUTF8 = &Reply{Code: 554, Enhanced: "5.6.1", Text: "the message holds bytes that are not UTF-8, which this API cannot carry"}

// writeText writes text as the inside of a JSON string (RFC 8259, section 7).
func writeText(w *bufio.Writer, r io.Reader) error {
	in := bufio.NewReaderSize(r, 32<<10)
	for {
		c, size, err := in.ReadRune()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case c == utf8.RuneError && size == 1:
			return errNotUTF8
		case c == '"' || c == '\\':
			_ = w.WriteByte('\\')
			_ = w.WriteByte(byte(c))
		case c == '\n':
			_, _ = w.WriteString(`\n`)
		case c == '\r':
			_, _ = w.WriteString(`\r`)
		case c == '\t':
			_, _ = w.WriteString(`\t`)
		case c < ' ' || c == 0x7f:
			_, _ = fmt.Fprintf(w, `\u%04x`, c)
		default:
			if _, err := w.WriteRune(c); err != nil {
				return err
			}
		}
	}
}

// wholeText is the message as a JSON string; wholeBase64 in base64.
func wholeText(m *Message) any   { return textOf{m.Reader} }
func wholeBase64(m *Message) any { return base64Of{m.Reader} }
