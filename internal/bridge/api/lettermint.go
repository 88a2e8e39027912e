//go:build unix

package api

import (
	"io"
	"strings"
)

// lettermint is /v1/send: headers, fields, the optional Idempotency-Key and the answer are
// those of the reference page (lettermint.co/docs/api-reference/sending/send, read
// 2026-11-29), which wants three characters of text at least. The reference has no page
// of errors: how long a key is known, limits, and whether Message-ID is kept: unsure.
// The status "suppressed" is of the message: where it has one recipient, that one gets
// nothing. The request that pings is not said to want a valid token, so that there is no
// check.
var lettermint = API{
	API: known("lettermint"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed()
		if err != nil {
			return nil, err
		}
		key, err := m.key()
		if err != nil {
			return nil, err
		}
		headers, err := headerMap(c.withID())
		if err != nil {
			return nil, err
		}
		body := object{{"from", display(c.From)}, {"to", displays(to)}, {"subject", c.Subject}}
		body = add(body, "cc", displays(cc))
		body = add(body, "bcc", displays(bcc))
		body = add(body, "reply_to", displays(c.ReplyTo))
		body = add(body, "headers", headers)
		if c.Text != nil || c.HTML == nil {
			body = append(body, member{"text", threeOf(c.Text)})
		}
		if c.HTML != nil {
			body = append(body, member{"html", threeOf(c.HTML)})
		}
		files := c.files("content_id", func(p *Part) object {
			return object{{"filename", p.Name}, {"content", base64Of{p.Reader}}, {"content_type", p.FullType()}}
		})
		return &call{path: "/v1/send", header: map[string]string{"Idempotency-Key": key}, body: jsonPayload(add(body, "attachments", files))}, nil
	},
	sign: keyHeader("X-Lettermint-Token"),
	result: func(ans *answer, m *Message) (result, bool) {
		r := result{id: ans.text("message_id")}
		if ans.text("status") == "suppressed" && len(m.To) == 1 {
			r.refused = map[string]Reply{m.To[0]: {550, "5.7.1", "the address is on the suppression list"}}
		}
		return r, ans.status/100 == 2 && r.id != ""
	},
}

// threeOf is a text of three characters at least: empty lines stand behind a shorter one.
func threeOf(p *Part) any {
	if p != nil && p.len >= 3 {
		return textOf{p.Reader}
	}
	return textOf{func() io.Reader {
		end := strings.NewReader("\r\n\r\n")
		if p == nil {
			return end
		}
		return io.MultiReader(p.Reader(), end)
	}}
}
