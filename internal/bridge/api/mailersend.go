//go:build unix

package api

import "net/http"

// mailersend is v1/email: 202 with the id in X-Message-Id (mailersend-nodejs for the
// attachments' disposition and id). Custom headers need the plan Professional:
// unsure. Limits: 10 each in Cc and Bcc (How to start sending emails); 25 MB and 50 in
// To: unsure. {{name}} is a variable, so that such a text is refused. It has no field
// for the type of an attachment, nor for Message-ID.
var mailersend = API{
	API: known("mailersend"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed(oneReplyTo, noTemplate("{{"), bareTypes)
		if len(cc) > 10 || len(bcc) > 10 {
			err = refuse("5.5.3", "this API takes at most 10 addresses in Cc and 10 in Bcc")
		}
		if err != nil {
			return nil, err
		}
		body := object{{"from", nameEmail(c.From, "email", "name")}, {"to", nameEmails(to, "email", "name")}, {"subject", c.Subject}}
		body = add(body, "cc", nameEmails(cc, "email", "name"))
		body = add(body, "bcc", nameEmails(bcc, "email", "name"))
		if len(c.ReplyTo) == 1 {
			body = append(body, member{"reply_to", nameEmail(c.ReplyTo[0], "email", "name")})
		}
		body = add(body, "headers", headerList(c.Headers, "name", "value"))
		body = c.body(body, "text", "html")
		files := c.files("id", func(p *Part) object {
			return object{{"content", base64Of{p.Reader}}, {"filename", p.Name}, {"disposition", disposition(p)}}
		})
		return &call{path: "/v1/email", body: jsonPayload(add(body, "attachments", files))}, nil
	},
	sign: bearer,
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.header.Get("X-Message-Id")
		return result{id: id}, ans.status == http.StatusAccepted && id != ""
	},
	check: func(Account) check {
		return check{call: call{path: "/v1/api-quota"}, allowed: []string{"This action is unauthorized"}}
	},
}
