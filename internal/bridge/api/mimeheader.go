//go:build unix

package api

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"golang.org/x/net/idna"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
)

// charset is the character set of that name. The index of HTML has names that stand for
// no character set there, so that a text in one would be replaced as a whole.
func charset(name string) (encoding.Encoding, error) {
	enc, err := htmlindex.Get(name)
	index := ""
	if err == nil {
		index, err = htmlindex.Name(enc)
	}
	if err != nil || index == "replacement" || index == "x-user-defined" {
		return nil, refuse("5.6.1", "the character set %.40q is not known", name)
	}
	return enc, nil
}

var errNotOfCharset = errors.New("it holds bytes that are not of its character set")

// replaced is what a decoder writes for what it cannot read.
const replaced = string(utf8.RuneError)

// decoded is raw in UTF-8. A byte that is not of the character set is an error.
func decoded(raw []byte, name string) (string, error) {
	switch name = strings.ToLower(name); name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		if !utf8.Valid(raw) {
			return "", errNotOfCharset
		}
		return string(raw), nil
	}
	enc, err := charset(name)
	if err != nil {
		return "", err
	}
	text, err := enc.NewDecoder().Bytes(raw)
	if err == nil && strings.Contains(string(text), replaced) {
		err = errNotOfCharset
	}
	return string(text), err
}

var words = &mime.WordDecoder{CharsetReader: func(name string, r io.Reader) (io.Reader, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	name, _, _ = strings.Cut(name, "*") // the language behind it (RFC 2231, section 5)
	text, err := decoded(raw, name)
	return strings.NewReader(text), err
}}

var (
	encodedWord  = regexp.MustCompile(`=\?([^?\s]+)\?([bBqQ])\?([^?\s]*)\?=`)
	encodedWords = regexp.MustCompile(encodedWord.String() + `(?:[ \t]+` + encodedWord.String() + `)+`)
)

// join puts neighbouring encoded words of one character set into one, since some
// programs cut a character in two.
func join(raw string) string {
	return encodedWords.ReplaceAllStringFunc(raw, func(run string) string {
		var name string
		var all []byte
		for _, w := range encodedWord.FindAllStringSubmatch(run, -1) {
			if name != "" && !strings.EqualFold(name, w[1]) {
				return run
			}
			name = w[1]
			var in io.Reader = base64.NewDecoder(base64.StdEncoding, strings.NewReader(w[3]))
			if strings.EqualFold(w[2], "q") {
				in = quotedprintable.NewReader(strings.NewReader(strings.ReplaceAll(w[3], "_", "=20")))
			}
			part, err := io.ReadAll(in)
			if err != nil {
				return run // DecodeHeader says what it is
			}
			all = append(all, part...)
		}
		return "=?" + name + "?B?" + base64.StdEncoding.EncodeToString(all) + "?="
	})
}

func (c *Content) headers(h *message.Header) error {
	seen := map[string]bool{}
	for f := h.Fields(); f.Next(); {
		name := f.Key()
		lower := strings.ToLower(name)
		if dropped[lower] {
			continue
		}
		if lower == "dkim-signature" || lower == "domainkey-signature" || strings.HasPrefix(lower, "arc-") {
			return refuse("5.6.1", "the message carries a signature of its own (%s), which would break when the API writes the message again", name)
		}
		raw := f.Value()
		value, err := decodeHeader(raw)
		if err != nil {
			return fmt.Errorf("header %s: %w", name, err)
		}
		switch lower {
		case "from", "reply-to", "to", "cc", "subject", "message-id", "sender":
			if seen[lower] {
				return refuse("5.6.0", "the message has more than one %s header", name)
			}
			seen[lower] = true
		}
		switch lower {
		case "from":
			list, err := addresses(name, raw)
			if err != nil {
				return err
			}
			if len(list) != 1 {
				return refuse("5.6.1", "the From header holds %d addresses, this API takes one", len(list))
			}
			c.From = list[0]
		case "reply-to":
			c.ReplyTo, err = addresses(name, raw)
		case "to":
			c.To, err = addresses(name, raw)
		case "cc":
			c.Cc, err = addresses(name, raw)
		case "subject":
			c.Subject = value
		case "message-id":
			c.MessageID = strings.TrimSpace(value)
		default:
			if addressed[lower] {
				value = named(name, raw, value)
			}
			c.Headers = append(c.Headers, Header{name, value})
		}
		if err != nil {
			return err
		}
	}
	if c.From == nil {
		return refuse("5.6.0", "the message has no From header")
	}
	return nil
}

