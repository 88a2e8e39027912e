package apitest

import (
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"
)

// person is an address of the APIs that have objects for them.
type person struct {
	Email, Name, Address, DisplayName string
}

func (p person) String() string {
	address, name := p.Email+p.Address, p.Name+p.DisplayName
	if name == "" {
		return address
	}
	return name + " <" + address + ">"
}

func people(all []person) []string {
	var out []string
	for _, p := range all {
		out = append(out, p.String())
	}
	return out
}

// texts are addresses of the APIs that take them as text.
func texts(all ...string) []string {
	var out []string
	for _, s := range all {
		if s == "" {
			continue
		}
		list, err := mail.ParseAddressList(s)
		if err != nil {
			return append(out, "malformed: "+s)
		}
		for _, a := range list {
			out = append(out, person{Email: a.Address, Name: a.Name}.String())
		}
	}
	return out
}

// finish checks what holds for all APIs with fields.
func finish(f *Fields, size, bytes, recipients int, key string) (Got, *problem) {
	got := Got{Fields: f, Key: key}
	for _, list := range [][]string{f.To, f.Cc, f.Bcc} {
		for _, a := range list {
			if i := strings.LastIndex(a, "<"); i >= 0 {
				a = strings.Trim(a[i:], "<>")
			}
			if strings.Contains(a, "malformed") {
				return got, &problem{422, "invalid_parameter", "email is not valid in to"}
			}
			got.To = append(got.To, a)
		}
	}
	switch {
	case len(f.To) == 0 || len(got.To) > recipients:
		return got, &problem{400, "invalid_parameter", "recipient count in to"}
	case size > bytes:
		return got, &problem{413, "payload_too_large", "too large"}
	case f.Text == "" && f.HTML == "":
		return got, &problem{400, "missing_parameter", "no content"}
	case f.From == "":
		return got, &problem{400, "missing_parameter", "no sender"}
	}
	seen := map[string]bool{}
	for _, x := range f.Files {
		if x.Name == "" || x.ID != "" && seen[x.ID] {
			return got, &problem{400, "invalid_parameter", "attachment"}
		}
		seen[x.ID] = true
	}
	return got, nil
}

// reserved are headers that no API takes among the custom ones.
func reserved(headers map[string]string, more ...string) *problem {
	for name := range headers {
		for _, bad := range append([]string{"received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"}, more...) {
			if strings.EqualFold(name, bad) {
				return &problem{400, "invalid_parameter", "header " + name + " is reserved"}
			}
		}
	}
	return nil
}

type file struct {
	Content                           []byte
	Type, Filename, Disposition, Name string
	ContentID                         string `json:"content_id"`
	ContentType                       string `json:"content_type"`
	ID                                string
}

func files(all []file) []File {
	var out []File
	for _, f := range all {
		out = append(out, File{f.Filename + f.Name, f.Type + f.ContentType, f.ContentID + f.ID, f.Content})
	}
	return out
}

type pair struct{ Name, Value string }

func pairs(all []pair) map[string]string {
	out := map[string]string{}
	for _, p := range all {
		out[p.Name] = p.Value
	}
	return out
}

