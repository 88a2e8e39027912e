//go:build unix

package api

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// smtp2go is email/mime, whose one field is the message in base64: it has no
// envelope (reference page, read 2026-11-28). Limits and error codes: unsure.
var smtp2go = API{
	API: known("smtp2go"),
	build: func(m *Message, _ Account) (*call, error) {
		open, err := m.byHeader()
		if err != nil {
			return nil, err
		}
		return &call{path: "/v3/email/mime", body: jsonPayload(object{{"mime_email", base64Of{open}}})}, nil
	},
	sign: keyHeader("X-Smtp2go-Api-Key"),
	result: func(ans *answer, m *Message) (result, bool) {
		id := ans.text("data", "email_id")
		done, _ := strconv.Atoi(ans.text("data", "succeeded"))
		r := result{id: id}
		if failed, _ := strconv.Atoi(ans.text("data", "failed")); failed > 0 {
			// It does not say in a field which ones.
			_, text := faultOf(ans.items("data", "failures"))
			if done > 0 || failed != len(m.To) {
				return r, false
			}
			r.refused = map[string]Reply{}
			for _, to := range m.To {
				r.refused[to] = Reply{550, "5.1.1", text}
			}
			return r, id != ""
		}
		return r, id != "" && done > 0
	},
	check: func(Account) check {
		return check{call: call{method: http.MethodPost, path: "/v3/stats/email_cycle", body: jsonPayload(json.RawMessage("{}"))},
			allowed: []string{"E_ApiResponseCodes.ENDPOINT_PERMISSION_DENIED"}}
	},
}
