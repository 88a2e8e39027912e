package ui

import (
	"strings"
	"unicode/utf8"
)

// Wrap breaks text into lines of at most width columns: first begins the first
// line, rest the others. A word that is longer stays whole, so that addresses
// can be copied.
func Wrap(text, first, rest string, width int) string {
	var b strings.Builder
	line, fresh := first, true
	for word := range strings.FieldsSeq(text) {
		if !fresh && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line, fresh = rest, true
		}
		if !fresh {
			line += " "
		}
		line, fresh = line+word, false
	}
	return b.String() + line + "\n"
}
