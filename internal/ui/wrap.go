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
		length := utf8.RuneCountInString(word)
		if !fresh && utf8.RuneCountInString(line)+1+length > width {
			b.WriteString(line + "\n")
			line, fresh = rest, true
			if utf8.RuneCountInString(rest)+length > width && strings.Contains(word, "://") {
				line = "" // an address that is cut cannot be clicked or copied
			}
		}
		if !fresh {
			line += " "
		}
		line, fresh = line+word, false
	}
	return b.String() + line + "\n"
}
