//go:build unix

package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
)

// acs is emails:send of Azure Communication Services, API version 2025-09-01: 202
// with an operation id. Operation-Id is chosen by the client (azure-communication-email
// 1.1.0, 2025-09-01); that a second request with the same one sends nothing: unsure,
// so that it does not count as keyed. contentId: the same release. Signature: Authenticate
// to Azure Communication Services, access keys; unsure, from memory. Message-ID is
// kept where it is valid (Adding reserved custom headers). The sender's name that a
// recipient sees is that of the MailFrom address in the resource, not the message's.
// Limits: 10 MB a request, 50 recipients.
var acs = API{
	API: known("acs"),
	build: func(m *Message, _ Account) (*call, error) {
		c, to, cc, bcc, err := m.addressed()
		if err != nil {
			return nil, err
		}
		id, err := m.uuid()
		if err != nil {
			return nil, err
		}
		headers, err := headerMap(c.withID())
		if err != nil {
			return nil, err
		}
		people := object{{"to", nameEmails(to, "address", "displayName")}}
		people = add(people, "cc", nameEmails(cc, "address", "displayName"))
		people = add(people, "bcc", nameEmails(bcc, "address", "displayName"))
		body := object{
			{"senderAddress", c.From.Address}, {"recipients", people},
			{"content", c.body(object{{"subject", c.Subject}}, "plainText", "html")},
		}
		body = add(body, "replyTo", nameEmails(c.ReplyTo, "address", "displayName"))
		body = add(body, "headers", headers)
		files := c.files("contentId", func(p *Part) object {
			return object{{"name", p.Name}, {"contentType", p.FullType()}, {"contentInBase64", base64Of{p.Reader}}}
		})
		return &call{path: "/emails:send?api-version=2025-09-01", header: map[string]string{"Operation-Id": id}, body: jsonPayload(add(body, "attachments", files))}, nil
	},
	sign: func(_ context.Context, r *http.Request, s signing) error {
		key, err := base64.StdEncoding.DecodeString(s.account.Key.Reveal())
		if err != nil {
			return errors.New("api_key is not in base64, as an access key of the resource is")
		}
		date := s.now.UTC().Format(http.TimeFormat)
		hash := base64.StdEncoding.EncodeToString(s.digest.sha256[:])
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(r.Method + "\n" + r.URL.RequestURI() + "\n" + date + ";" + r.URL.Host + ";" + hash))
		r.Header.Set("X-Ms-Date", date)
		r.Header.Set("X-Ms-Content-Sha256", hash)
		r.Header.Set("Authorization", "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature="+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		return nil
	},
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("id")
		return result{id: id}, ans.status == http.StatusAccepted && id != ""
	},
	check: func(Account) check {
		// An operation that does not exist: 404 to a valid signature, 401 to another.
		return check{call: call{path: "/emails/operations/00000000-0000-4000-8000-000000000000?api-version=2025-09-01"}, allowed: []string{"NotFound", "OperationNotFound", "not found"}}
	},
}
