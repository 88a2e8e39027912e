//go:build unix

package api

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/mail"
	"net/url"
	"regexp"
	"strings"

	"github.com/emersion/go-message"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// Content is a message taken apart for an API that wants fields.
type Content struct {
	From      *mail.Address
	ReplyTo   []*mail.Address
	To, Cc    []*mail.Address // as the recipient sees them
	Subject   string
	MessageID string   // with <>
	Headers   []Header // the rest that recipients or their programs read, decoded
	Text      *Part    // UTF-8
	HTML      *Part    // UTF-8
	Files     []*Part  // attachments, inline images, calendar parts

	spool *Spool
}

// Header is one header field, decoded.
type Header struct{ Name, Value string }

// Part is one part without its transfer encoding.
type Part struct {
	Type   string            // "image/png"
	Params map[string]string // of the type, without the name
	Name   string            // of the file
	ID     string            // Content-ID without <>
	Inline bool

	spool    *Spool
	off, len int64
}

// Reader reads the part.
func (p *Part) Reader() io.Reader { return io.NewSectionReader(p.spool, p.off, p.len) }

// FullType is the type with its parameters.
func (p *Part) FullType() string {
	if full := mime.FormatMediaType(p.Type, p.Params); full != "" {
		return full
	}
	return p.Type
}

// The bounds of a message that is taken apart.
const (
	maxDepth = 20
	maxParts = 500
)

// Close frees what Take has stored.
func (m *Message) Close() {
	if m.content != nil {
		m.content.spool.Close()
	}
}

// Take takes the message apart. The error of a message that fields cannot carry is
// a *Reply.
func (m *Message) Take() (*Content, error) {
	if m.content != nil {
		return m.content, nil
	}
	c := &Content{spool: &Spool{}}
	if s, ok := m.Data.(*Spool); ok {
		c.spool.Directory = s.Directory
	}
	err := c.take(m.Reader())
	if err != nil {
		c.spool.Close()
		var r *Reply
		if errors.As(err, &r) {
			return nil, r
		}
		return nil, refuse("5.6.0", "the message cannot be taken apart: %v", err)
	}
	m.content = c
	return c, nil
}

func (c *Content) take(r io.Reader) error {
	e, err := message.Read(r)
	if err != nil && !message.IsUnknownCharset(err) {
		return err
	}
	if err := c.headers(&e.Header); err != nil {
		return err
	}
	if err := c.walk(e, 0, asBody); err != nil {
		return err
	}
	return c.name()
}

// dropped are header fields that belong to the transport, or that the API writes
// itself.
var dropped = map[string]bool{
	"received": true, "return-path": true, "delivered-to": true, "x-original-to": true, "bcc": true, "resent-bcc": true,
	"mime-version": true, "date": true, "content-type": true, "content-transfer-encoding": true, "content-disposition": true,
	"content-id": true, "content-description": true, "content-language": true, "content-length": true, "content-md5": true,
}

var folds = regexp.MustCompile(`\r?\n[ \t]*`)

// place is what a part is in the message.
type place int

const (
	asBody        place = iota // where the text of the message is expected
	asAlternative              // one form of it
	asFile                     // beside it
	asInline                   // shown within it
)

func (c *Content) walk(e *message.Entity, depth int, at place) error {
	if depth > maxDepth {
		return refuse("5.6.0", "its parts are nested deeper than %d", maxDepth)
	}
	kind, params, err := mediaType(&e.Header)
	if err != nil {
		return err
	}
	top, sub, _ := strings.Cut(kind, "/")
	if top != "multipart" {
		return c.leaf(e, kind, params, at)
	}
	if err := refusedMultipart(sub, params); err != nil {
		return err
	}
	parts := e.MultipartReader()
	if parts == nil || params["boundary"] == "" {
		return refuse("5.6.0", "a multipart has no boundary")
	}
	for n := 0; ; n++ {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil && !message.IsUnknownCharset(err) {
			return err
		}
		if n == 0 && sub == "related" && params["start"] != "" && strings.Trim(p.Header.Get("Content-Id"), " <>") != strings.Trim(params["start"], " <>") {
			return refuse("5.6.1", "the first part of the message's multipart/related is not its root, which this API cannot carry")
		}
		if err := c.walk(p, depth+1, inside(sub, n, at)); err != nil {
			return err
		}
	}
}

