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
		c, err := m.Take()
		if err != nil {
			return nil, err
		}
		to, cc, bcc, err := m.visible(c)
		if err == nil {
			err = undisclosed(to)
		}
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
	replies: []Rule{
		{Code: "10", Reply: "451 4.7.8", Scope: ScopeAccount},
		{Code: "100", Reply: "451 4.3.2", Scope: ScopeTemporary},
		{Code: "300", Text: `(?i)illegal|address|recipient|'to'`, Reply: "550 5.1.3", Scope: ScopeRecipient},
		{Code: "300", Reply: "554 5.6.0", Scope: ScopeMessage},
		{Code: "400", Reply: "451 4.7.1", Scope: ScopeAccount},
		{Code: "401", Reply: "451 4.7.1", Scope: ScopeAccount},
		{Code: "402", Reply: "554 5.6.0", Scope: ScopeMessage},
		{Code: "403", Reply: "554 5.6.0", Scope: ScopeMessage},
		{Code: "405", Reply: "451 4.7.28", Scope: ScopeAccount},
		{Code: "406", Reply: "550 5.7.1", Scope: ScopeRecipient},
		{Code: "411", Reply: "554 5.6.0", Scope: ScopeMessage},
		{Code: "412", Reply: "451 4.7.1", Scope: ScopeAccount},
		{Code: "413", Reply: "451 4.7.1", Scope: ScopeAccount},
		{Code: "429", Reply: "451 4.7.28", Scope: ScopeTemporary},
	},
	check: func(Account) check { return check{call: call{path: "/server"}} },
}
