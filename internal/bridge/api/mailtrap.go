//go:build unix

package api

import (
	"strings"
)

// mailtrap is /api/send (fields and answer: the package mailtrap 3.4.0 for Node).
// The types of its parts take no parameters: unsure. Limits: 1,000 recipients a list
// (hackage mailtrap 0.1.1); 10 MB: unsure. Message-ID: unsure whether it is kept. The
// host for sending has no request that sends nothing, so that there is no check.
var mailtrap = API{
	API: known("mailtrap"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed(oneReplyTo, bareTypes)
		if err != nil {
			return nil, err
		}
		headers, err := headerMap(c.withID())
		if err != nil {
			return nil, err
		}
		body := object{{"from", nameEmail(c.From, "email", "name")}, {"to", nameEmails(to, "email", "name")}, {"subject", c.Subject}}
		body = add(body, "cc", nameEmails(cc, "email", "name"))
		body = add(body, "bcc", nameEmails(bcc, "email", "name"))
		if len(c.ReplyTo) == 1 {
			body = append(body, member{"reply_to", nameEmail(c.ReplyTo[0], "email", "name")})
		}
		body = add(body, "headers", headers)
		body = c.body(body, "text", "html")
		files := c.files("content_id", func(p *Part) object {
			return object{{"content", base64Of{p.Reader}}, {"type", p.Type}, {"filename", p.Name}, {"disposition", disposition(p)}}
		})
		return &call{path: "/api/send", body: jsonPayload(add(body, "attachments", files))}, nil
	},
	sign: bearer,
	result: func(ans *answer, _ *Message) (result, bool) {
		var ids []string
		for _, id := range ans.items("message_ids") {
			if s, ok := id.(string); ok {
				ids = append(ids, s)
			}
		}
		return result{id: strings.Join(ids, " ")}, ans.status/100 == 2 && ans.text("success") == "true" && len(ids) > 0
	},
}