func init() {
	apis["sendgrid"] = form{
		path: "/v3/mail/send", allow: header("Authorization", "Bearer ", KeyOf("sendgrid")), checkPath: "/v3/scopes", checkStatus: 200, checkBody: map[string]any{"scopes": []string{"mail.send"}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				Personalizations []struct{ To, Cc, Bcc []person }
				From             person
				ReplyTo          *person  `json:"reply_to"`
				ReplyToList      []person `json:"reply_to_list"`
				Subject          string
				Headers          map[string]string
				Content          []struct{ Type, Value string }
				Attachments      []file
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if len(in.Personalizations) != 1 {
				return Got{}, &problem{400, "", "personalizations"}
			}
			if p := reserved(in.Headers, "x-sg-id", "x-sg-eid"); p != nil {
				return Got{}, p
			}
			to := in.Personalizations[0]
			seen := map[string]bool{}
			for _, a := range slices.Concat(to.To, to.Cc, to.Bcc) {
				if seen[strings.ToLower(a.Email)] {
					return Got{}, &problem{400, "", "Each email address in the personalization block should be unique between to, cc, and bcc. We found the first duplicate instance of [" + a.Email + "]"}
				}
				seen[strings.ToLower(a.Email)] = true
			}
			f := &Fields{From: in.From.String(), Subject: in.Subject, To: people(to.To), Cc: people(to.Cc), Bcc: people(to.Bcc), ReplyTo: people(in.ReplyToList), Headers: in.Headers, Files: files(in.Attachments)}
			if in.ReplyTo != nil {
				f.ReplyTo = append(f.ReplyTo, in.ReplyTo.String())
			}
			for i, c := range in.Content {
				switch {
				case c.Value == "" || strings.Contains(c.Type, ";"):
					return Got{}, &problem{400, "", "content"}
				case c.Type == "text/plain" && i == 0:
					f.Text = c.Value
				case c.Type == "text/html":
					f.HTML = c.Value
				default:
					return Got{}, &problem{400, "", "content order"}
				}
			}
			for _, x := range f.Files {
				if strings.ContainsAny(x.Type, ";\r\n") {
					return Got{}, &problem{400, "", "The attachment type can not contain ';', or CRLF"}
				}
			}
			return finish(f, len(body), 45<<20, 1000, "")
		},
		took: func(s *Service, w http.ResponseWriter, id string, _ Got) {
			s.say(w, 202, map[string]string{"X-Message-Id": id}, nil)
		},
		fail: failed(func(p problem) any {
			return map[string]any{"errors": []any{map[string]any{"message": p.text, "field": nil, "help": nil}}}
		}),
	}
}

func init() {
	apis["postmark"] = form{
		path: "/email", allow: func(s *Service, r *http.Request, body []byte) *problem {
			if p := header("X-Postmark-Server-Token", "", Key)(s, r, body); p != nil {
				return &problem{401, "10", "The Server Token you provided in the X-Postmark-Server-Token request header was invalid."}
			}
			return nil
		}, checkPath: "/server", checkStatus: 200, checkBody: map[string]any{"ID": 1},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				From, To, Cc, Bcc, Subject, ReplyTo, TextBody, HTMLBody, MessageStream string
				Headers                                                                []pair
				Attachments                                                            []struct {
					Name, ContentType, ContentID string
					Content                      []byte
				}
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, &problem{422, "402", p.text}
			}
			f := &Fields{Subject: in.Subject, To: texts(in.To), Cc: texts(in.Cc), Bcc: texts(in.Bcc), ReplyTo: texts(in.ReplyTo), Headers: pairs(in.Headers), Text: in.TextBody, HTML: in.HTMLBody}
			f.From = strings.Join(texts(in.From), ",")
			if f.Headers["Message-ID"] != "" && f.Headers["X-PM-KeepID"] != "true" {
				return Got{}, &problem{422, "300", "the test wants Message-ID kept"}
			}
			delete(f.Headers, "X-PM-KeepID")
			if p := reserved(f.Headers); p != nil {
				return Got{}, p
			}
			for _, x := range in.Attachments {
				f.Files = append(f.Files, File{x.Name, x.ContentType, strings.TrimPrefix(x.ContentID, "cid:"), x.Content})
			}
			return finish(f, len(body), 15<<20, 50, "")
		},
		took: accepted(200, func(id string, _ Got) any {
			return map[string]any{"To": "x", "SubmittedAt": "2026-11-28T00:00:00Z", "MessageID": id, "ErrorCode": 0, "Message": "OK"}
		}),
		fail: failed(func(p problem) any {
			code := 300
			if p.code == "10" {
				code = 10
			}
			return map[string]any{"ErrorCode": code, "Message": p.text}
		}),
	}
}

