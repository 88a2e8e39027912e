package postfix

import "strings"

// expand replaces $name, ${name}, $(name) and $$ in value by what lookup gives.
// ok is false when there is more than that in it: conditionals are left to
// postconf -x, which knows them as this version does; what is in main.cf comes
// expanded from there, so that this is for -o values of master.cf only.
func expand(value string, lookup func(name string) string) (expanded string, ok bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(value, "$")
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if after, dollar := strings.CutPrefix(rest, "$"); dollar {
			b.WriteByte('$')
			value = after
			continue
		}
		name := rest[:wordEnd(rest)]
		value = rest[len(name):]
		if rest != "" && (rest[0] == '{' || rest[0] == '(') {
			closing := map[byte]string{'{': "}", '(': ")"}[rest[0]]
			if name, value, found = strings.Cut(rest[1:], closing); !found || wordEnd(name) != len(name) {
				return "", false
			}
		}
		b.WriteString(lookup(name))
	}
}

func wordEnd(s string) int {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return i
		}
	}
	return len(s)
}

// Effective is the value of a parameter as service sees it: its own -o, or that
// of main.cf (s.Params). known is false for a value that only postconf can expand.
func (s State) Effective(service Service, name string) (value string, known bool) {
	if own, ok := service.Option(name); ok {
		return expand(own, func(name string) string {
			value, _ := s.Effective(service.without(name), name)
			return value
		})
	}
	return s.Params[name], true
}

// Param is Effective, with an -o as it stands where only postconf can expand it.
func (s State) Param(service Service, name string) string {
	value, known := s.Effective(service, name)
	if !known {
		value, _ = service.Option(name)
	}
	return value
}

// without keeps "-o x=$x" from expanding for ever: such an x is main.cf's.
func (s Service) without(name string) Service {
	var others []Option
	for _, o := range s.Options {
		if o.Name != name {
			others = append(others, o)
		}
	}
	s.Options = others
	return s
}
