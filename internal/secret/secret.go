// Package secret keeps credentials out of everything that is printed. It does
// not store them anywhere: what may be written where is decided by plan.
package secret

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
)

// Mask is what is shown in place of a secret.
const Mask = "***"

// Value is a string that prints as *** whichever way it is formatted.
// The zero Value holds no secret.
type Value struct{ s string }

// New wraps s.
func New(s string) Value { return Value{s} }

// Reveal returns the secret itself. Callers write it to a 0600 file or to a
// verified TLS connection and nowhere else.
func (v Value) Reveal() string { return v.s }

// IsZero reports whether there is no secret.
func (v Value) IsZero() bool { return v.s == "" }

// String returns Mask, or nothing for the zero Value.
func (v Value) String() string {
	if v.s == "" {
		return ""
	}
	return Mask
}

// Format prints Mask for every verb, %#v and %x included.
func (v Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.String()) }

// GoString hides the secret from %#v of enclosing structs.
func (v Value) GoString() string { return v.String() }

// MarshalText gives Mask to JSON, TOML and every other text encoder.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// Redact replaces in text each secret, its base64 form and the AUTH PLAIN
// response (RFC 4616) that it makes with username. Secrets under four bytes
// are left, since they would blank out ordinary words.
func Redact(text, username string, secrets ...Value) string {
	for _, v := range secrets {
		if len(v.s) < 4 {
			continue
		}
		for _, form := range []string{
			base64.StdEncoding.EncodeToString([]byte("\x00" + username + "\x00" + v.s)),
			base64.StdEncoding.EncodeToString([]byte(v.s)),
			v.s,
		} {
			text = strings.ReplaceAll(text, form, Mask)
		}
	}
	return text
}
