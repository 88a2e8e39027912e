// Package smtpprobe is the SMTP client that looks: it connects, greets, starts
// TLS, verifies the certificate and logs in, and says at which step what went
// wrong. It sends no message. Replies are bounded in size and time, which the
// SMTP libraries do not do. It never authenticates on a connection that is not
// encrypted and verified; there is no exception for localhost.
package smtpprobe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"relayhost/internal/secret"
)

// maxColumns is how much of a foreign text is shown.
const maxColumns = 500

// Sanitize makes foreign text fit for a terminal, a log or a report, as one
// line of at most 500 columns: what is no printable Unicode character (escape
// sequences, control and format characters, bidirectional marks, invalid UTF-8)
// is written out as \xNN or \u{N}, and what looks like a secret is masked
// ([secret.Hide]). Everything that is not from our own string table passes here
// before it is shown (CWE-150, CWE-532).
func Sanitize(s string) string {
	// No rune is shorter than a column; what is cut here would not be shown.
	if most := (maxColumns + 1) * utf8.UTFMax; len(s) > most {
		s = s[:most]
	}
	s = secret.Hide(s)
	var b strings.Builder
	columns := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if columns >= maxColumns {
			b.WriteString("...")
			break
		}
		start := b.Len()
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteString(s[i : i+size])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteByte(' ')
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u{%x}`, r)
		}
		columns += utf8.RuneCountInString(b.String()[start:])
		i += size
	}
	return b.String()
}
