//go:build unix

package api

import (
	"net/http"

	"relayhost/internal/bridge/conf"
)

// postmark is /email. Message-ID is kept with the header X-PM-KeepID (Postmark, Send
// email with SMTP, and the library wildbit/swiftmailer-postmark). Error codes: API
// overview, error codes; 300 covers bad addresses, an empty body and more than 50
// recipients (support article 1180). Inactive recipients: a 406 names them, and the
// rest has been sent when the answer is a 200.
var postmark = API{
	API: known("postmark"),
	build: func(m *Message, a Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed()
		if err != nil {
			return nil, err
		}
		body := object{{"From", display(c.From)}, {"To", joined(to)}, {"Subject", c.Subject}}
		for _, f := range []member{{"Cc", joined(cc)}, {"Bcc", joined(bcc)}, {"ReplyTo", joined(c.ReplyTo)}, {"MessageStream", a.Get(conf.Stream)}} {
			if f.value != "" {
				body = append(body, f)
			}
		}
		headers := c.withID()
		if c.MessageID != "" {
			headers = append(headers, Header{"X-PM-KeepID", "true"})
		}
		body = add(body, "Headers", headerList(headers, "Name", "Value"))
		body = c.body(body, "TextBody", "HtmlBody")
		var files list
		for _, p := range c.Files {
			f := object{{"Name", p.Name}, {"Content", base64Of{p.Reader}}, {"ContentType", p.FullType()}}
			if p.ID != "" {
				f = append(f, member{"ContentID", "cid:" + p.ID})
			}
			files = append(files, f)
		}
		return &call{path: "/email", body: jsonPayload(add(body, "Attachments", files))}, nil
	},
	sign: keyHeader("X-Postmark-Server-Token"),
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("MessageID")
		return result{id: id}, ans.status == http.StatusOK && ans.text("ErrorCode") == "0" && id != ""
	},
	check: func(Account) check { return check{call: call{path: "/server"}} },
}
