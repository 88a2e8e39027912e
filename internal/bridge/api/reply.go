//go:build unix

package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Scope is whose fault a refusal is, as in the catalogue.
type Scope string

// The scopes.
const (
	ScopeAccount   Scope = "account"   // mail waits until somebody has changed something
	ScopeRecipient Scope = "recipient" // bounced
	ScopeMessage   Scope = "message"   // bounced
	ScopeTemporary Scope = "temporary" // passes by itself
)

// Rule says what a refusal of an API becomes. It is data, with the same terms as
// the catalogue's replies, and may move there.
type Rule struct {
	Status int    // of HTTP; 0: any; 4 and 5: the whole class
	Code   string // the API's error code, exactly; "": any
	Text   string // RE2 pattern on the API's text; "": any
	Reply  string // "451 4.7.8"
	Scope  Scope
}

// general are the rules that hold for every API where its own have none. A refusal
// that nothing is known about defers: mail that waits can still be sent when
// somebody has read the log, mail that was bounced cannot.
var general = []Rule{
	{Status: 401, Reply: "451 4.7.8", Scope: ScopeAccount},
	{Status: 402, Reply: "451 4.7.1", Scope: ScopeAccount},
	{Status: 403, Reply: "451 4.7.1", Scope: ScopeAccount},
	{Status: 404, Reply: "451 4.3.5", Scope: ScopeAccount},
	{Status: 405, Reply: "451 4.3.5", Scope: ScopeAccount},
	{Status: 407, Reply: "451 4.7.8", Scope: ScopeAccount},
	{Status: 408, Reply: "451 4.4.2", Scope: ScopeTemporary},
	{Status: 413, Reply: "552 5.3.4", Scope: ScopeMessage},
	{Status: 429, Reply: "451 4.7.28", Scope: ScopeTemporary},
	{Status: 3, Reply: "451 4.4.1", Scope: ScopeAccount},
	{Status: 4, Reply: "451 4.5.0", Scope: ScopeAccount},
	{Status: 5, Reply: "451 4.3.0", Scope: ScopeTemporary},
}

var patterns sync.Map // of Rule.Text

func (r Rule) fits(status int, code, text string) bool {
	if r.Status != 0 && r.Status != status && r.Status != status/100 {
		return false
	}
	if r.Code != "" && r.Code != code {
		return false
	}
	if r.Text == "" {
		return true
	}
	re, ok := patterns.Load(r.Text)
	if !ok {
		re, _ = patterns.LoadOrStore(r.Text, regexp.MustCompile(r.Text))
	}
	return re.(*regexp.Regexp).MatchString(text) //nolint:forcetypeassert // stored two lines above
}

// reply is the SMTP reply that the rule gives to a text.
func (r Rule) reply(text string) Reply {
	code, enhanced, _ := strings.Cut(r.Reply, " ")
	n, _ := strconv.Atoi(code)
	return Reply{n, enhanced, text}
}

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
		for _, key := range []string{"message", "Message", "description", "detail", "title", "error", "msg"} {
			if text = textAt(v, key); text != "" {
				break
			}
		}
		// A list or an object of errors tells more.
		for _, key := range []string{"errors", "error", "data", "result", "results"} {
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
	for _, rule := range a.Rules() {
		if rule.fits(ans.status, code, text) {
			return rule.reply(fmt.Sprintf("%s: %d %s", a.Name, ans.status, said))
		}
	}
	// 1xx and 2xx without the form of success.
	return Reply{451, "4.4.1", fmt.Sprintf("%s: answers %d without the id of a message, which may be sent twice: %s", a.Name, ans.status, said)}
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

// maxWait bounds how long an API can make this host wait.
const maxWait = 24 * time.Hour

// wait is how long no request may be made: by Retry-After (RFC 9110, section
// 10.2.3), the API's own header, or a second after a 429 without either.
func (a *API) wait(ans *answer, now time.Time) time.Duration {
	if ans.status != http.StatusTooManyRequests && ans.status/100 != 5 {
		return 0
	}
	var d time.Duration
	for _, name := range []string{"Retry-After", a.reset} {
		v := ans.header.Get(name)
		if name == "" || v == "" {
			continue
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil && n >= 0 {
			if n > 1e9 { // a time, not a duration
				d = time.Unix(int64(n), 0).Sub(now)
			} else {
				d = time.Duration(n * float64(time.Second))
			}
			break
		}
		if at, err := http.ParseTime(v); err == nil {
			d = at.Sub(now)
			break
		}
	}
	if d <= 0 && ans.status == http.StatusTooManyRequests {
		d = time.Second
	}
	return min(max(d, 0), maxWait)
}
