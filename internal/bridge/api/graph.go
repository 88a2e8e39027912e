//go:build unix

package api

import (
	"io"
	"net/http"
	"net/url"

	"relayhost/internal/bridge/conf"
)

// graph is sendMail with MIME content: base64 as text/plain, 202 without a body; the
// headers say who gets it; the copy in Sent Items cannot be turned off in this form
// (user: sendMail, and Send messages with MIME content). A request may have 4 MB
// (Microsoft Q&A 1824204, 2024-07-30; Use the Microsoft Graph API), and four may run at
// once for one application and mailbox (Microsoft Graph service-specific throttling
// limits, Outlook service limits, by Microsoft Q&A 2258712, 2025-04-16).
var graph = API{
	API: known("m365"),
	build: func(m *Message, a Account) (*call, error) {
		open, err := m.byHeader()
		if err != nil {
			return nil, err
		}
		return &call{path: "/v1.0/users/" + url.PathEscape(a.Get(conf.Mailbox)) + "/sendMail", body: payload{"text/plain", func(w io.Writer) error { return writeBase64(w, open()) }}}, nil
	},
	sign: token,
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.header.Get("request-id")
		return result{id: id}, ans.status == http.StatusAccepted && id != ""
	},
	check: func(a Account) check {
		// An application that may send and nothing else is refused with the token taken.
		return check{call: call{path: "/v1.0/users/" + url.PathEscape(a.Get(conf.Mailbox)) + "?$select=id"}, allowed: []string{"Authorization_RequestDenied", "ErrorAccessDenied"}}
	},
}