func init() {
	apis["brevo"] = form{
		path: "/v3/smtp/email", allow: header("Api-Key", "", KeyOf("brevo")), checkPath: "/v3/account", checkStatus: 200, checkBody: map[string]any{"email": "a@example.com"},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				Sender                            person
				To, Cc, Bcc                       []person
				ReplyTo                           *person
				Subject, TextContent, HTMLContent string
				Headers                           map[string]string
				Attachment                        []file
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			key := in.Headers["idempotencyKey"]
			if len(key) != 36 || key[14] != '8' {
				return Got{}, &problem{400, "invalid_parameter", "idempotencyKey is no UUID"}
			}
			if in.Headers["Idempotency-Key"] != key {
				return Got{}, &problem{400, "invalid_parameter", "Idempotency-Key"}
			}
			delete(in.Headers, "idempotencyKey")
			delete(in.Headers, "Idempotency-Key")
			if p := reserved(in.Headers); p != nil {
				return Got{}, p
			}
			f := &Fields{From: in.Sender.String(), Subject: in.Subject, To: people(in.To), Cc: people(in.Cc), Bcc: people(in.Bcc), Headers: in.Headers, Text: in.TextContent, HTML: in.HTMLContent, Files: files(in.Attachment)}
			if in.ReplyTo != nil {
				f.ReplyTo = []string{in.ReplyTo.String()}
			}
			return finish(f, len(body), 30<<20, 99, key)
		},
		took: accepted(201, func(id string, _ Got) any { return map[string]any{"messageId": "<" + id + "@smtp-relay.mailin.fr>"} }),
		fail: codeMessage,
	}
}

func init() {
	apis["resend"] = form{
		path: "/emails", allow: header("Authorization", "Bearer ", KeyOf("resend")), checkPath: "/domains", checkStatus: 401,
		checkBody: map[string]any{"statusCode": 401, "name": "restricted_api_key", "message": "This API key is restricted to only send emails"},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				From          string
				To, Cc, Bcc   []string
				ReplyTo       []string `json:"reply_to"`
				Subject, Text string
				HTML          string
				Headers       map[string]string
				Attachments   []file
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if p := reserved(in.Headers); p != nil {
				return Got{}, p
			}
			key := r.Header.Get("Idempotency-Key")
			if len(key) < 1 || len(key) > 256 {
				return Got{}, &problem{400, "invalid_idempotency_key", "The key must be between 1-256 chars."}
			}
			f := &Fields{From: strings.Join(texts(in.From), ","), Subject: in.Subject, To: texts(in.To...), Cc: texts(in.Cc...), Bcc: texts(in.Bcc...), ReplyTo: texts(in.ReplyTo...), Headers: in.Headers, Text: in.Text, HTML: in.HTML, Files: files(in.Attachments)}
			return finish(f, len(body), 60<<20, 50, key)
		},
		took: accepted(200, func(id string, _ Got) any { return map[string]any{"id": id} }),
		fail: failed(func(p problem) any {
			name := p.code
			if p.status == 401 {
				name = "validation_error"
				p.text = "API key is invalid"
			}
			return map[string]any{"statusCode": p.status, "name": name, "message": p.text}
		}),
	}
}

func init() {
	apis["mailtrap"] = form{
		path: "/api/send", allow: header("Authorization", "Bearer ", Key),
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				From                person
				To, Cc, Bcc         []person
				ReplyTo             *person `json:"reply_to"`
				Subject, Text, HTML string
				Headers             map[string]string
				Attachments         []file
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if p := reserved(in.Headers); p != nil {
				return Got{}, p
			}
			f := &Fields{From: in.From.String(), Subject: in.Subject, To: people(in.To), Cc: people(in.Cc), Bcc: people(in.Bcc), Headers: in.Headers, Text: in.Text, HTML: in.HTML, Files: files(in.Attachments)}
			if in.ReplyTo != nil {
				f.ReplyTo = []string{in.ReplyTo.String()}
			}
			return finish(f, len(body), 15<<20, 1000, "")
		},
		took: accepted(200, func(id string, _ Got) any { return map[string]any{"success": true, "message_ids": []string{id}} }),
		fail: failed(func(p problem) any { return map[string]any{"success": false, "errors": []string{p.text}} }),
	}
}

