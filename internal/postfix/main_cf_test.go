package postfix

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

func parseMain(t *testing.T, text string) *Main {
	t.Helper()
	m, err := ParseMain([]byte(text))
	if err != nil {
		t.Fatalf("ParseMain: got the error %v, want none", err)
	}
	return m
}

func TestMainGet(t *testing.T) {
	for _, tc := range []struct{ name, text, param, want string }{
		{"plain", "relayhost = [a.test]:587\n", "relayhost", "[a.test]:587"},
		{"no blanks", "relayhost=[a.test]:587\n", "relayhost", "[a.test]:587"},
		{"empty", "relayhost =\n", "relayhost", ""},
		{"second equals sign", "mail_name = a = b = c\n", "mail_name", "a = b = c"},
		{"continuation across comments", "mydestination = a,\n# c\n  # c\n\n  b\n", "mydestination", "a,  b"},
		{"continuation across blank lines", "relayhost = x\n\n\t   mynetworks = y\n", "relayhost", "x\t   mynetworks = y"},
		{"equals sign on the next line", "relayhost\n  = x\n", "relayhost", "x"},
		{"last definition", "a = 1\nb = 2\na = 3\n", "a", "3"},
		{"carriage returns", "a = 1\r\nb = 2\r\n", "a", "1"},
		{"no final newline", "a = 1\nb = 2", "b", "2"},
		{"no inline comment", "relayhost = [a]:587 # x\n", "relayhost", "[a]:587 # x"},
		{"leading white space continues nothing", "  a = 1\n  b\nb = 2\n", "b", "2"},
		{"form feed is white space", "a = 1\n\fb\n", "a", "1\fb"},
		{"only a prefix of another", "relayhost_maps = x\n#relayhost = y\nrelayhost = z\n", "relayhost", "z"},
		{"bytes that are no UTF-8", "a = \xff\xfe\n", "a", "\xff\xfe"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parseMain(t, tc.text)
			if got, ok := m.Get(tc.param); !ok || got != tc.want {
				t.Errorf("Get(%q) = %q, %v, want %q", tc.param, got, ok, tc.want)
			}
			if got := string(m.Bytes()); got != tc.text {
				t.Errorf("unchanged text came back as %q, want %q", got, tc.text)
			}
		})
	}
	if _, ok := parseMain(t, "  a = 1\n").Get("a"); ok {
		t.Error("white space that continues nothing: got a parameter, want none")
	}
	if _, ok := parseMain(t, "Relayhost = x\n").Get("relayhost"); ok {
		t.Error("got the names without regard to case, want them case sensitive")
	}
}

func TestParseMainFails(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		line       int
	}{
		{"no equals sign", "a = 1\n\nb\n", 3},
		{"no equals sign at the end", "a = 1\nb", 2},
		{"no equals sign with continuation", "a\n  b = c\n", 1},
		{"no name", "a = 1\n= b\n", 2},
		{"byte order mark", "\xef\xbb\xbfa = 1\n", 1},
		{"NUL", "a = 1\nb = \x00\n", 2},
		{"no-break space before the equals sign", "a = 1\nb\u00a0= 2\n", 2},
		{"no-break space after the equals sign", "# x\nb = \u00a02\n", 2},
		{"no-break space first", "a = 1\n\u00a0b = 1\n", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := ParseMain([]byte(tc.text))
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("error %v, want a SyntaxError", err)
			}
			if syntax.Line != tc.line {
				t.Errorf("%v, want line %d", err, tc.line)
			}
		})
	}
}

