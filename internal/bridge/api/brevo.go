//go:build unix

package api

import (
	"path"
	"slices"
	"strings"
)

// brevo is v3/smtp/email. The key against duplicates is a UUID that holds for 15 or 30
// minutes, named idempotencyKey by developers.brevo.com (changelog 2021-11-10, and
// Idempotency for batch emails) and Idempotency-Key by the reference page, all read
// 2026-11-28; both are sent. An attachment has content and name only, its type follows
// from the name, whose endings are limited, and there are no inline images. Text is a
// template, so that braces would be replaced: unsure, and refused. 99 recipients; the
// size: unsure. "Standard headers are not supported": unsure which of those that are
// sent arrive, Message-ID among them.
var brevo = API{
	API: known("brevo"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed(noInline, oneReplyTo, noTemplate("{{", "{%"), bareTypes)
		if err != nil {
			return nil, err
		}
		id, err := m.uuid()
		if err != nil {
			return nil, err
		}
		headers, err := headerMap(append(c.withID(), Header{"idempotencyKey", id}, Header{"Idempotency-Key", id}))
		if err != nil {
			return nil, err
		}
		body := object{{"sender", nameEmail(c.From, "email", "name")}, {"to", nameEmails(to, "email", "name")}, {"subject", c.Subject}, {"headers", headers}}
		body = add(body, "cc", nameEmails(cc, "email", "name"))
		body = add(body, "bcc", nameEmails(bcc, "email", "name"))
		if len(c.ReplyTo) == 1 {
			body = append(body, member{"replyTo", nameEmail(c.ReplyTo[0], "email", "name")})
		}
		body = c.body(body, "textContent", "htmlContent")
		var files list
		for _, p := range c.Files {
			if ending := strings.TrimPrefix(strings.ToLower(path.Ext(p.Name)), "."); !slices.Contains(brevoEndings, ending) {
				return nil, refuse("5.6.1", "the attachment %s has an ending that this API does not take", p.Name)
			}
			files = append(files, object{{"content", base64Of{p.Reader}}, {"name", p.Name}})
		}
		return &call{path: "/v3/smtp/email", body: jsonPayload(add(body, "attachment", files))}, nil
	},
	sign: keyHeader("Api-Key"),
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("messageId")
		return result{id: id}, ans.status/100 == 2 && id != ""
	},
	check: func(Account) check { return check{call: call{path: "/v3/account"}} },
}

// brevoEndings are the endings of attachments that are taken (reference page).
var brevoEndings = strings.Fields(`xlsx xls ods docx docm doc csv pdf txt gif jpg jpeg png tif tiff rtf bmp cgm css shtml html htm
	zip xml ppt pptx tar ez ics mobi msg pub eps odt mp3 m4a m4v wma ogg flac wav aif aifc aiff mp4 mov avi mkv mpeg mpg wmv pkpass xlsm`)
