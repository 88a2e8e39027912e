package apitest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"strings"
	"unicode/utf8"
)

// form is one API as its documentation has it.
type form struct {
	path        string // with the query
	checkPath   string
	checkStatus int
	checkBody   any
	allow       func(*Service, *http.Request, []byte) *problem
	take        func(*http.Request, []byte) (Got, *problem)
	took        func(*Service, http.ResponseWriter, string, Got)
	fail        func(http.ResponseWriter, problem)
}

// failed is the commonest form of a refusal.
func failed(body func(problem) any) func(http.ResponseWriter, problem) {
	return func(w http.ResponseWriter, p problem) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(p.status)
		_ = json.NewEncoder(w).Encode(body(p))
	}
}

var codeMessage = failed(func(p problem) any { return map[string]any{"code": p.code, "message": p.text} })

// accepted answers with the id in a member of JSON.
func accepted(status int, body func(id string, got Got) any) func(*Service, http.ResponseWriter, string, Got) {
	return func(s *Service, w http.ResponseWriter, id string, got Got) { s.say(w, status, nil, body(id, got)) }
}

// Suppressed is an address that every server refuses, where its API answers for
// each recipient.
const Suppressed = "suppressed@example.net"

func suppressed(to []string) []string {
	var out []string
	for _, a := range to {
		if a == Suppressed {
			out = append(out, a)
		}
	}
	return out
}

// bound checks size and number of recipients.
func bound(raw []byte, to []string, bytes, recipients int) *problem {
	switch {
	case len(raw) > bytes:
		return &problem{413, "RequestEntityTooLarge", "the message is too large"}
	case len(to) == 0 || len(to) > recipients:
		return &problem{400, "invalid_parameter", "recipient count"}
	}
	return nil
}

// named are the addresses in the headers of a message, without its Bcc, which the
// service takes out.
func named(raw []byte) ([]byte, []string, *problem) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return nil, nil, &problem{400, "ErrorMimeContentInvalid", err.Error()}
	}
	var to []string
	for _, name := range []string{"To", "Cc", "Bcc"} {
		if list, err := m.Header.AddressList(name); err == nil {
			for _, a := range list {
				to = append(to, a.Address)
			}
		}
	}
	for bytes.HasPrefix(raw, []byte("Bcc:")) {
		_, raw, _ = bytes.Cut(raw, []byte("\r\n"))
		for bytes.HasPrefix(raw, []byte(" ")) {
			_, raw, _ = bytes.Cut(raw, []byte("\r\n"))
		}
	}
	return raw, to, nil
}

