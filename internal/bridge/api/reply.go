//go:build unix

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// answer is what came back, its body cut at maxAnswer bytes.
type answer struct {
	status int
	header http.Header
	body   []byte
	long   bool // there was more
	json   any  // of the body, nil if it is none
}

// maxAnswer bounds the body of an answer, in bytes.
const maxAnswer = 256 << 10

func readAnswer(res *http.Response) (*answer, error) {
	defer res.Body.Close()
	a := &answer{status: res.StatusCode, header: res.Header}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if len(body) > maxAnswer {
		body, a.long = body[:maxAnswer], true
	}
	a.body = body
	if !a.long {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.UseNumber()
		_ = dec.Decode(&a.json)
	}
	return a, err
}

// text is a member of the JSON body by path: "error", "message"; "" if there is
// none.
func (a *answer) text(path ...string) string { return textAt(a.json, path...) }

func textAt(v any, path ...string) string {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = m[name]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// items is a list in the JSON body.
func (a *answer) items(path ...string) []any {
	v := a.json
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	l, _ := v.([]any)
	return l
}

// fault is the error code and text of an answer, in the forms that the APIs have.
func (a *answer) fault() (code, text string) {
	// Amazon: the type is in a header, with a namespace or an address behind it.
	if kind := a.header.Get("X-Amzn-Errortype"); kind != "" {
		code, _, _ = strings.Cut(kind, ":")
	}
	c, text := faultOf(a.json)
	if code == "" {
		code = c
	}
	if text == "" {
		text = strings.TrimSpace(string(a.body[:min(len(a.body), 300)]))
	}
	return code, text
}

func faultOf(v any) (code, text string) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range []string{"code", "name", "ErrorCode", "error_code", "__type", "type", "status"} {
			if code = textAt(v, key); code != "" {
				break
			}
		}
		for _, key := range []string{"message", "Message", "ErrorMessage", "description", "detail", "title", "error", "msg"} {
			if text = textAt(v, key); text != "" {
				break
			}
		}
		// A list or an object of errors tells more.
		for _, key := range []string{"errors", "error", "data", "result", "results", "Messages", "Errors"} {
			switch v[key].(type) {
			case map[string]any, []any:
				c, t := faultOf(v[key])
				if t != "" && t != text {
					text = strings.TrimPrefix(text+": "+t, ": ")
				}
				if c != "" {
					code = c
				}
			}
		}
	case []any:
		if len(v) > 0 {
			return faultOf(v[0])
		}
	case string:
		text = v
	}
	return code, text
}

// refusal is the reply to a message that was not taken.
func (a *API) refusal(ans *answer) Reply {
	code, text := ans.fault()
	said := strings.TrimSpace(strings.Join(fields(code, text), ": "))
	if known, ok := a.Catalogued().MatchAPIReply(ans.status, said); ok {
		return smtp(known.Reply, fmt.Sprintf("%s: %d %s", a.Name, ans.status, said))
	}
	// 1xx and 2xx without the form of success.
	return Reply{451, "4.4.1", fmt.Sprintf("%s: answers %d without the id of a message, which may be sent twice: %s", a.Name, ans.status, said)}
}

// smtp is the reply with a code and an enhanced status code, "451 4.7.8".
func smtp(codes, text string) Reply {
	code, enhanced, _ := strings.Cut(codes, " ")
	n, _ := strconv.Atoi(code)
	return Reply{n, enhanced, text}
}

func fields(all ...string) []string {
	var out []string
	for _, s := range all {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}
