//go:build unix

package api

import (
	"net/http"
	"net/mail"
)

// sendgrid is v3 mail/send: 202 without a body, the id in X-Message-Id. The types
// of parts take no parameters ("can not contain ';'"; sendgrid-php issue 250 about
// invitations). Errors have a field and a text, no code (docs, Errors). Tracking is
// left to the account's settings, as by SMTP. Limits: 30 MB, 1,000 recipients.
// Message-ID and Date among the headers: Message-ID is not among the reserved ones,
// unsure whether it is kept.
var sendgrid = API{
	API: known("sendgrid"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed(bareTypes)
		if err != nil {
			return nil, err
		}
		headers, err := headerMap(c.withID())
		if err != nil {
			return nil, err
		}
		to, cc = once(to, cc)
		person := object{{"to", nameEmails(to, "email", "name")}}
		person = add(person, "cc", nameEmails(cc, "email", "name"))
		person = add(person, "bcc", nameEmails(bcc, "email", "name"))
		body := object{
			{"personalizations", list{person}}, {"from", nameEmail(c.From, "email", "name")}, {"subject", c.Subject},
		}
		body = add(body, "headers", headers)
		switch len(c.ReplyTo) {
		case 0:
		case 1:
			body = append(body, member{"reply_to", nameEmail(c.ReplyTo[0], "email", "name")})
		default:
			body = append(body, member{"reply_to_list", nameEmails(c.ReplyTo, "email", "name")})
		}
		var content list
		if c.Text != nil || c.HTML == nil {
			content = append(content, object{{"type", "text/plain"}, {"value", textOr(c.Text)}})
		}
		if c.HTML != nil {
			content = append(content, object{{"type", "text/html"}, {"value", textOr(c.HTML)}})
		}
		body = append(body, member{"content", content})
		files := c.files("content_id", func(p *Part) object {
			return object{{"content", base64Of{p.Reader}}, {"type", p.Type}, {"filename", p.Name}, {"disposition", disposition(p)}}
		})
		return &call{path: "/v3/mail/send", body: jsonPayload(add(body, "attachments", files))}, nil
	},
	sign: bearer,
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.header.Get("X-Message-Id")
		return result{id: id}, ans.status == http.StatusAccepted && id != ""
	},
	check: func(Account) check { return check{call: call{path: "/v3/scopes"}} },
}

// once are To and Cc with each address where it stands first: an address that is
// repeated among to, cc and bcc is an error (SendGrid, Mail send errors, recipient errors;
// sendgrid-csharp issue 400; upper case is the same, sendgrid-ruby issue 461).
func once(to, cc []*mail.Address) (onlyTo, onlyCc []*mail.Address) {
	seen := map[string]bool{}
	first := func(all []*mail.Address) (list []*mail.Address) {
		for _, a := range all {
			if key := canonical(a.Address); !seen[key] {
				seen[key] = true
				list = append(list, a)
			}
		}
		return list
	}
	return first(to), first(cc)
}

func disposition(p *Part) string {
	if p.Inline {
		return "inline"
	}
	return "attachment"
}