// refusedMultipart is why a multipart of that subtype cannot be taken apart.
func refusedMultipart(sub string, params map[string]string) error {
	switch sub {
	case "signed":
		return refuse("5.6.1", "the message is signed (%s), and this API would break the signature", params["protocol"])
	case "encrypted":
		return refuse("5.6.1", "the message is encrypted, which this API cannot carry")
	case "report":
		return refuse("5.6.1", "the message is a delivery or other report, which this API cannot carry")
	case "digest":
		return refuse("5.6.1", "the message encapsulates other messages, which this API cannot carry")
	}
	return nil
}

// inside is the place of part n of a multipart that is at a place itself.
func inside(sub string, n int, at place) place {
	switch {
	case sub == "alternative" && at == asBody:
		return asAlternative
	case sub == "related" && n > 0:
		return asInline
	case sub != "alternative" && sub != "related" && (at != asBody && at != asAlternative || at == asAlternative && n > 0):
		return asFile // an alternative with attachments has its text first
	}
	return at
}

func mediaType(h *message.Header) (string, map[string]string, error) {
	raw := folds.ReplaceAllString(h.Get("Content-Type"), " ")
	if strings.TrimSpace(raw) == "" {
		return "text/plain", map[string]string{}, nil
	}
	kind, params, err := mime.ParseMediaType(raw)
	if errors.Is(err, mime.ErrInvalidMediaParameter) {
		return kind, map[string]string{}, nil
	}
	if err != nil || !strings.Contains(kind, "/") {
		return "", nil, refuse("5.6.0", "the Content-Type %.60q is not understood", raw)
	}
	return kind, params, nil
}

func (c *Content) leaf(e *message.Entity, kind string, params map[string]string, at place) error {
	switch {
	case strings.HasPrefix(kind, "message/"):
		return refuse("5.6.1", "the message encapsulates another one (%s), which this API cannot carry", kind)
	case strings.Contains(kind, "pkcs7") || strings.HasPrefix(kind, "application/pgp"):
		return refuse("5.6.1", "the message is signed or encrypted (%s), which this API cannot carry", kind)
	}
	disposition, _, _ := mime.ParseMediaType(folds.ReplaceAllString(e.Header.Get("Content-Disposition"), " "))
	name, err := fileName(&e.Header)
	if err != nil {
		return err
	}
	if disposition != "attachment" && (name == "" || at == asAlternative) {
		if taken, err := c.asText(e, kind, params, at); taken || err != nil {
			return err
		}
	}
	delete(params, "name")
	p := &Part{Type: kind, Params: params, Name: name, ID: strings.Trim(strings.TrimSpace(e.Header.Get("Content-Id")), "<>")}
	p.Inline = at == asInline && disposition != "attachment" || disposition == "inline" && p.ID != ""
	if at == asInline && p.ID == "" && e.Header.Get("Content-Location") != "" {
		return refuse("5.6.1", "the message shows a part by its Content-Location, which this API cannot carry")
	}
	if err := c.store(p, e.Body); err != nil {
		return err
	}
	c.Files = append(c.Files, p)
	if len(c.Files) > maxParts {
		return refuse("5.6.0", "it has more than %d parts", maxParts)
	}
	return nil
}

// asText takes a part as the text of the message, where it is one.
func (c *Content) asText(e *message.Entity, kind string, params map[string]string, at place) (taken bool, err error) {
	switch {
	case kind == "text/plain" && c.Text == nil && (at == asAlternative || at == asBody && c.HTML == nil):
		c.Text, err = c.text(e, kind, params)
		return true, err
	case kind == "text/html" && c.HTML == nil && (at == asAlternative || at == asBody && c.Text == nil):
		c.HTML, err = c.text(e, kind, params)
		return true, err
	case at == asAlternative && kind != "text/calendar":
		return false, refuse("5.6.1", "the message has an alternative of type %s, which this API cannot carry", kind)
	}
	return false, nil
}

// store keeps what r gives as the data of p.
func (c *Content) store(p *Part, r io.Reader) error {
	p.spool, p.off = c.spool, c.spool.Size()
	n, err := io.Copy(c.spool, r)
	p.len = n
	return err
}

