package relays

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// API is what the HTTPS API of a service answers to mail. How mail is sent by it is
// in internal/bridge/api.
type API struct {
	// WaitHeader is the response header with the seconds to wait after a 429, where
	// it is not Retry-After (RFC 9110, section 10.2.3).
	WaitHeader string     `toml:"wait_header,omitempty" json:"wait_header,omitempty"`
	Replies    []APIReply `toml:"replies,omitempty" json:"replies,omitempty"`
	Source     string     `toml:"source,omitempty" json:"source,omitempty"` // of WaitHeader
}

// APIReply is a refusal of an API and the SMTP reply that it becomes; the first one
// that fits counts. Scope and Retry are those of [Reply]: only "recipient" (this
// recipient, or this message) bounces.
//
// Match keeps to what [Reply].Match keeps to. It is tried against the error code and
// the text of the answer as one line, "code: text".
type APIReply struct {
	ID     string `toml:"id" json:"id"`
	Status int    `toml:"status,omitempty" json:"status,omitempty"` // of HTTP; 3, 4 or 5: the whole class; 0: any
	Code   string `toml:"code,omitempty" json:"code,omitempty"`     // the API's error code, exactly; "": any
	Match  string `toml:"match,omitempty" json:"match,omitempty"`   // "": any
	Reply  string `toml:"reply" json:"reply"`                       // code and enhanced status code: "451 4.7.8"
	Scope  string `toml:"scope" json:"scope"`                       // account | recipient | rate | service
	Retry  string `toml:"retry" json:"retry"`                       // fix | wait | slow
	Cause  string `toml:"cause" json:"cause"`
	Remedy string `toml:"remedy" json:"remedy"`
	Sample string `toml:"sample" json:"sample"` // status, code and text: "401 unauthorized: Key not found"
	Source string `toml:"source,omitempty" json:"source,omitempty"`
	// Inherited marks a reply that every API gives in the same way.
	Inherited bool `toml:"-" json:"inherited,omitempty"`
}

// MatchAPIReply finds what an answer of the service's API with an HTTP status and
// said, "code: text", becomes. The service's own replies come first, then the
// generic ones.
func (r Relay) MatchAPIReply(status int, said string) (APIReply, bool) {
	var own []APIReply
	if r.API != nil {
		own = r.API.Replies
	}
	for _, list := range [][]APIReply{own, generic().API.Replies} {
		for _, reply := range list {
			if reply.fits(status, said) {
				return reply, true
			}
		}
	}
	return APIReply{}, false
}

func (r APIReply) fits(status int, said string) bool {
	switch {
	case r.Status != 0 && r.Status != status && r.Status != status/100:
	case r.Code != "" && said != r.Code && !strings.HasPrefix(said, r.Code+": "):
	default:
		return r.Match == "" || matches(r.Match, said)
	}
	return false
}

// Pattern is a POSIX extended expression for the status and what was said, as a
// table of Postfix has it.
func (r APIReply) Pattern() string {
	status := "[0-9][0-9][0-9]"
	switch {
	case r.Status >= 100:
		status = strconv.Itoa(r.Status)
	case r.Status > 0:
		status = strconv.Itoa(r.Status) + "[0-9][0-9]"
	}
	said := " "
	if r.Code != "" {
		said += posixSigns.Replace(r.Code) + "[: ]"
	}
	if r.Match != "" {
		said += ".*(" + strings.TrimPrefix(r.Match, "(?i)") + ")"
	}
	return status + said
}

// posixSigns takes their meaning from the signs of an expression.
var posixSigns = strings.NewReplacer(`.`, `\.`, `(`, `\(`, `)`, `\)`, `[`, `\[`, `*`, `\*`, `+`, `\+`, `?`, `\?`, `{`, `\{`, `|`, `\|`, `\`, `\\`, `^`, `\^`, `$`, `\$`)

func (r APIReply) summary() string {
	return fmt.Sprintf("%s | %s | %s | %s | %s", r.Sample, r.Reply, r.Retry, r.Cause, r.Remedy)
}

const (
	deferral   = `^4[0-9][0-9] 4\.[0-9]{1,3}\.[0-9]{1,3}$`
	bounce     = `^5[0-9][0-9] 5\.[0-9]{1,3}\.[0-9]{1,3}$`
	headerName = `^[A-Za-z0-9-]+$`
)

func (c *checker) api(a API) {
	if a.WaitHeader != "" && !matches(headerName, a.WaitHeader) {
		c.bad("api.wait_header", "%q is not the name of a header", a.WaitHeader)
	}
	c.source("api.source", a.Source)
	seen := map[string]bool{}
	for i, r := range a.Replies {
		key := fmt.Sprintf("api.replies[%d].", i)
		c.replyID(key+"id", r.ID, seen)
		c.apiReply(key, r)
		if status, said := splitSample(r.Sample); status != 0 {
			first := slices.IndexFunc(a.Replies, func(o APIReply) bool { return o.fits(status, said) })
			if first >= 0 && first != i {
				c.bad(key+"sample", "%s, which comes first, matches this sample", a.Replies[first].ID)
			}
		}
	}
}

// splitSample takes a sample apart; status is 0 where it has none.
func splitSample(sample string) (status int, said string) {
	number, said, _ := strings.Cut(sample, " ")
	status, err := strconv.Atoi(number)
	if err != nil || status < 100 || status > 599 {
		return 0, ""
	}
	return status, said
}

func (c *checker) apiReply(key string, r APIReply) {
	if r.Status != 0 && (r.Status < 3 || r.Status > 5) && (r.Status < 200 || r.Status > 599) {
		c.bad(key+"status", "%d is no status of HTTP, nor a class of 3 to 5", r.Status)
	}
	if r.Status == 0 && r.Code == "" && r.Match == "" {
		c.bad(key+"match", "needs status, code or match")
	}
	if r.Match != "" {
		if re, err := compile(r.Match); err != nil {
			c.bad(key+"match", "%v", err)
		} else if re.MatchString("") {
			c.bad(key+"match", "matches an empty text")
		} else if what := portable(r.Match); what != "" {
			c.bad(key+"match", "%s cannot be part of a POSIX expression in a Postfix table", what)
		}
	}
	c.text(key+"code", r.Code, false)
	form, example := deferral, "451 4.7.1"
	if r.Scope == "recipient" {
		form, example = bounce, "550 5.1.3"
	}
	if !matches(form, r.Reply) {
		c.bad(key+"reply", "%q: want a code and an enhanced status code, as %s where scope is %s", r.Reply, example, r.Scope)
	}
	c.oneOf(key+"scope", r.Scope, "account", "recipient", "rate", "service")
	c.oneOf(key+"retry", r.Retry, "fix", "wait", "slow")
	c.text(key+"cause", r.Cause, true)
	c.text(key+"remedy", r.Remedy, true)
	c.text(key+"sample", r.Sample, true)
	if status, said := splitSample(r.Sample); status == 0 {
		c.bad(key+"sample", "%q: want the status of HTTP, then code and text", r.Sample)
	} else if !r.fits(status, said) {
		c.bad(key+"sample", "status, code or match do not fit it")
	}
	c.source(key+"source", r.Source)
}
