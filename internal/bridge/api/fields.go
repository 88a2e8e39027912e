//go:build unix

package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
)

// key is the same for every attempt to send this message to these recipients, and
// another for every other message: Postfix hands the same bytes over each time, its
// queue ID in the first Received header among them.
func (m *Message) key() (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, m.Reader()); err != nil {
		return "", err
	}
	to := slices.Clone(m.To)
	slices.Sort(to)
	_, _ = fmt.Fprintf(h, "\x00%s\x00%s", m.From, strings.Join(to, "\x00"))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// uuid is the key in the form of a UUID (RFC 9562, version 8).
func (m *Message) uuid() (string, error) {
	k, err := m.key()
	if err != nil {
		return "", err
	}
	return k[:8] + "-" + k[8:12] + "-8" + k[13:16] + "-a" + k[17:20] + "-" + k[20:32], nil
}

// nameEmail is an address as most APIs want it.
func nameEmail(a *mail.Address, email, name string) object {
	o := object{{email, a.Address}}
	if a.Name != "" && name != "" {
		o = append(o, member{name, a.Name})
	}
	return o
}

func nameEmails(all []*mail.Address, email, name string) list {
	var l list
	for _, a := range all {
		l = append(l, nameEmail(a, email, name))
	}
	return l
}

// display is an address as text, in UTF-8 (RFC 6532).
func display(a *mail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Address + `>`
}

func displays(all []*mail.Address) []string {
	var l []string
	for _, a := range all {
		l = append(l, display(a))
	}
	return l
}

// headerMap is the headers as an object of JSON, which holds each name once. Repeated
// fields of programs (X-...), as cron(8) writes one for each variable, are joined to a
// list; a repeated field that has a meaning in mail is refused.
func headerMap(headers []Header) (object, error) {
	var o object
	for _, h := range headers {
		i := slices.IndexFunc(o, func(m member) bool { return strings.EqualFold(m.name, h.Name) })
		switch {
		case i < 0:
			o = append(o, member{h.Name, h.Value})
		case strings.HasPrefix(strings.ToLower(h.Name), "x-"):
			o[i].value = fmt.Sprint(o[i].value, ", ", h.Value)
		default:
			return nil, refuse("5.6.1", "the message has more than one %s header, and this API takes one", h.Name)
		}
	}
	return o, nil
}

// headerList is the headers as a list of objects.
func headerList(headers []Header, name, value string) list {
	var l list
	for _, h := range headers {
		l = append(l, object{{name, h.Name}, {value, h.Value}})
	}
	return l
}

// withID adds the Message-ID to the headers of an API that keeps it there.
func (c *Content) withID() []Header {
	if c.MessageID == "" {
		return c.Headers
	}
	return append([]Header{{"Message-ID", c.MessageID}}, c.Headers...)
}

// textOr is a text part, or an empty line where an API wants some text.
func textOr(p *Part) any {
	if p == nil || p.len == 0 {
		return "\r\n"
	}
	return textOf{p.Reader}
}

// body adds the texts to a request under the API's names; one of them is there
// always.
func (c *Content) body(o object, text, html string) object {
	if c.Text != nil || c.HTML == nil {
		o = append(o, member{text, textOr(c.Text)})
	}
	if c.HTML != nil {
		o = append(o, member{html, textOr(c.HTML)})
	}
	return o
}

// add appends a member unless its list is empty.
func add[L ~[]T, T any](o object, name string, l L) object {
	if len(l) == 0 {
		return o
	}
	return append(o, member{name, l})
}

// files are the attachments as objects of what of gives, each with its Content-ID, if
// it has one, under the API's name.
func (c *Content) files(id string, of func(p *Part) object) list {
	var l list
	for _, p := range c.Files {
		o := of(p)
		if p.ID != "" {
			o = append(o, member{id, p.ID})
		}
		l = append(l, o)
	}
	return l
}

// bareTypes refuses parts whose meaning hangs on a parameter that an API with bare
// types does not carry: the character set of a text, the method of an invitation.
func bareTypes(c *Content) error {
	for _, p := range c.Files {
		for name, value := range p.Params {
			v := strings.ToLower(value)
			switch {
			case name == "method":
				return refuse("5.6.1", "the message carries an invitation (method %s), and this API does not carry the method", value)
			case name == "charset" && v != "utf-8" && v != "us-ascii":
				return refuse("5.6.1", "the attachment %s is in the character set %s, and this API does not carry that", p.Name, value)
			}
		}
	}
	return nil
}

// oneReplyTo refuses several addresses for replies.
func oneReplyTo(c *Content) error {
	if len(c.ReplyTo) > 1 {
		return refuse("5.6.1", "the Reply-To header holds %d addresses, this API takes one", len(c.ReplyTo))
	}
	return nil
}

// noInline refuses images that are shown within the text.
func noInline(c *Content) error {
	for _, p := range c.Files {
		if p.Inline && p.ID != "" {
			return refuse("5.6.1", "the message shows %s within its text, which this API cannot carry", p.Name)
		}
	}
	return nil
}

// joined is a list of addresses as one text.
func joined(all []*mail.Address) string { return strings.Join(displays(all), ", ") }

// noTemplate refuses a text that an API would take for a template.
func noTemplate(marks ...string) func(*Content) error {
	return func(c *Content) error {
		for _, mark := range marks {
			found := strings.Contains(c.Subject, mark)
			for _, p := range []*Part{c.Text, c.HTML} {
				if p == nil {
					continue
				}
				in, err := p.contains(mark)
				if err != nil {
					return err
				}
				found = found || in
			}
			if found {
				return refuse("5.6.1", "the text holds %s, which this API replaces", mark)
			}
		}
		return nil
	}
}

// contains reports whether the part holds mark.
func (p *Part) contains(mark string) (bool, error) {
	buffer := make([]byte, 0, 32<<10)
	for r := p.Reader(); ; {
		n, err := r.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if bytes.Contains(buffer, []byte(mark)) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		keep := min(len(mark)-1, len(buffer))
		buffer = append(buffer[:0], buffer[len(buffer)-keep:]...)
	}
}