func TestMainSet(t *testing.T) {
	const ours = Mark + "\n"
	for _, tc := range []struct{ name, text, param, value, want string }{
		{"in an empty file", "", "a", "1", ours + "a = 1\n"},
		{"at the end", "b = 2\n", "a", "1", "b = 2\n\n" + ours + "a = 1\n"},
		{"without a final newline", "b = 2", "a", "1", "b = 2\n\n" + ours + "a = 1\n"},
		{"in the file's own line ends", "b = 2\r\n", "a", "1", "b = 2\r\n\r\n" + Mark + "\r\na = 1\r\n"},
		{"empty value", "a = 1\n", "a", "", "a =\n"},
		{"in place", "x = 0\na = 1\nb = 2\n", "a", "3", "x = 0\na = 3\nb = 2\n"},
		{"in the author's spacing", "a=1\nb = 2\n", "a", "3", "a=3\nb = 2\n"},
		{"into an empty value", "relayhost =\nb = 2\n", "relayhost", "x", "relayhost = x\nb = 2\n"},
		{"into an empty value without blanks", "relayhost=\nb = 2\n", "relayhost", "x", "relayhost=x\nb = 2\n"},
		{"equal", "a   =   1\n", "a", "1", "a   =   1\n"},
		{"equal over several lines", "a = 1,\n  2\n", "a", "1,  2", "a = 1,\n  2\n"},
		{"with continuation lines", "a = 1\n  2\n# c\n\n  3\nb = 2\n", "a", "4", "a = 4\n# c\n\nb = 2\n"},
		{"last line, continued, no final newline", "a = 1\n  2", "a", "3", "a = 3\n"},
		{"no final newline in place", "b = 1\na = 1", "a", "3", "b = 1\na = 3"},
		{"CRLF in place", "a = 1\r\n b\r\nc = 2\r\n", "a", "3", "a = 3\r\nc = 2\r\n"},
		{"several definitions", "a = 1\n 9\nb = 2\na = 3\n", "a", "4", "b = 2\na = 4\n"},
		{"equals sign on the next line", "a\n = 1\n", "a", "2", "a = 2\n"},
		{"a line break cannot define anything", "a = 1\n", "a", "2\nsmtp_tls_security_level = none", "a = 2 smtp_tls_security_level = none\n"},
		{"under the mark", "x = 0\n" + ours + "b = 2\n\n# mine\nc = 3\n", "a", "1", "x = 0\n" + ours + "b = 2\na = 1\n\n# mine\nc = 3\n"},
		{
			"never between a line and its distant continuation", "x = 0\n" + ours + "b = 2\n# mine\n  more\n", "a", "1",
			"x = 0\n" + ours + "b = 2\n# mine\n  more\n\n" + ours + "a = 1\n",
		},
		{"white space that continued nothing goes on doing so", ours + " x\n", "a", "1", ours + " x\n\n" + ours + "a = 1\n"},
		{"behind a distant continuation at the end", "b = 2\n\n  more", "a", "1", "b = 2\n\n  more\n\n" + ours + "a = 1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parseMain(t, tc.text)
			m.Set(tc.param, tc.value)
			if got := string(m.Bytes()); got != tc.want {
				t.Errorf("got\n%q\nwant\n%q", got, tc.want)
			}
			again := parseMain(t, string(m.Bytes()))
			if got, _ := again.Get(tc.param); got != oneLine(tc.value) {
				t.Errorf("read again: %q, want %q", got, oneLine(tc.value))
			}
			before := string(again.Bytes())
			again.Set(tc.param, tc.value)
			if got := string(again.Bytes()); got != before {
				t.Errorf("set twice: %q, want %q", got, before)
			}
		})
	}
}

func TestMainRemove(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"all definitions", "a = 1\nb = 2\na = 3\n", "b = 2\n"},
		{"with distant continuation", "b = 2\na = 1\n\n# c\n  orphan\nd = 1\n", "b = 2\n\n# c\nd = 1\n"},
		{"not there", "b = 2\n", "b = 2\n"},
		{"the last under the mark", "b = 2\n" + Mark + "\na = 1\n", "b = 2\n"},
		{"not the last under the mark", "b = 2\n" + Mark + "\na = 1\nc = 1\n", "b = 2\n" + Mark + "\nc = 1\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := parseMain(t, tc.text)
			m.Remove("a")
			if got := string(m.Bytes()); got != tc.want {
				t.Errorf("got\n%q\nwant\n%q", got, tc.want)
			}
		})
	}
}

