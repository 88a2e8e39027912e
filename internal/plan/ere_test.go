package plan

import (
	"regexp"
	"strings"
	"testing"
)

func TestPosixERE(t *testing.T) {
	for _, test := range []struct{ in, want, match, miss string }{
		{`(?i)Authentication (is )?required`, `Authentication (is )?required`, "authentication is required", "authentication"},
		{`\bpaused\b`, `paused`, "account paused", "pause"},
		{`^account \d{3,5}$`, `account ([0-9]){3,5}`, "account 123", "account 12"},
		{`rate: \S+/s`, `rate: ([^[:space:]])+\/s`, "rate: 5/s", "rate: /s"},
		{`a.+?b`, `a(.)+b`, "axxb", "ab"},
		{`(?:x|y|)z`, `([xy])?z`, "z", "q"},
		{`[\]^-]`, `[]^-]`, "]", "a"},
		{`tab\there`, `tab[[:space:]]here`, "tab here", "tabhere"},
	} {
		got, err := posixERE(test.in)
		if err != nil || got != test.want {
			t.Errorf("%s became %s (%v), want %s", test.in, got, err, test.want)
			continue
		}
		re := regexp.MustCompile("(?i)" + strings.ReplaceAll(got, `\/`, "/"))
		if !re.MatchString(test.match) || re.MatchString(test.miss) {
			t.Errorf("%s: matches %q %v, %q %v", got, test.match, re.MatchString(test.match), test.miss, re.MatchString(test.miss))
		}
	}
	for _, bad := range []string{"", "(?i)", "(", "a{300}", "a{2}{2}{300}"} {
		if got, err := posixERE(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
}

// FuzzPosixERE: what is written is one line that does not end the pattern
// early, and matches whatever the original matches.
func FuzzPosixERE(f *testing.F) {
	for _, seed := range []string{`(?i)a|b\d+`, `[^/]x/`, `\\/`, `a{2,3}`, `(a|)*`, `\Qa.b\E`, "[[:space:]^]"} {
		f.Add(seed, "a/x11 b")
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		got, err := posixERE(expr)
		if err != nil {
			return
		}
		for i := 0; i < len(got); i++ {
			switch {
			case got[i] == '\\':
				i++
			case got[i] == '/' || got[i] < ' ' || got[i] >= 0x7f:
				t.Fatalf("%q became %q", expr, got)
			}
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f }) {
			return
		}
		re, err := regexp.Compile("(?i)(" + strings.ReplaceAll(got, `\/`, "/") + ")")
		if err != nil {
			t.Fatalf("%q became %q: %v", expr, got, err)
		}
		if original := regexp.MustCompile("(?i)" + expr); original.MatchString(text) && !re.MatchString(text) {
			t.Errorf("%q matches %q, %q does not", expr, text, got)
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add([]byte("# c\n[a]:1 x:y\n  z\n\n[A]:1 q\n"), "[a]:1", "v")
	f.Add([]byte("a b\r\n\" a b\" c"), "b", "v:w")
	f.Fuzz(func(t *testing.T, data []byte, key, value string) {
		for _, s := range []string{key, value} {
			if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '"' || r == '#' || r >= 0x7f }) {
				return
			}
		}
		if got := parseTable(data).bytes(); string(got) != string(data) {
			t.Fatalf("%q came back as %q", data, got)
		}
		before := parseTable(data)
		table := parseTable(data)
		table.set(key + " " + value)
		after := parseTable(table.bytes())
		if got, ok := after.get(key); !ok || got != value {
			t.Fatalf("%q set in %q reads %q", key, data, got)
		}
		for _, e := range before.entries() {
			if !strings.EqualFold(e.key, key) {
				if _, ok := after.get(e.key); !ok {
					t.Errorf("%q is gone from %q", e.key, data)
				}
			}
		}
		table = parseTable(after.bytes())
		table.set(key + " " + value)
		if string(table.bytes()) != string(after.bytes()) {
			t.Errorf("setting %q twice changes %q", key, after.bytes())
		}
	})
}