// addressed are the further headers that hold addresses, where a comma out of an encoded
// word would part a name in two.
var addressed = map[string]bool{
	"sender": true, "disposition-notification-to": true, "return-receipt-to": true, "errors-to": true, "mail-followup-to": true,
	"mail-reply-to": true, "resent-from": true, "resent-sender": true, "resent-to": true, "resent-cc": true,
}

// named is the value of such a header with its names in quotes, where it has encoded
// words.
func named(name, raw, value string) string {
	if !strings.Contains(raw, "=?") {
		return value
	}
	list, err := addresses(name, raw)
	if err != nil {
		return strings.TrimSpace(folds.ReplaceAllString(raw, " "))
	}
	return joined(list)
}

// decodeHeader is a header's value on one line, in UTF-8.
func decodeHeader(raw string) (string, error) {
	raw = folds.ReplaceAllString(raw, " ")
	if !utf8.ValidString(raw) {
		return "", refuse("5.6.1", "a header holds bytes that are not UTF-8")
	}
	if strings.ContainsRune(raw, 0) {
		return "", refuse("5.6.0", "a header holds a NUL byte")
	}
	value, err := words.DecodeHeader(join(raw))
	var refused *Reply
	switch {
	case errors.As(err, &refused):
		return "", refused
	case err != nil:
		return "", refuse("5.6.1", "a header cannot be read: %v", err)
	}
	if err := oneLine(value); err != nil {
		return "", err
	}
	return value, nil
}

// oneLine refuses what an encoded word can hide: a line end, behind which an API might
// see another header.
func oneLine(value string) error {
	if strings.ContainsAny(value, "\r\n\x00") {
		return refuse("5.6.0", "a header holds an encoded line end or NUL byte")
	}
	if !utf8.ValidString(value) {
		return refuse("5.6.1", "a header cannot be read: %v", errNotOfCharset)
	}
	return nil
}

// canonical is an address in the form in which two are the same recipient.
func canonical(address string) string {
	address = strings.ToLower(address)
	if at := strings.LastIndexByte(address, '@'); at >= 0 {
		if domain, err := idna.Lookup.ToASCII(address[at+1:]); err == nil {
			return address[:at+1] + domain
		}
	}
	return address
}

// addresses reads a list of addresses. Named groups cannot be carried, but for the
// empty one that stands for undisclosed recipients.
func addresses(name, raw string) ([]*mail.Address, error) {
	raw = strings.TrimSpace(folds.ReplaceAllString(raw, " "))
	if strings.HasSuffix(raw, ";") {
		if group, members, ok := strings.Cut(raw, ":"); ok && !strings.ContainsAny(group, `"@<`) {
			if strings.Trim(members, "; ") == "" {
				return nil, nil
			}
			return nil, refuse("5.6.1", "the %s header names a group of addresses, which this API cannot carry", name)
		}
	}
	if raw == "" {
		return nil, nil
	}
	list, err := (&mail.AddressParser{WordDecoder: words}).ParseList(join(raw))
	if err != nil {
		return nil, refuse("5.6.0", "the %s header is no list of addresses", name)
	}
	for _, a := range list {
		if local, _, _ := strings.Cut(a.Address, "@"); strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"(),:;<>[\]`, r) }) || strings.Count(a.Address, "@") != 1 {
			return nil, refuse("5.6.7", "the %s header holds an address that needs quotes, which this API cannot carry", name)
		}
		if err := oneLine(a.Name + a.Address); err != nil {
			return nil, err
		}
	}
	return list, nil
}
