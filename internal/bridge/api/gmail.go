//go:build unix

package api

import (
	"io"
	"net/http"
)

// gmail is messages.send by media upload: the message as it is, up to 35 MB; the
// headers say who gets it (Uploading attachments, Gmail API guides, for the address
// and uploadType; unsure: the reference page was not at hand, 35 MB is from memory, and
// 25 MB is what Gmail sends). The token has the scope gmail.send.
var gmail = API{
	API: known("gmail"),
	build: func(m *Message, _ Account) (*call, error) {
		open, err := m.byHeader()
		if err != nil {
			return nil, err
		}
		return &call{path: "/upload/gmail/v1/users/me/messages/send?uploadType=media", body: payload{"message/rfc822", func(w io.Writer) error {
			_, err := io.Copy(w, open())
			return err
		}}}, nil
	},
	sign: token,
	result: func(ans *answer, _ *Message) (result, bool) {
		id := ans.text("id")
		return result{id: id}, id != ""
	},
	check: func(Account) check {
		return check{call: call{method: http.MethodGet, path: "/gmail/v1/users/me/profile"}, allowed: []string{"Insufficient Permission", "insufficient authentication scopes"}}
	},
}
