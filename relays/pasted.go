package relays

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// Problem is what is wrong with a user name or password. Refuse is set where it
// cannot be right; else it is a warning. The message never holds the secret.
type Problem struct {
	Field   string `json:"field"` // username | password
	Message string `json:"message"`
	Refuse  bool   `json:"refuse"`
}

// Normalise takes out what a service shows for easier reading only: Google
// prints app passwords in groups of four.
func (a Auth) Normalise(user, pass string) (string, string) {
	return a.Username.normalise(user), a.Password.normalise(pass)
}

// normalise strips only when the rest is what the service gives out, so that no
// other password loses a character.
func (c Credential) normalise(value string) string {
	if c.Strip == "" || c.Pattern == "" {
		return value
	}
	stripped := strings.Map(func(r rune) rune {
		if strings.ContainsRune(c.Strip, r) {
			return -1
		}
		return r
	}, value)
	if matches(c.Pattern, stripped) {
		return stripped
	}
	return value
}

// CheckCredentials looks at a user name and password before anything is sent:
// what Postfix cannot store, the wrong pastes of this service, and last the
// form it gives out. None of it costs a login attempt.
func (r Relay) CheckCredentials(user, pass string) []Problem {
	if user == "" && pass == "" && (len(r.Auth.Mechanisms) == 0 || r.Auth.Optional) {
		return nil
	}
	if !r.TakesPassword() {
		return []Problem{{Field: "password", Refuse: true,
			Message: r.Name + " takes no password: " + r.withoutPassword()}}
	}
	problems := r.check("username", user, r.Auth.Username)
	problems = append(problems, r.check("password", pass, r.Auth.Password)...)
	if r.Auth.Same && user != pass && len(problems) == 0 {
		problems = append(problems, Problem{Field: "password",
			Message: "user name and password differ: " + r.Name + " wants the same token in both"})
	}
	return problems
}

func (r Relay) check(field, value string, c Credential) []Problem {
	if message := unstorable(field, value); message != "" {
		return []Problem{{Field: field, Message: message, Refuse: true}}
	}
	if c.Fixed != "" && value == c.Fixed {
		return nil
	}
	var problems []Problem
	for _, w := range r.Auth.Wrong {
		if w.Field == field && matches(w.Pattern, value) {
			problems = append(problems, Problem{Field: field, Message: w.Message, Refuse: w.Refuse})
		}
	}
	switch {
	case len(problems) > 0:
	case c.Fixed != "" && (c.Pattern == "" || !matches(c.Pattern, value)):
		problems = append(problems, Problem{Field: field, Refuse: true,
			Message: "the user name at " + r.Name + " is the word " + c.Fixed + " for everybody"})
	case c.Pattern != "" && !matches(c.Pattern, value):
		problems = append(problems, Problem{Field: field,
			Message: "that does not look like the " + map[string]string{"username": "user name", "password": "password"}[field] + " of " + r.Name + ": " + strings.TrimSuffix(c.Label, ", in both fields")})
	}
	own := slices.ContainsFunc(r.Auth.Wrong, func(w Wrong) bool { return w.Field == field && matches(w.Pattern, value) })
	if other := keyOf(value); field == "password" && !own && other != "" && other != r.Name && !startsAlike(c, value) {
		return []Problem{{Field: field, Message: "has the form of a key of " + other + ", not of what " + r.Name + " gives out: " + c.Label}}
	}
	return problems
}

// keyForms are the beginnings of keys that tell their service, by the
// service's name.
var keyForms = sync.OnceValue(func() map[string]string {
	forms := map[string]string{}
	all, _ := Catalog() // the embedded catalogue is held by its own tests
	for _, r := range all {
		if start := literalStart(r.Auth.Password.Pattern); len(start) > 2 {
			forms[start] = r.Name
		}
	}
	return forms
})

// keyOf names the service that a key belongs to by its beginning, or "".
func keyOf(key string) string {
	for start, name := range keyForms() {
		if len(key) >= len(start)+8 && strings.HasPrefix(key, start) {
			return name
		}
	}
	return ""
}

// startsAlike reports whether the service's own keys begin like that.
func startsAlike(c Credential, value string) bool {
	start := literalStart(c.Pattern)
	return len(start) > 2 && strings.HasPrefix(value, start)
}

// literalStart is the text that everything that matches begins with.
func literalStart(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || re.Op != syntax.OpConcat || len(re.Sub) < 2 || re.Sub[0].Op != syntax.OpBeginText || re.Sub[1].Op != syntax.OpLiteral || re.Sub[1].Flags&syntax.FoldCase != 0 {
		return ""
	}
	return string(re.Sub[1].Rune)
}

// unstorable says why a Postfix password map cannot hold a value: it is one
// line "key user:password", cut at the first colon, its end trimmed
// (postconf(5) smtp_sasl_password_maps, postmap(1)).
func unstorable(field, value string) string {
	switch {
	case value == "":
		return "is empty"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "has a line break or control character in it"
	case strings.TrimSpace(value) != value:
		return "has a blank at its beginning or end"
	case field == "username" && strings.Contains(value, ":"):
		return "has a colon in it, which a Postfix password map cannot store in a user name"
	}
	return ""
}

// secretAccessKey is the form of an IAM user's secret, which is no SMTP
// password (AWS documentation of access keys).
var secretAccessKey = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// CheckAnswer returns what holds an answer to a question for "username" or "password"
// against the relay's rules; user is the user name as far as it is known. What only
// looks wrong is taken when it is given a second time.
func (r Relay) CheckAnswer(field, user string) func(answer string) error {
	doubted := ""
	return func(answer string) error {
		if answer == "" {
			return errors.New("enter the " + map[string]string{"username": "user name", "password": "password"}[field])
		}
		if field == "password" && r.Auth.IsSecretAccessKey(answer) {
			return nil
		}
		name, pass := answer, ""
		if field == "password" {
			name, pass = user, answer
			if r.Auth.Same {
				name = answer
			}
		}
		name, pass = r.Auth.Normalise(name, pass)
		for _, p := range r.CheckCredentials(name, pass) {
			if p.Field != field && !r.Auth.Same {
				continue
			}
			if p.Refuse {
				return errors.New(p.Message)
			}
			if doubted != answer {
				doubted = answer
				return fmt.Errorf("%s; enter it again to use it anyway", p.Message)
			}
		}
		return nil
	}
}

// IsSecretAccessKey reports whether an answer to the question for the password is a
// secret access key, from which the relay's password is computed.
func (a Auth) IsSecretAccessKey(answer string) bool {
	return a.Derive == "ses" && secretAccessKey.MatchString(answer)
}
