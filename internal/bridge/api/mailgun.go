//go:build unix

package api

import (
	"context"
	"crypto/rand"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"

	"relayhost/internal/bridge/conf"
)

// mailgun is messages.mime. The envelope is in the form's "to" fields; the sender is
// taken from the message. No key against duplicates was found. Texts of refusals:
// unsure, from support threads.
var mailgun = API{
	API: known("mailgun"),
	build: func(m *Message, a Account) (*call, error) {
		boundary := rand.Text()
		return &call{path: "/v3/" + url.PathEscape(a.Get(conf.Domain)) + "/messages.mime", body: payload{
			"multipart/form-data; boundary=" + boundary,
			func(w io.Writer) error {
				form := multipart.NewWriter(w)
				if err := form.SetBoundary(boundary); err != nil {
					return err
				}
				for _, to := range m.To {
					if err := form.WriteField("to", to); err != nil {
						return err
					}
				}
				part, err := form.CreatePart(textproto.MIMEHeader{
					"Content-Disposition": {`form-data; name="message"; filename="message.mime"`}, "Content-Type": {"message/rfc822"},
				})
				if err != nil {
					return err
				}
				if err := copyTo(part, m.Reader()); err != nil {
					return err
				}
				return form.Close()
			},
		}}, nil
	},
	sign: func(_ context.Context, r *http.Request, s signing) error {
		r.SetBasicAuth("api", s.account.Key.Reveal())
		return nil
	},
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("id")
		return result{id: id}, id != ""
	},
	check: func(a Account) check {
		// A key of the domain may send and nothing else, so that the check is a message
		// in test mode without recipient and text: a valid key gets the fault of the form.
		return check{call: call{
			method: http.MethodPost, path: "/v3/" + url.PathEscape(a.Get(conf.Domain)) + "/messages.mime",
			body: bytesPayload("application/x-www-form-urlencoded", "o%3Atestmode=yes"),
		}, allowed: []string{"parameter is missing", "parameter is not a valid address"}}
	},
}