var apis = map[string]form{
	"ses": {
		path: "/v2/email/outbound-emails", allow: aws,
		checkPath: "/v2/email/account", checkStatus: 200, checkBody: map[string]any{"SendingEnabled": true, "ProductionAccessEnabled": true},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				FromEmailAddress, ConfigurationSetName string
				Destination                            struct{ ToAddresses []string }
				Content                                struct{ Raw struct{ Data []byte } }
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			return Got{Raw: in.Content.Raw.Data, From: in.FromEmailAddress, To: in.Destination.ToAddresses}, bound(in.Content.Raw.Data, in.Destination.ToAddresses, 40<<20, 50)
		},
		took: accepted(200, func(id string, _ Got) any { return map[string]any{"MessageId": id} }),
		fail: func(w http.ResponseWriter, p problem) {
			w.Header().Set("X-Amzn-Errortype", p.code+":http://internal.amazon.com/coral/com.amazonaws.sesv2/")
			failed(func(p problem) any { return map[string]any{"message": p.text} })(w, p)
		},
	},
	"mailgun": {
		path: "/v3/mg.example.com/messages.mime",
		allow: func(_ *Service, r *http.Request, _ []byte) *problem {
			if user, key, _ := r.BasicAuth(); user != "api" || key != Key {
				return &problem{401, "", "Forbidden"}
			}
			return nil
		},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if kind == "application/x-www-form-urlencoded" {
				return Got{}, &problem{400, "", "to parameter is missing"}
			}
			if err != nil {
				return Got{}, &problem{400, "", "no multipart"}
			}
			var got Got
			for parts := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
				p, err := parts.NextRawPart()
				if err == io.EOF {
					break
				}
				if err != nil {
					return got, &problem{400, "", err.Error()}
				}
				data, _ := io.ReadAll(p)
				switch p.FormName() {
				case "to":
					got.To = append(got.To, string(data))
				case "message":
					got.Raw = data
				default:
					return got, &problem{400, "", "unknown field " + p.FormName()}
				}
			}
			return got, bound(got.Raw, got.To, 25<<20, 1000)
		},
		took: accepted(200, func(id string, _ Got) any {
			return map[string]any{"id": "<" + id + "@mg>", "message": "Queued. Thank you."}
		}),
		fail: func(w http.ResponseWriter, p problem) {
			if p.status == 401 {
				http.Error(w, p.text, p.status)
				return
			}
			failed(func(p problem) any { return map[string]any{"message": p.text} })(w, p)
		},
	},
	"smtp2go": {
		path: "/v3/email/mime", allow: header("X-Smtp2go-Api-Key", "", Key), checkPath: "/v3/stats/email_cycle", checkStatus: 200, checkBody: map[string]any{"data": map[string]any{}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				Mime []byte `json:"mime_email"`
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			raw, to, p := named(in.Mime)
			if p != nil {
				return Got{}, p
			}
			return Got{Raw: raw, To: to}, bound(raw, to, 50<<20, 100)
		},
		took: accepted(200, func(id string, got Got) any {
			return map[string]any{"request_id": "r", "data": map[string]any{"succeeded": len(got.To), "failed": 0, "failures": []any{}, "email_id": id}}
		}),
		fail: failed(func(p problem) any {
			return map[string]any{"request_id": "r", "data": map[string]any{"error": p.text, "error_code": "E_ApiResponseCodes." + p.code}}
		}),
	},
	"sparkpost": {
		path: "/api/v1/transmissions?num_rcpt_errors=100", allow: header("Authorization", "", Key), checkPath: "/api/v1/account", checkStatus: 200, checkBody: map[string]any{"results": map[string]any{}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				Options    map[string]bool
				Recipients []struct {
					Address struct{ Email string }
				}
				Content struct {
					Raw string `json:"email_rfc822"`
				}
				ReturnPath string `json:"return_path"`
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			got := Got{Raw: []byte(in.Content.Raw), From: in.ReturnPath}
			for _, a := range in.Recipients {
				got.To = append(got.To, a.Address.Email)
			}
			if in.Options["perform_substitutions"] || in.Options["open_tracking"] || in.Options["click_tracking"] {
				return got, &problem{422, "1300", "the test wants the message unchanged"}
			}
			return got, bound(got.Raw, got.To, 20_000_000, 1000)
		},
		took: accepted(200, func(id string, got Got) any {
			var errs []any
			for _, a := range suppressed(got.To) {
				errs = append(errs, map[string]any{"message": "recipient address suppressed due to customer policy", "code": "1902", "address": map[string]any{"email": a}})
			}
			return map[string]any{"results": map[string]any{"id": id, "total_rejected_recipients": len(errs), "total_accepted_recipients": len(got.To) - len(errs), "rcpt_to_errors": errs}}
		}),
		fail: failed(func(p problem) any {
			return map[string]any{"errors": []any{map[string]any{"message": p.text, "code": p.code}}}
		}),
	},
	"mandrill": {
		path: "/api/1.0/messages/send-raw", checkPath: "/api/1.0/users/ping2", checkStatus: 200, checkBody: map[string]any{"PING": "PONG!"},
		allow: func(_ *Service, _ *http.Request, body []byte) *problem {
			var in struct{ Key string }
			if json.Unmarshal(body, &in) != nil || in.Key != Key {
				return &problem{401, "Invalid_Key", "Invalid API key"}
			}
			return nil
		},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				Key   string
				Raw   string `json:"raw_message"`
				From  string `json:"from_email"`
				To    []string
				Async bool
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			return Got{Raw: []byte(in.Raw), From: in.From, To: in.To}, bound([]byte(in.Raw), in.To, 25<<20, 1000)
		},
		took: accepted(200, func(id string, got Got) any {
			var all []any
			for _, a := range got.To {
				one := map[string]any{"email": a, "status": "sent", "_id": id, "reject_reason": nil}
				if a == Suppressed {
					one["status"], one["reject_reason"] = "rejected", "hard-bounce"
				}
				all = append(all, one)
			}
			return all
		}),
		fail: failed(func(p problem) any {
			return map[string]any{"status": "error", "code": -1, "name": p.code, "message": p.text}
		}),
	},
	"oci": {
		path: "/20220926/actions/submitRawEmail", allow: ociSigned,
		take: func(r *http.Request, body []byte) (Got, *problem) {
			if r.Header.Get("Content-Type") != "message/rfc822" || r.Header.Get("Compartment-Id") != "ocid1.compartment.oc1..c" || r.Header.Get("Sender") == "" {
				return Got{}, &problem{400, "InvalidParameter", "compartment-id or sender"}
			}
			got := Got{Raw: body, From: r.Header.Get("Sender"), To: strings.Split(r.Header.Get("Recipients"), ",")}
			return got, bound(body, got.To, 2<<20, 50)
		},
		took: accepted(200, func(id string, got Got) any {
			return map[string]any{"messageId": "<" + id + ">", "envelopeId": id, "suppressedRecipients": suppressed(got.To)}
		}),
		fail: codeMessage,
	},
	"m365": {
		path: "/v1.0/users/app@contoso.example/sendMail", allow: tokens,
		checkPath: "/v1.0/users/app@contoso.example", checkStatus: 403, checkBody: map[string]any{"error": map[string]any{"code": "Authorization_RequestDenied", "message": "Insufficient privileges to complete the operation."}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			data, err := base64.StdEncoding.DecodeString(string(body))
			if err != nil || r.Header.Get("Content-Type") != "text/plain" {
				return Got{}, &problem{400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."}
			}
			if len(body) > 4<<20 {
				return Got{}, &problem{413, "RequestEntityTooLarge", "4 MB"}
			}
			raw, to, p := named(data)
			return Got{Raw: raw, To: to}, p
		},
		took: func(s *Service, w http.ResponseWriter, id string, _ Got) {
			s.say(w, 202, map[string]string{"Request-Id": id}, nil)
		},
		fail: failed(func(p problem) any { return map[string]any{"error": map[string]any{"code": p.code, "message": p.text}} }),
	},
	"gmail": {
		path: "/upload/gmail/v1/users/me/messages/send?uploadType=media", allow: tokens,
		checkPath: "/gmail/v1/users/me/profile", checkStatus: 403, checkBody: map[string]any{"error": map[string]any{"code": 403, "message": "Request had insufficient authentication scopes.", "status": "PERMISSION_DENIED"}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			if r.Header.Get("Content-Type") != "message/rfc822" {
				return Got{}, &problem{400, "badContent", "media type"}
			}
			raw, to, p := named(body)
			if p != nil {
				return Got{}, p
			}
			return Got{Raw: raw, To: to}, bound(body, to, 35<<20, 500)
		},
		took: accepted(200, func(id string, _ Got) any {
			return map[string]any{"id": id, "threadId": id, "labelIds": []string{"SENT"}}
		}),
		fail: failed(func(p problem) any {
			return map[string]any{"error": map[string]any{"code": p.status, "message": p.text, "status": p.code}}
		}),
	},
	"cloudflare": {
		path: "/client/v4/accounts/acc/email/sending/send_raw", allow: header("Authorization", "Bearer ", Key), checkPath: "/client/v4/user/tokens/verify", checkStatus: 200, checkBody: map[string]any{"success": true, "result": map[string]any{"status": "active"}},
		take: func(r *http.Request, body []byte) (Got, *problem) {
			var in struct {
				From       string
				Recipients []string
				Mime       string `json:"mime_message"`
			}
			if p := decode(r, body, &in); p != nil {
				return Got{}, p
			}
			if !utf8.ValidString(in.Mime) || in.From == "" {
				return Got{}, &problem{400, "10001", "malformed"}
			}
			return Got{Raw: []byte(in.Mime), From: in.From, To: in.Recipients}, bound([]byte(in.Mime), in.Recipients, 5<<20, 50)
		},
		took: accepted(200, func(_ string, got Got) any {
			bounced := suppressed(got.To)
			delivered := []string{}
			for _, a := range got.To {
				if a != Suppressed {
					delivered = append(delivered, a)
				}
			}
			return map[string]any{"success": true, "errors": []any{}, "messages": []any{}, "result": map[string]any{"delivered": delivered, "permanent_bounces": bounced, "queued": []string{}}}
		}),
		fail: failed(func(p problem) any {
			return map[string]any{"success": false, "errors": []any{map[string]any{"code": p.status, "message": p.text}}}
		}),
	},
}