func init() {
	apis["mailersend"] = form{
		path: "/v1/email", allow: header("Authorization", "Bearer ", KeyOf("mailersend")), checkPath: "/v1/api-quota", checkStatus: 200, checkBody: map[string]any{"quota": 1},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				From                person
				To, Cc, Bcc         []person
				ReplyTo             *person `json:"reply_to"`
				Subject, Text, HTML string
				Headers             []pair
				Attachments         []file
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			f := &Fields{From: in.From.String(), Subject: in.Subject, To: people(in.To), Cc: people(in.Cc), Bcc: people(in.Bcc), Headers: pairs(in.Headers), Text: in.Text, HTML: in.HTML, Files: files(in.Attachments)}
			if in.ReplyTo != nil {
				f.ReplyTo = []string{in.ReplyTo.String()}
			}
			if len(in.Cc) > 10 || len(in.Bcc) > 10 {
				return Got{}, &problem{422, "", "The cc may not have more than 10 items."}
			}
			if p := reserved(f.Headers); p != nil {
				return Got{}, p
			}
			return finish(f, len(body), 40<<20, 70, "")
		},
		took: func(s *Service, w http.ResponseWriter, id string, _ Got) {
			s.say(w, 202, map[string]string{"X-Message-Id": id}, nil)
		},
		fail: failed(func(p problem) any {
			return map[string]any{"message": "The given data was invalid.", "errors": map[string]any{"field": []string{p.text}}}
		}),
	}
}

func init() {
	apis["acs"] = form{
		path: "/emails:send?api-version=2025-09-01", allow: azure, checkPath: "/emails/operations/00000000-0000-4000-8000-000000000000", checkStatus: 404,
		checkBody: map[string]any{"error": map[string]any{"code": "NotFound", "message": "The operation was not found."}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				SenderAddress string
				Recipients    struct{ To, Cc, Bcc []person }
				Content       struct{ Subject, PlainText, HTML string }
				ReplyTo       []person
				Headers       map[string]string
				Attachments   []struct {
					Name, ContentType, ContentID string
					ContentInBase64              []byte
				}
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if p := reserved(in.Headers); p != nil {
				return Got{}, p
			}
			if len(r.Header.Get("Operation-Id")) != 36 {
				return Got{}, &problem{400, "BadRequest", "Operation-Id is no GUID"}
			}
			to := in.Recipients
			f := &Fields{From: in.SenderAddress, Subject: in.Content.Subject, To: people(to.To), Cc: people(to.Cc), Bcc: people(to.Bcc), ReplyTo: people(in.ReplyTo), Headers: in.Headers, Text: in.Content.PlainText, HTML: in.Content.HTML}
			for _, x := range in.Attachments {
				f.Files = append(f.Files, File{x.Name, x.ContentType, x.ContentID, x.ContentInBase64})
			}
			return finish(f, len(body), 15<<20, 50, "")
		},
		took: accepted(202, func(id string, _ Got) any { return map[string]any{"id": id, "status": "Running", "error": nil} }),
		fail: failed(func(p problem) any { return map[string]any{"error": map[string]any{"code": p.code, "message": p.text}} }),
	}
}

