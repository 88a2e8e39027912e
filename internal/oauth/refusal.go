//go:build unix

package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"
)

// Refusal is what an identity provider says in place of a token (RFC 6749,
// section 5.2; RFC 8628, section 3.5). Its text is bounded, one line, and holds
// no secret.
type Refusal struct {
	Host   string
	Status int    // of HTTP, 0 if there was no such answer
	Code   string // "invalid_grant", or one of our own
	Number string // Microsoft's AADSTS number, "" for other providers
	Text   string
}

// Error is the refusal in one line.
func (r *Refusal) Error() string {
	text := r.Host + ": " + r.Code
	if r.Status != 0 && r.Code == "" {
		text = fmt.Sprintf("%s: HTTP status %d", r.Host, r.Status)
	}
	if r.Text != "" {
		text += ": " + r.Text
	}
	return text
}

// Final reports whether asking again cannot help: somebody has to sign in, or to
// change the registration.
func (r *Refusal) Final() bool {
	switch r.Code {
	case "invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope", "invalid_request", "unsupported_grant_type",
		"access_denied", "expired_token", "consent_required", "interaction_required", "not_signed_in":
		return true
	}
	return false
}

// aadsts is Microsoft's number in an error_description ("AADSTS50173: The provided
// grant has expired ...").
var aadsts = regexp.MustCompile(`\bAADSTS([0-9]{4,8})\b`)

// refusal makes one of what x/oauth2 returns; other errors keep their cause, and
// lose the form that was sent.
func (c Client) refusal(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		var sent *url.Error
		if errors.As(err, &sent) {
			err = sent.Err // without method and address, which the caller names
		}
		if errors.Is(err, errTooLong) || strings.Contains(err.Error(), errTooLong.Error()) {
			err = errTooLong
		}
		return fmt.Errorf("%s: %w", c.Host(), err)
	}
	r := &Refusal{Host: c.Host(), Code: printable(answer.ErrorCode, 60), Text: c.redact(firstSentence(answer.ErrorDescription))}
	if answer.Response != nil {
		r.Status = answer.Response.StatusCode
	}
	if r.Code == "" && r.Status == http.StatusOK {
		r.Code, r.Text = "no_token", "the answer holds no token"
	}
	r.Number = number(answer.ErrorDescription)
	if r.Number == "700024" || r.Number == "50012" {
		r.Text += c.apart(answer.Response, time.Now())
	}
	return r
}

// apart says by how much this host's clock differs from that of the endpoint (Date, RFC
// 9110, section 6.6.1), "" where they agree or nothing tells.
func (c Client) apart(answer *http.Response, now time.Time) string {
	if answer == nil {
		return ""
	}
	there, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return ""
	}
	switch off := now.Sub(there).Round(time.Minute); {
	case off >= time.Minute:
		return fmt.Sprintf("; this server's clock is ahead of %s by %s", c.Host(), off)
	case off <= -time.Minute:
		return fmt.Sprintf("; this server's clock is behind %s by %s", c.Host(), -off)
	}
	return ""
}

// number is Microsoft's number in a description, "" where there is none.
func number(description string) string {
	if m := aadsts.FindStringSubmatch(description); m != nil {
		return m[1]
	}
	return ""
}

// firstSentence leaves out the trace ids and times that Microsoft appends.
func firstSentence(s string) string {
	for _, end := range []string{"\r", "\n", " Trace ID:", ". "} {
		s, _, _ = strings.Cut(s, end)
	}
	return printable(strings.TrimSuffix(s, "."), 200)
}

// redact takes out what an endpoint may have echoed.
func (c Client) redact(s string) string {
	if v := c.Secret.Reveal(); len(v) >= 4 {
		s = strings.ReplaceAll(s, v, "***")
	}
	return s
}

// printable is at most limit characters of s on one line.
func printable(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			b.WriteString("...")
			break
		}
		if !unicode.IsPrint(r) {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}
