//go:build unix

package api

import (
	"context"
	"net/http"
)

// mandrill is messages/send-raw (parameters: rubydoc.info, mandrill-api,
// Messages#send_raw; reply: hackage.haskell.org, mandrill 0.4.1, MessagesResponse).
// The message is a string of JSON, so that bytes that are not UTF-8 cannot be
// carried. The key is in the body. from_email would stand in place of the message's
// From and is left out.
var mandrill = API{
	API: known("mandrill"),
	build: func(m *Message, a Account) (*call, error) {
		body := object{{"key", a.Key.Reveal()}, {"raw_message", wholeText(m)}, {"to", m.To}, {"async", false}}
		return &call{path: "/api/1.0/messages/send-raw", body: jsonPayload(body)}, nil
	},
	sign: func(context.Context, *http.Request, signing) error { return nil },
	result: func(ans *answer, m *Message) (result, bool) {
		all, _ := ans.json.([]any)
		r := result{refused: map[string]Reply{}}
		for _, one := range all {
			if r.id == "" {
				r.id = textAt(one, "_id")
			}
			reason := textAt(one, "reject_reason")
			switch textAt(one, "status") {
			case "sent", "queued", "scheduled":
			case "invalid":
				r.refused[textAt(one, "email")] = Reply{550, "5.1.3", "the address is not valid"}
			case "rejected":
				// Suppressed addresses and rules are the recipient's; the sender and the
				// test mode are the account's.
				reply := Reply{550, "5.7.1", "rejected: " + reason}
				if reason == "invalid-sender" || reason == "test-mode-limit" || reason == "unsigned" {
					reply = Reply{451, "4.7.1", "rejected: " + reason}
				}
				r.refused[textAt(one, "email")] = reply
			default:
				return r, false
			}
		}
		return r, len(all) >= len(m.To) && len(all) > 0
	},
	check: func(a Account) check {
		return check{call: call{method: http.MethodPost, path: "/api/1.0/users/ping2", body: jsonPayload(object{{"key", a.Key.Reveal()}})}}
	},
}