// text stores a part that a program shows: in UTF-8, without NUL.
func (c *Content) text(e *message.Entity, kind string, params map[string]string) (*Part, error) {
	name := strings.ToLower(params["charset"])
	var t transform.Transformer
	switch name {
	case "", "us-ascii", "ascii", "utf-8", "utf8":
		t = encoding.UTF8Validator
	default:
		enc, err := charset(name)
		if err != nil {
			return nil, err
		}
		t = enc.NewDecoder()
	}
	var r io.Reader = transform.NewReader(e.Body, t)
	if t != encoding.UTF8Validator {
		r = &faithful{Reader: r}
	}
	r = &noNUL{r}
	if strings.EqualFold(params["format"], "flowed") && strings.EqualFold(params["delsp"], "yes") {
		r = unflow(r)
	}
	p := &Part{Type: kind, Params: map[string]string{"charset": "utf-8"}}
	err := c.store(p, r)
	if errors.Is(err, encoding.ErrInvalidUTF8) || errors.Is(err, errNotOfCharset) {
		err = refuse("5.6.1", "a part of type %s holds bytes that are not of its character set", kind)
	}
	return p, err
}

// faithful is a text out of a decoder, without what the decoder had to replace.
type faithful struct {
	io.Reader
	tail string // the end of the last block, in which a character may have begun
}

func (f *faithful) Read(p []byte) (int, error) {
	k, err := f.Reader.Read(p)
	seen := f.tail + string(p[:k])
	if strings.Contains(seen, replaced) {
		return 0, errNotOfCharset
	}
	f.tail = seen[max(0, len(seen)-len(replaced)+1):]
	return k, err
}

type noNUL struct{ io.Reader }

func (n *noNUL) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if bytes.IndexByte(p[:k], 0) >= 0 {
		return 0, refuse("5.6.1", "its text holds a NUL byte")
	}
	return k, err
}

// unflow joins the lines of a text with format=flowed and delsp=yes (RFC 3676,
// section 4): without those parameters, which the APIs do not carry, its words would
// be cut in two.
func unflow(r io.Reader) io.Reader {
	pr, pw := io.Pipe()
	go func() {
		in := bufio.NewReader(r)
		open, depth := false, 0 // a paragraph goes on, at this depth of quotes
		for {
			line, err := in.ReadString('\n')
			if line != "" {
				text := strings.TrimRight(line, "\r\n")
				quotes := len(text) - len(strings.TrimLeft(text, ">"))
				body := strings.TrimPrefix(text[quotes:], " ")
				flowed := strings.HasSuffix(body, " ") && body != "-- " && strings.HasSuffix(line, "\n")
				out := body
				switch {
				case open && quotes == depth && body != "-- ":
				default:
					if open {
						out = "\r\n" + strings.Repeat(">", quotes) + pad(quotes) + body
					} else {
						out = strings.Repeat(">", quotes) + pad(quotes) + body
					}
				}
				if flowed {
					out = strings.TrimSuffix(out, " ")
				} else if strings.HasSuffix(line, "\n") {
					out += "\r\n"
				}
				open, depth = flowed, quotes
				if _, err := io.WriteString(pw, out); err != nil {
					return
				}
			}
			if err != nil {
				if errors.Is(err, io.EOF) {
					err = nil
				}
				_ = pw.CloseWithError(err)
				return
			}
		}
	}()
	return pr
}

func pad(quotes int) string {
	if quotes > 0 {
		return " "
	}
	return ""
}

var extended = regexp.MustCompile(`(?i)[; \t](?:file)?name\*(?:[0-9]+\*?)?=("[^"]*"|[^;\s]*)`)

// fileName is a part's file name: RFC 2231 in any character set, encoded words as
// some programs write them, or plain.
func fileName(h *message.Header) (string, error) {
	for _, field := range []struct{ header, param string }{{"Content-Disposition", "filename"}, {"Content-Type", "name"}} {
		raw := folds.ReplaceAllString(h.Get(field.header), " ")
		_, params, _ := mime.ParseMediaType(raw)
		name := params[field.param]
		if name == "" {
			var joined strings.Builder
			for _, m := range extended.FindAllStringSubmatch(raw, -1) {
				joined.WriteString(strings.Trim(m[1], `"`))
			}
			set, rest, ok := strings.Cut(joined.String(), "'")
			if !ok {
				continue
			}
			_, value, _ := strings.Cut(rest, "'")
			plain, err := url.PathUnescape(value)
			if err == nil {
				name, err = decoded([]byte(plain), set)
			}
			if err != nil {
				return "", refuse("5.6.1", "the name of an attachment is in a form that is not understood")
			}
		}
		if name != "" {
			return decodeHeader(name)
		}
	}
	return "", nil
}

