package diff

import (
	"fmt"
	"strings"
	"unicode"

	"relayhost/internal/secret"
)

// masked shows a line of a password table: its key and user name, never the
// password. Comments may hold an old entry, and continuation lines a piece of a
// password, so nothing of them is shown.
func masked(line string) string {
	text := strings.TrimSpace(line)
	switch {
	case text == "":
		return ""
	case text[0] == '#':
		return "# " + secret.Mask
	case line[0] == ' ' || line[0] == '\t':
		return "  " + secret.Mask
	}
	key, value, found := strings.Cut(strings.ReplaceAll(text, "\t", " "), " ")
	if !found {
		return secret.Mask
	}
	user, password, split := strings.Cut(strings.TrimSpace(value), ":")
	// With some services the user name is the password.
	if !split || user == password || strings.Contains(password, user) || strings.Contains(user, password) && password != "" {
		return shown(key) + " " + secret.Mask
	}
	return shown(key) + " " + shown(user) + ":" + secret.Mask
}

// shown makes a line fit for a terminal: control characters become escapes, a
// carriage return at the end included.
func shown(line string) string {
	if strings.IndexFunc(line, unprintable) < 0 {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		if unprintable(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// unprintable admits the tab, and refuses what moves the cursor or turns the
// direction of writing.
func unprintable(r rune) bool {
	return r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
}
