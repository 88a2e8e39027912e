//go:build unix

package api

import (
	"net/url"

	"relayhost/internal/bridge/conf"
)

// cloudflare is Email Sending's send_raw: an envelope beside the message, a string
// of JSON, and three lists of recipients in the answer. Limits: those of its SMTP
// (5 MiB, 50 recipients; cloudflare-docs 01652800).
var cloudflare = API{
	API: known("cloudflare"),
	build: func(m *Message, a Account) (*call, error) {
		if m.From == "" {
			return nil, refuse("5.7.1", "this API wants a sender, and the message has none")
		}
		body := object{{"from", m.From}, {"recipients", m.To}, {"mime_message", wholeText(m)}}
		return &call{path: "/client/v4/accounts/" + url.PathEscape(a.Get(conf.AccountID)) + "/email/sending/send_raw", body: jsonPayload(body)}, nil
	},
	sign: bearer,
	result: func(ans *answer, m *Message) (result, bool) {
		r := result{id: "accepted", refused: map[string]Reply{}}
		if id := ans.text("result", "message_id"); id != "" {
			r.id = id
		}
		for _, e := range ans.items("result", "permanent_bounces") {
			if address, ok := e.(string); ok {
				r.refused[address] = Reply{550, "5.1.1", "permanent bounce"}
			}
		}
		named := len(r.refused) + len(ans.items("result", "delivered")) + len(ans.items("result", "queued"))
		return r, ans.text("success") == "true" && named >= len(m.To)
	},
	check: func(Account) check { return check{call: call{path: "/client/v4/user/tokens/verify"}} },
}
