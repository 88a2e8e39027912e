package explain

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// pattern is a regular expression with strings of which one, in lower case, is
// in every text that it matches: looking for those is cheap. It is compiled when a
// text has one of them: most never are.
type pattern struct {
	need     []string
	compiled func() *regexp.Regexp
}

func newPattern(s string) (pattern, error) {
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return pattern{}, err
	}
	return pattern{required(tree.Simplify()), sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })}, nil
}

// find returns the submatches of p in s, whose lower case is low; nil without a
// match.
func (p pattern) find(s, low string) []string {
	if len(p.need) > 0 && !slices.ContainsFunc(p.need, func(word string) bool { return strings.Contains(low, word) }) {
		return nil
	}
	return p.compiled().FindStringSubmatch(s)
}

// required are such strings, of three letters at least; nil where there is no
// telling.
func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s := strings.ToLower(string(re.Rune)); len(s) >= 3 {
			return []string{s}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if found := required(sub); len(found) > 0 && (len(best) == 0 || shortest(found) > shortest(best)) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			found := required(sub)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

func shortest(set []string) int {
	n := len(set[0])
	for _, s := range set {
		n = min(n, len(s))
	}
	return n
}
