//go:build unix

package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"relayhost/internal/bridge/conf"
)

// mailjet is v3.1/send (guide Send API v3.1 of the service's own api-documentation,
// commit 3a446e6 of 2023-09-13, and dev.mailjet.com, read 2026-11-29): fields, answers,
// error codes, 50 recipients, 15 MB of attachments, 255 characters of subject and the
// headers that it takes from nobody are those of the guide. It logs in with the key pair
// that SMTP takes, sets Message-ID itself, and recognises no repetition. The types of
// its parts take no parameters: unsure. /v3/REST/sender lists the senders of the account.
var mailjet = API{
	API: known("mailjet"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed(oneReplyTo, bareTypes)
		if err == nil && utf8.RuneCountInString(c.Subject) > 255 {
			err = refuse("5.6.1", "the subject has more than the 255 characters that this API takes")
		}
		if err != nil {
			return nil, err
		}
		headers, err := mailjetHeaders(c.Headers)
		if err != nil {
			return nil, err
		}
		one := object{{"From", nameEmail(c.From, "Email", "Name")}, {"To", nameEmails(to, "Email", "Name")}}
		one = add(one, "Cc", nameEmails(cc, "Email", "Name"))
		one = add(one, "Bcc", nameEmails(bcc, "Email", "Name"))
		if len(c.ReplyTo) == 1 {
			one = append(one, member{"ReplyTo", nameEmail(c.ReplyTo[0], "Email", "Name")})
		}
		if c.Subject != "" {
			one = append(one, member{"Subject", c.Subject})
		}
		one = add(one, "Headers", headers)
		one = c.body(one, "TextPart", "HTMLPart")
		var files, inline list
		for _, p := range c.Files {
			if p.len == 0 {
				return nil, refuse("5.6.1", "the attachment %s is empty, and this API takes none that is", p.Name)
			}
			f := object{{"ContentType", p.Type}, {"Filename", p.Name}, {"Base64Content", base64Of{p.Reader}}}
			if p.ID != "" {
				inline = append(inline, append(f, member{"ContentID", p.ID}))
			} else {
				files = append(files, f)
			}
		}
		one = add(add(one, "Attachments", files), "InlinedAttachments", inline)
		return &call{path: "/v3.1/send", body: jsonPayload(object{{"Messages", list{one}}})}, nil
	},
	sign: func(_ context.Context, r *http.Request, s signing) error {
		r.SetBasicAuth(s.account.Get(conf.Login), s.account.Key.Reveal())
		return nil
	},
	result: func(ans *answer, _ *Message) (result, bool) {
		messages := ans.items("Messages")
		if len(messages) != 1 || textAt(messages[0], "Status") != "success" {
			return result{}, false
		}
		one, _ := messages[0].(map[string]any)
		to, _ := one["To"].([]any)
		if len(to) == 0 {
			return result{}, false
		}
		id := textAt(to[0], "MessageID")
		return result{id: id}, ans.status == http.StatusOK && id != ""
	},
	check: func(Account) check { return check{call: call{path: "/v3/REST/sender"}} },
}

// mailjetHeaders are the headers of the message without those that name a program or a
// check on the way, which the API takes from nobody; others of that kind are refused.
func mailjetHeaders(all []Header) (object, error) {
	var kept []Header
	for _, h := range all {
		name := strings.ToLower(h.Name)
		switch {
		case slices.Contains([]string{"x-mailer", "user-agent", "authentication-results", "received-spf", "domainkey-status"}, name):
			continue
		case slices.Contains([]string{"sender", "list-id", "x-feedback-id", "x-csa-complaints"}, name),
			strings.HasPrefix(name, "x-mj-"), strings.HasPrefix(name, "x-mailjet-"):
			return nil, refuse("5.6.1", "the message has the header %s, which this API does not take", h.Name)
		}
		kept = append(kept, h)
	}
	return headerMap(kept)
}