func init() {
	apis["lettermint"] = form{
		path: "/v1/send", allow: header("X-Lettermint-Token", "", KeyOf("lettermint")),
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				From          string
				To, Cc, Bcc   []string
				ReplyTo       []string `json:"reply_to"`
				Subject, Text string
				HTML          string
				Headers       map[string]string
				Attachments   []file
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if p := reserved(in.Headers); p != nil {
				return Got{}, p
			}
			for _, text := range []string{in.Text, in.HTML} {
				if n := utf8.RuneCountInString(text); n > 0 && n < 3 {
					return Got{}, &problem{422, "", "The text field must be at least 3 characters."}
				}
			}
			if len(in.Subject) > 998 {
				return Got{}, &problem{422, "", "The subject field must not be greater than 998 characters."}
			}
			f := &Fields{From: strings.Join(texts(in.From), ","), Subject: in.Subject, To: texts(in.To...), Cc: texts(in.Cc...), Bcc: texts(in.Bcc...), ReplyTo: texts(in.ReplyTo...), Headers: in.Headers, Text: in.Text, HTML: in.HTML, Files: files(in.Attachments)}
			return finish(f, len(body), 30<<20, 50, r.Header.Get("Idempotency-Key"))
		},
		took: accepted(202, func(id string, got Got) any {
			status := "pending"
			if len(suppressed(got.To)) == len(got.To) {
				status = "suppressed"
			}
			return map[string]any{"message_id": id, "status": status}
		}),
		fail: failed(func(p problem) any { return map[string]any{"message": p.text} }),
	}
}

func init() {
	apis["mailjet"] = form{
		path: "/v3.1/send", checkPath: "/v3/REST/sender", checkStatus: 200, checkBody: map[string]any{"Count": 0, "Data": []any{}, "Total": 0},
		allow: func(_ *Service, r *http.Request, _ []byte) *problem {
			if user, key, _ := r.BasicAuth(); user != MailjetUser || key != Key {
				return &problem{401, "mj-0015", "API key authentication/authorization failure."}
			}
			return nil
		},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			type attachment struct {
				ContentType, Filename, ContentID string
				Base64Content                    []byte
			}
			var in struct {
				Messages []struct {
					From                            person
					To, Cc, Bcc                     []person
					ReplyTo                         *person
					Subject, TextPart, HTMLPart     string
					Headers                         map[string]string
					Attachments, InlinedAttachments []attachment
				}
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if len(in.Messages) != 1 {
				return Got{}, &problem{400, "mj-0007", "Messages"}
			}
			m := in.Messages[0]
			if p := reserved(m.Headers, "sender", "user-agent", "x-mailer", "list-id", "date", "message-id", "return-path", "delivered-to"); p != nil {
				return Got{}, &problem{400, "send-0011", p.text}
			}
			if utf8.RuneCountInString(m.Subject) > 255 {
				return Got{}, &problem{400, "mj-0006", "Subject"}
			}
			f := &Fields{From: m.From.String(), Subject: m.Subject, To: people(m.To), Cc: people(m.Cc), Bcc: people(m.Bcc), Headers: m.Headers, Text: m.TextPart, HTML: m.HTMLPart}
			if m.ReplyTo != nil {
				f.ReplyTo = []string{m.ReplyTo.String()}
			}
			for _, x := range append(m.Attachments, m.InlinedAttachments...) {
				if x.Filename == "" || x.ContentType == "" || len(x.Base64Content) == 0 {
					return Got{}, &problem{400, "mj-0012", "Base64Content"}
				}
				f.Files = append(f.Files, File{x.Filename, x.ContentType, x.ContentID, x.Base64Content})
			}
			return finish(f, len(body), 20<<20, 50, "")
		},
		took: accepted(200, func(id string, got Got) any {
			var to []any
			for _, a := range got.Fields.To {
				to = append(to, map[string]any{"Email": a, "MessageUUID": id, "MessageID": id, "MessageHref": "https://api.mailjet.com/v3/REST/message/" + id})
			}
			return map[string]any{"Messages": []any{map[string]any{"Status": "success", "CustomID": "", "To": to, "Cc": []any{}, "Bcc": []any{}}}}
		}),
		fail: failed(func(p problem) any {
			one := map[string]any{"ErrorIdentifier": "1", "ErrorCode": p.code, "StatusCode": p.status, "ErrorMessage": p.text}
			if p.status == 401 {
				return one
			}
			return map[string]any{"Messages": []any{map[string]any{"Status": "error", "Errors": []any{one}}}}
		}),
	}
}
