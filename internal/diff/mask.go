package diff

import (
	"fmt"
	"strings"
	"unicode"

	"relayhost/internal/plan"
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

// inPlace begins tables whose content stands in main.cf or master.cf itself.
var inPlace = []string{"static:", "inline:"}

// config masks passwords that stand in main.cf or master.cf: in static: and
// inline: tables, with the lines that go on with such a table.
func config(f plan.File) func(line string) string {
	hidden := make(map[string]bool)
	for _, text := range [][]byte{f.Before, f.After} {
		open := false
		for _, line := range lines(text) {
			line = strings.TrimSuffix(line, "\n")
			text := strings.TrimSpace(line)
			if text == "" || text[0] == '#' {
				continue // ends no logical line
			}
			open = open && blank(line[0]) && !strings.HasPrefix(text, "-o")
			if open {
				hidden[line] = true
			}
			_, found := inPlaceValue(line)
			open = open || found
		}
	}
	return func(line string) string {
		before, found := inPlaceValue(line)
		switch {
		case found:
			return shown(before) + secret.Mask
		case hidden[line]:
			return "  " + secret.Mask
		}
		return shown(line)
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// inPlaceValue cuts a line behind the first table whose content stands in it and
// may hold a password: static: also stands for a single address or a transport.
func inPlaceValue(line string) (before string, found bool) {
	first := len(line)
	for _, kind := range inPlace {
		i := strings.Index(line, kind)
		if i >= 0 && i < first && mayHoldPassword(line, line[i+len(kind):]) {
			first, before, found = i, line[:i+len(kind)], true
		}
	}
	return before, found
}

// mayHoldPassword reports whether a table in place, which goes on with rest, may
// hold a password. One that ends on a later line may.
func mayHoldPassword(line, rest string) bool {
	return strings.Contains(line, "password_maps") || strings.Count(rest, "{") > strings.Count(rest, "}") || secret.Hide(line) != line
}
