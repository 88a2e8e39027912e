package plan

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRepeat bounds x{n,m} in a status filter; POSIX promises 255 (RE_DUP_MAX).
const maxRepeat = 255

// posixERE translates a Go regular expression, as the catalogue has them, into
// the POSIX extended form of a regexp table (regexp_table(5)), which is built
// into every Postfix; pcre is not. The table compares without case and on one
// line, so flags and line anchors fall away. The result holds no capture
// groups that matter, no bare "/" and no line break.
func posixERE(expr string) (string, error) {
	if text := strings.TrimPrefix(expr, "(?i)"); plainERE(text) {
		return text, nil
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("reply pattern %q: %w", expr, err)
	}
	var b strings.Builder
	if err := writeERE(&b, re); err != nil {
		return "", fmt.Errorf("reply pattern %q: %w", expr, err)
	}
	if b.Len() == 0 {
		return "", fmt.Errorf("reply pattern %q matches everything", expr)
	}
	return b.String(), nil
}

// plainERE reports whether expr means the same to POSIX as it stands, as most
// patterns of the catalogue do.
func plainERE(expr string) bool {
	if _, err := syntax.Parse(expr, syntax.Perl); err != nil || expr == "" {
		return false
	}
	for i, r := range expr {
		next := byte(0)
		if i+1 < len(expr) {
			next = expr[i+1]
		}
		switch {
		case r < ' ' || r >= 0x7f, strings.ContainsRune("^$/{[", r):
			return false
		case r == '\\' && (next == '\\' || next < utf8.RuneSelf && isAlnum(rune(next))):
			return false
		case (r == '(' || r == '|') && strings.IndexByte("?|)", next) >= 0:
			return false
		case strings.ContainsRune("*+?", r) && strings.IndexByte("?+*", next) >= 0:
			return false
		}
	}
	return !strings.HasSuffix(expr, "|")
}

func writeERE(b *strings.Builder, re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		// The reply stands inside a longer line: anchors cannot be kept.
		return nil
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			b.WriteString(literalERE(r))
		}
		return nil
	case syntax.OpCharClass:
		b.WriteString(classERE(re.Rune))
		return nil
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte('.')
		return nil
	case syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpRepeat:
		return repeatERE(b, re)
	case syntax.OpCapture:
		return groupERE(b, "", re.Sub)
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if err := writeERE(b, sub); err != nil {
				return err
			}
		}
		return nil
	case syntax.OpAlternate:
		return groupERE(b, "|", re.Sub)
	default:
		return fmt.Errorf("%s has no POSIX form", re.Op)
	}
}

// groupERE writes (a|b|c). POSIX leaves an empty branch undefined.
func groupERE(b *strings.Builder, separator string, subs []*syntax.Regexp) error {
	var branches []string
	optional := false
	for _, sub := range subs {
		var branch strings.Builder
		if err := writeERE(&branch, sub); err != nil {
			return err
		}
		if branch.Len() == 0 {
			optional = true
			continue
		}
		branches = append(branches, branch.String())
	}
	if len(branches) == 0 {
		return nil
	}
	b.WriteString("(" + strings.Join(branches, separator) + ")")
	if optional {
		b.WriteByte('?')
	}
	return nil
}

func repeatERE(b *strings.Builder, re *syntax.Regexp) error {
	var inner strings.Builder
	if err := writeERE(&inner, re.Sub[0]); err != nil {
		return err
	}
	if inner.Len() == 0 {
		return nil
	}
	b.WriteString("(" + inner.String() + ")")
	switch re.Op {
	case syntax.OpStar:
		b.WriteByte('*')
	case syntax.OpPlus:
		b.WriteByte('+')
	case syntax.OpQuest:
		b.WriteByte('?')
	default:
		if re.Min > maxRepeat || re.Max > maxRepeat {
			return fmt.Errorf("repeats more than %d times", maxRepeat)
		}
		switch {
		case re.Max < 0:
			fmt.Fprintf(b, "{%d,}", re.Min)
		case re.Max == re.Min:
			fmt.Fprintf(b, "{%d}", re.Min)
		default:
			fmt.Fprintf(b, "{%d,%d}", re.Min, re.Max)
		}
	}
	return nil
}

func literalERE(r rune) string {
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return "[[:space:]]"
	case r >= 0x7f || r < ' ':
		// Postfix may run in the C locale, where this is several characters.
		return ".+"
	case strings.ContainsRune(`\.+*?()|[]{}^$/`, r):
		return `\` + string(r)
	default:
		return string(unicode.ToLower(r))
	}
}

// classERE writes a bracket expression for the ASCII part of pairs, a list of
// ranges. A class that reaches beyond ASCII is taken as the negation that it
// nearly always is.
func classERE(pairs []rune) string {
	var in [utf8.RuneSelf]bool
	beyond := false
	for i := 0; i < len(pairs); i += 2 {
		for r := pairs[i]; r <= pairs[i+1]; r++ {
			if r >= utf8.RuneSelf {
				beyond = true
				break
			}
			in[r] = true
		}
	}
	var negate string
	if beyond {
		negate = "^"
		for r := range in {
			in[r] = !in[r]
		}
	}
	set := bracket(in[:])
	if set == "" {
		return "."
	}
	return "[" + negate + set + "]"
}

// bracket writes the members of a bracket expression: "]" first, "^" and "-"
// last, since that is where they stand for themselves.
func bracket(in []bool) string {
	var b, last strings.Builder
	if in[']'] {
		b.WriteByte(']')
	}
	if in[' '] && in['\t'] {
		b.WriteString("[:space:]")
	}
	for r := rune(' '); r < 0x7f; r++ {
		switch {
		case !in[r] || r == ']' || r == ' ' && in['\t']:
		case r == '^' || r == '-':
			last.WriteRune(r)
		case r == '/':
			// The delimiter of the table ends the pattern even in brackets
			// unless escaped, and POSIX brackets take the backslash as a member.
			b.WriteString(`\/`)
		case isAlnum(r):
			end := r
			for end+1 < 0x7f && in[end+1] && isAlnum(end+1) && sameKind(r, end+1) {
				end++
			}
			if end > r+1 {
				fmt.Fprintf(&b, "%c-%c", r, end)
				r = end
				continue
			}
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + reverse(last.String())
}

// reverse puts "-" after "^", where both are literal.
func reverse(s string) string {
	if s == "-^" {
		return "^-"
	}
	return s
}

func isAlnum(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

func sameKind(a, b rune) bool {
	kind := func(r rune) int {
		switch {
		case r <= '9':
			return 0
		case r <= 'Z':
			return 1
		}
		return 2
	}
	return kind(a) == kind(b)
}
