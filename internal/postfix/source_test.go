package postfix

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parseTable(t *testing.T, text string) *Source {
	t.Helper()
	s, err := ParseSource([]byte(text))
	if err != nil {
		t.Fatalf("ParseSource: got the error %v, want none", err)
	}
	return s
}

func TestSourceGet(t *testing.T) {
	const text = "# [commented.test]:587 a:b\n[Relay.test]:587\tuser:p#a:s{s $x\n[relay.test]:587 second:counts not\n" +
		"novalue\n\"a b\"@x.test v\nlong a\n\n# c\n  b\r\n\"open v\n"
	s := parseTable(t, text)
	for key, want := range map[string]string{
		"[relay.test]:587": "user:p#a:s{s $x", "[RELAY.test]:587": "user:p#a:s{s $x", `"a b"@x.test`: "v", "long": "a  b",
	} {
		t.Run(key, func(t *testing.T) {
			if got, ok := s.Get(key); !ok || got != want {
				t.Errorf("Get(%q) = %q, %v, want %q", key, got, ok, want)
			}
		})
	}
	for _, key := range []string{"", "novalue", "[commented.test]:587", `"open`, "b"} {
		t.Run(fmt.Sprintf("%q", key), func(t *testing.T) {
			if got, ok := s.Get(key); ok {
				t.Errorf("Get(%q) = %q, want none", key, got)
			}
		})
	}
	want := []Entry{{"[relay.test]:587", "user:p#a:s{s $x"}, {"[relay.test]:587", "second:counts not"}, {`"a b"@x.test`, "v"}, {"long", "a  b"}}
	if got := s.Entries(); !slices.Equal(got, want) {
		t.Errorf("Entries: got %q, want %q", got, want)
	}
	if !bytes.Equal(s.Bytes(), []byte(text)) {
		t.Errorf("unchanged text: got %q, want %q", s.Bytes(), text)
	}
}

func TestSourceSet(t *testing.T) {
	for _, tc := range []struct{ name, text, key, value, want string }{
		{"new", "a 1", "b", "2", "a 1\nb 2\n"},
		{"replaced", "a 1\nB\t1\nc 1\n", "b", "2", "a 1\nB\t2\nc 1\n"},
		{"equal", "B\t2\n", "b", "2", "B\t2\n"},
		{"older ones go", "b 1\n  old\na 1\nb 2\n  older\n", "b", "3", "b 3\na 1\n"},
		{"CRLF", "a 1\r\nb 1\r\n", "b", "2", "a 1\r\nb 2\r\n"},
		{"a line without value is none", "b\n", "b", "2", "b\nb 2\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := parseTable(t, tc.text)
			s.Set(tc.key, tc.value)
			if diff := cmp.Diff(tc.want, string(s.Bytes())); diff != "" {
				t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
			}
		})
	}
}

func TestAliases(t *testing.T) {
	const text = "# x\npostmaster:    root\n\"a:b\": c\nRoot : old,\n  older\nnocolon x\n"
	s, err := ParseAliases([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"postmaster": "root", "root": "old,  older", `"a:b"`: "c"} {
		t.Run(key, func(t *testing.T) {
			if got, _ := s.Get(key); got != want {
				t.Errorf("Get(%q) = %q, want %q", key, got, want)
			}
		})
	}
	s.Set("root", "me@x.test")
	s.Set("abuse", "root")
	s.Remove("postmaster")
	want := "# x\n\"a:b\": c\nRoot : me@x.test\nnocolon x\nabuse: root\n"
	if diff := cmp.Diff(want, string(s.Bytes())); diff != "" {
		t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
	}
}

func FuzzSource(f *testing.F) {
	f.Add([]byte("a 1\n# c\n  2\r\nB \"x\n\"q r\" s"), "b", "u:p#", false)
	f.Add([]byte("root: a\n"), "root", "x", true)
	f.Fuzz(func(t *testing.T, data []byte, key, value string, aliases bool) {
		s, err := parseSource(data, aliases)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Bytes(), data) {
			t.Fatalf("unchanged text came back as %q, want %q", s.Bytes(), data)
		}
		if key == "" || oneLine(value) == "" || strings.HasPrefix(key, "\ufeff") || strings.ContainsAny(key, "#\"\\: \t\n\v\f\r\x00") {
			return
		}
		others := make(map[string]string)
		for _, e := range s.Entries() {
			others[e.Key], _ = s.Get(e.Key)
		}
		s.Set(key, value)
		others[fold(key)] = oneLine(value)
		again, err := parseSource(s.Bytes(), aliases)
		if err != nil {
			t.Fatalf("after Set: got the error %v, want none", err)
		}
		for k, want := range others {
			if got, ok := again.Get(k); !ok || got != want {
				t.Fatalf("after Set(%q, %q): Get(%q) = %q, %v, want %q\n%q", key, value, k, got, ok, want, s.Bytes())
			}
		}
		again.Remove(key)
		if _, ok := again.Get(key); ok {
			t.Fatalf("got %q still there, want it gone", key)
		}
	})
}
