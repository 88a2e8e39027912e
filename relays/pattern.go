package relays

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// patterns keeps compiled expressions by their text: a mail log has more lines
// than the catalogue has patterns.
var patterns sync.Map // string -> *regexp.Regexp

func compile(pattern string) (*regexp.Regexp, error) {
	if re, ok := patterns.Load(pattern); ok {
		return re.(*regexp.Regexp), nil
	}
	re, err := regexp.Compile(pattern)
	if err == nil {
		patterns.Store(pattern, re)
	}
	return re, err
}

// matches reports whether s matches; a pattern that does not compile, which
// Parse never lets through, matches nothing.
func matches(pattern, s string) bool {
	re, err := compile(pattern)
	return err == nil && re.MatchString(s)
}

// anchored reports whether every match of the expression is the whole text, so
// that no credential passes because a part of it looks right.
func anchored(re *syntax.Regexp) bool {
	return anchoredAt(re, syntax.OpBeginText) && anchoredAt(re, syntax.OpEndText)
}

func anchoredAt(re *syntax.Regexp, end syntax.Op) bool {
	switch re.Op {
	case end:
		return true
	case syntax.OpCapture:
		return anchoredAt(re.Sub[0], end)
	case syntax.OpConcat:
		if end == syntax.OpBeginText {
			return anchoredAt(re.Sub[0], end)
		}
		return anchoredAt(re.Sub[len(re.Sub)-1], end)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !anchoredAt(sub, end) {
				return false
			}
		}
		return true
	}
	return false
}

// portable names what a reply pattern uses that cannot stand inside a POSIX
// extended expression of a Postfix table (regexp_table(5)), or "".
func portable(pattern string) string {
	p := strings.TrimPrefix(pattern, "(?i)")
	for _, sign := range []string{"(?", "*?", "+?", "??", "}?", "**", "++", "*+", "+*", "(|", "||", "|)", `\\`} {
		if strings.Contains(p, sign) {
			return sign
		}
	}
	if strings.HasPrefix(p, "|") || strings.HasSuffix(p, "|") {
		return "an empty branch"
	}
	return portableSigns(p)
}

// portableSigns is portable for what depends on where a character stands.
func portableSigns(p string) string {
	inBrackets := false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c < ' ' || c >= 0x7f:
			return "what is not ASCII"
		case inBrackets && (c == '\\' || c == '/' || c == '['):
			return "[" + string(c) + "]"
		case inBrackets:
			// "]" and "^" are members where they come first.
			inBrackets = c != ']'
		case c == '[':
			inBrackets = true
			if i+1 < len(p) && p[i+1] == '^' {
				i++
			}
			if i+1 < len(p) && p[i+1] == ']' {
				i++
			}
		case c == '^' || c == '$':
			return string(c)
		case c == '\\':
			i++
			if sign := portableEscape(p[i:]); sign != "" {
				return sign
			}
		}
	}
	return ""
}

// portableEscape is portable for what stands behind a backslash.
func portableEscape(rest string) string {
	if rest == "" {
		return `\`
	}
	if c := rest[0]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
		return `\` + string(c)
	}
	return ""
}
