package explain

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// pattern is a regular expression with strings of which one, in lower case, is
// in every text that it matches: looking for those is cheap.
type pattern struct {
	*regexp.Regexp
	need []string
}

func newPattern(s string) (pattern, error) {
	re, err := regexp.Compile(s)
	if err != nil {
		return pattern{}, err
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return pattern{}, err
	}
	return pattern{re, required(tree.Simplify())}, nil
}

// find returns the submatches of p in s, whose lower case is low; nil without a
// match.
func (p pattern) find(s, low string) []string {
	if len(p.need) > 0 {
		found := false
		for _, word := range p.need {
			if strings.Contains(low, word) {
				found = true
				break
			}
		}
		if !found {
			return nil
		}
	}
	return p.FindStringSubmatch(s)
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
