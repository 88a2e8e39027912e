//go:build unix

package api

import "net/http"

// sparkpost is a transmission with content.email_rfc822: a string of JSON, so that
// bytes that are not UTF-8 cannot be carried (that base64 is taken: no source).
// Substitution and tracking, which the API has on by default, would change the
// message and are off. return_path is left out: it has to be at a bounce domain of the
// account. Name and range of the options: unsure, Transmissions API.
var sparkpost = API{
	API: known("sparkpost"),
	build: func(m *Message, _ Account) (*call, error) {
		var to list
		for _, a := range m.To {
			to = append(to, object{{"address", object{{"email", a}}}})
		}
		body := object{
			{"options", object{{"open_tracking", false}, {"click_tracking", false}, {"transactional", true}, {"perform_substitutions", false}, {"inline_css", false}}},
			{"recipients", to},
			{"content", object{{"email_rfc822", wholeText(m)}}},
		}
		return &call{path: "/api/v1/transmissions?num_rcpt_errors=100", body: jsonPayload(body)}, nil
	},
	sign: keyHeader("Authorization"),
	result: func(ans *answer, m *Message) (result, bool) {
		r := result{id: ans.text("results", "id"), refused: map[string]Reply{}}
		for _, e := range ans.items("results", "rcpt_to_errors") {
			_, text := faultOf(e)
			r.refused[textAt(e, "address", "email")] = Reply{550, "5.1.1", text}
		}
		if n := ans.text("results", "total_rejected_recipients"); len(r.refused) == 0 && n != "" && n != "0" && len(m.To) == 1 {
			r.refused[m.To[0]] = Reply{550, "5.1.1", "recipient refused"}
		}
		return r, r.id != ""
	},
	check: func(Account) check {
		return check{call: call{method: http.MethodGet, path: "/api/v1/account"}, allowed: []string{"Forbidden."}}
	},
}
