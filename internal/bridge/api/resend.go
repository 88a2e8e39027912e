//go:build unix

package api

// resend is POST /emails with an Idempotency-Key that holds for 24 hours (Idempotency
// Keys, read 2026-11-28). Errors: the page Errors of the same day. Limits: 40 MB after
// base64, 50 recipients: unsure. Message-ID among the headers: unsure whether it is
// kept.
var resend = API{
	API: known("resend"),
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
		body = c.body(body, "text", "html")
		files := c.files("content_id", func(p *Part) object {
			return object{{"filename", p.Name}, {"content", base64Of{p.Reader}}, {"content_type", p.FullType()}}
		})
		return &call{path: "/emails", header: map[string]string{"Idempotency-Key": key}, body: jsonPayload(add(body, "attachments", files))}, nil
	},
	sign: bearer,
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("id")
		return result{id: id}, id != ""
	},
	check: func(Account) check {
		return check{call: call{path: "/domains"}, allowed: []string{"restricted_api_key"}}
	},
}