// endings are the usual ones of types that have several.
var endings = map[string]string{
	"text/calendar": ".ics", "text/plain": ".txt", "text/html": ".html", "text/markdown": ".md", "image/jpeg": ".jpg", "image/tiff": ".tif", "audio/mpeg": ".mp3", "video/mp4": ".mp4",
}

// name gives the files names, which every API wants.
func (c *Content) name() error {
	for n, p := range c.Files {
		if p.Name == "" {
			ending := endings[p.Type]
			if list, _ := mime.ExtensionsByType(p.Type); ending == "" && len(list) > 0 {
				ending = list[0]
			} else if ending == "" {
				ending = ".bin"
			}
			p.Name = fmt.Sprintf("part-%d%s", n+1, ending)
		}
		p.Name = strings.Map(func(r rune) rune {
			if r < ' ' || r == 0x7f || r == '/' || r == '\\' {
				return '_'
			}
			return r
		}, p.Name)
	}
	return nil
}

// addressed takes m apart and has its recipients as an API wants them: To and Cc as the
// headers have them, Bcc the rest of the envelope. A header that names somebody who is not
// a recipient of this delivery cannot be carried, since the API would send to them; nor a
// message without To, where a recipient would see the others. limits refuse what else an API
// does not take.
func (m *Message) addressed(limits ...func(*Content) error) (c *Content, to, cc, bcc []*mail.Address, err error) {
	if c, err = m.Take(); err != nil {
		return nil, nil, nil, nil, err
	}
	left := map[string]string{}
	for _, a := range m.To {
		left[canonical(a)] = a
	}
	named := map[string]bool{}
	for _, a := range append(append([]*mail.Address(nil), c.To...), c.Cc...) {
		key := canonical(a.Address)
		if _, ok := left[key]; !ok {
			return nil, nil, nil, nil, refuse("5.6.1", "this API sends to the addresses in To and Cc, and %s there is no recipient of this delivery", a.Address)
		}
		named[key] = true
	}
	for _, a := range m.To {
		if !named[canonical(a)] {
			bcc = append(bcc, &mail.Address{Address: a})
		}
	}
	if len(c.To) == 0 {
		return nil, nil, nil, nil, refuse("5.6.1", "the To header names nobody, and this API wants a recipient there")
	}
	for _, limit := range limits {
		if err := limit(c); err != nil {
			return nil, nil, nil, nil, err
		}
	}
	return c, c.To, c.Cc, bcc, nil
}

// byHeader is what an API without an envelope has to be given: the message, with a
// Bcc header in front for the recipients that its headers do not name.
func (m *Message) byHeader() (func() io.Reader, error) {
	e, err := message.Read(m.Reader())
	if e == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return nil, refuse("5.6.0", "the headers of the message are malformed")
	}
	left := map[string]string{}
	for _, a := range m.To {
		left[canonical(a)] = a
	}
	named := map[string]bool{}
	for _, name := range []string{"To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"} {
		for f := e.Header.FieldsByKey(name); f.Next(); {
			list, err := addresses(name, f.Value())
			if err != nil {
				return nil, err
			}
			for _, a := range list {
				if _, ok := left[canonical(a.Address)]; !ok {
					return nil, refuse("5.6.1", "this API sends to the addresses in the headers, and %s in %s is no recipient of this delivery", a.Address, name)
				}
				named[canonical(a.Address)] = true
			}
		}
	}
	var bcc []string
	for _, a := range m.To {
		if !named[canonical(a)] {
			bcc = append(bcc, "<"+a+">")
		}
	}
	front := ""
	if len(bcc) > 0 {
		front = "Bcc: " + strings.Join(bcc, ",\r\n ") + "\r\n"
	}
	return func() io.Reader { return io.MultiReader(strings.NewReader(front), m.Reader()) }, nil
}
