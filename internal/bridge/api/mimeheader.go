package api

import (
	"fmt"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	"golang.org/x/net/idna"
)

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

// decodeHeader is a header's value on one line, in UTF-8.
func decodeHeader(raw string) (string, error) {
	raw = folds.ReplaceAllString(raw, " ")
	if !utf8.ValidString(raw) {
		return "", refuse("5.6.1", "a header holds bytes that are not UTF-8")
	}
	if strings.ContainsRune(raw, 0) {
		return "", refuse("5.6.0", "a header holds a NUL byte")
	}
	value, err := words.DecodeHeader(raw)
	if err != nil {
		return "", refuse("5.6.1", "%v", err)
	}
	if err := oneLine(value); err != nil {
		return "", err
	}
	return value, nil
}

// oneLine refuses what an encoded word can hide: a line end, behind which an API might
// see another header.
func oneLine(value string) error {
	if strings.ContainsAny(value, "\r\n\x00") || !utf8.ValidString(value) {
		return refuse("5.6.0", "a header holds an encoded line end or NUL byte")
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
	list, err := (&mail.AddressParser{WordDecoder: words}).ParseList(raw)
	if err != nil {
		return nil, refuse("5.6.0", "the %s header is no list of addresses", name)
	}
	for _, a := range list {
		if err := oneLine(a.Name + a.Address); err != nil {
			return nil, err
		}
	}
	return list, nil
}