func TestMainTells(t *testing.T) {
	m := parseMain(t, "a = 1\nb = x # y\nc = 1\na = 1\nc = 2\nc = 3\nurl = http://x/#y\n"+Mark+"\nd = 1\n  2\ne = 2\n\nf = 3\n")
	for _, tc := range []struct {
		name      string
		got, want []string
	}{
		{"Names", m.Names(), []string{"a", "b", "c", "a", "c", "c", "url", "d", "e", "f"}},
		{"Dups", m.Dups(), []string{"c"}},
		{"InlineComments", m.InlineComments(), []string{"b"}},
		{"Marked", m.Marked(), []string{"d", "e"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if !slices.Equal(tc.got, tc.want) {
				t.Errorf("got %q, want %q", tc.got, tc.want)
			}
		})
	}
	d := m.Clone()
	d.DropOverridden()
	if got, want := string(d.Bytes()), "b = x # y\na = 1\nc = 3\nurl = http://x/#y\n"+Mark+"\nd = 1\n  2\ne = 2\n\nf = 3\n"; got != want {
		t.Errorf("without what is overridden: %q, want %q", got, want)
	}
	c := m.Clone()
	c.Set("a", "changed")
	c.Remove("b")
	if got, _ := m.Get("a"); got != "1" || !slices.Contains(m.Names(), "b") {
		t.Error("got the original changed with its clone, want it as it was")
	}
}

func FuzzMain(f *testing.F) {
	for _, seed := range []string{"a = 1\n", "a = 1\r\n  b\r\n#c\r\n  d", "a\n=\n", " x\n" + Mark + "\na = 1\n\n  b\n", "a=\nb = \xff"} {
		f.Add([]byte(seed), "relayhost", "[x.test]:587")
	}
	f.Fuzz(func(t *testing.T, data []byte, name, value string) {
		m, err := ParseMain(data)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Bytes(), data) {
			t.Fatalf("unchanged text came back as %q, want %q", m.Bytes(), data)
		}
		if name == "" || strings.ContainsAny(name, " \t\n\v\f\r=#\x00") || strings.Contains(name, nbsp) || strings.HasPrefix(value, nbsp) || strings.HasPrefix(name, "\ufeff") {
			return
		}
		others := make(map[string]string)
		for _, n := range m.Names() {
			others[n], _ = m.Get(n)
		}
		m.Set(name, value)
		others[name] = oneLine(value)
		again, err := ParseMain(m.Bytes())
		if err != nil {
			t.Fatalf("after Set(%q, %q): got the error %v, want none\n%q", name, value, err, m.Bytes())
		}
		for n, want := range others {
			if got, ok := again.Get(n); !ok || got != want {
				t.Fatalf("after Set(%q, %q): Get(%q) = %q, %v, want %q\n%q", name, value, n, got, ok, want, m.Bytes())
			}
		}
		m.Remove(name)
		delete(others, name)
		if again, err = ParseMain(m.Bytes()); err != nil {
			t.Fatalf("after Remove(%q): got the error %v, want none", name, err)
		}
		for n, want := range others {
			if got, ok := again.Get(n); !ok || got != want {
				t.Fatalf("after Remove(%q): Get(%q) = %q, %v, want %q", name, n, got, ok, want)
			}
		}
	})
}

func TestValues(t *testing.T) {
	m, err := ParseMain([]byte("a = 1\nb =\n  2\n# c = 3\n  4\na = 5\nc=\n"))
	if err != nil {
		t.Fatal(err)
	}
	values := m.Values()
	if len(values) != 3 {
		t.Errorf("Values(): got %q, want 3 values", values)
	}
	for _, name := range m.Names() {
		if want, ok := m.Get(name); values[name] != want || !ok {
			t.Errorf("%s is %q, want %q", name, values[name], want)
		}
	}
}
