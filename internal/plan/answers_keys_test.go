package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"relayhost/internal/plan"
)

// Whatever stands in the file: an answer within bounded time, with the line.
func TestHostileFiles(t *testing.T) {
	const top = "version = 1\nrelay = \"sendgrid\"\nport = 587\nfrom = \"app@example.com\"\n"
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)))
		}
		return b.String()
	}
	for _, tc := range []struct{ name, text, want string }{ // want follows the path; "" is no mistake
		{"10 MB of comments", top + strings.Repeat("# x\n", 2_500_000), ": the file is larger than 4 MiB"},
		{"unknown keys", top + many(330_000, "k# = 1\n"), ":5: unknown key k0\n"},
		{"unknown tables", top + many(100_000, "[t#]\nx = 1\n"), ":5: unknown key t0\n"},
		{"unknown key of an inline table", top + "fallback = [{port = 2525}, {\nprt = 1}]\n", ":6: unknown key fallback.prt"},
		{"a key in quotes", top + "\"route.name\" = 1\n", ":5: unknown key \"route.name\""},
		{"a deep key", top + strings.Repeat("a.", 200_000) + "a = 1\n", ":5: unknown key a.a"},
		{"nested arrays", top + "direct = " + strings.Repeat("[", 1_000_000), ":5: arrays and inline tables are nested"},
		{"nested tables", top + "direct = " + strings.Repeat("{a=", 500_000), ":5: arrays and inline tables are nested"},
		{"one route many times", top + strings.Repeat("[[route]]\nname = \"r\"\nsenders = [\"d.example\"]\nrelay = \"ses\"\n", 20_000), ":10: route \"r\" is there already"},
		{"one key many times", top + strings.Repeat("to = \"a@b.example\"\n", 100_000), ":6: key to is already"},
		{"fall-backs", top + many(50_000, "[[fallback]]\nport = 2525\n"), ":25: a route has 10 fall-backs at most"},
		{"rewritten senders", top + "[rewrite]\n" + many(80_000, "\"u#@web1\" = \"x@shop.example\"\n"), ":10006: more than 10000 senders are rewritten"},
		{"a long value", top + "to = '" + strings.Repeat("a", 1_000_000) + "'\n", ":5: \"aaa"},
		{"a long string without end", top + "to = \"\"\"" + strings.Repeat("\n", 1_000_000), ":"},
		{"NUL in a value", top + "to = \"a\x00b@c.example\"\n", ":5: basic strings cannot have control characters"},
		{"NUL", top + "\x00\n", ":5: invalid character"},
		{"NUL in a comment", top + "# \x00\n", ":5: "},
		{"byte order mark", "\ufeff" + top, ":1: the file begins with a byte order mark"},
		{"UTF-16", "\xff\xfev\x00e\x00", ":1: invalid character"},
		{"Latin-1", top + "# caf\xe9\n", ":5: invalid UTF-8"},
		{"Latin-1 in a value", top + "to = \"caf\xe9@example.com\"\n", ":5: invalid UTF-8"},
		{"CR alone", strings.ReplaceAll(top, "\n", "\r"), ":1: expected newline"},
		{"CRLF", strings.ReplaceAll(top, "\n", "\r\n"), ""},
		{"CRLF and a mistake", strings.ReplaceAll(top+"x = 1\n", "\n", "\r\n"), ":5: unknown key x"},
		{"a number that is too large", top + "connections = 99999999999999999999999\n", ":5: "},
		{"a date", top + "connections = 1979-05-27T07:32:00Z\n", ":5: "},
		{"other letters", strings.Replace(top, "relay", "Relay", 1), ""},
	} {
		began := time.Now()
		_, err := plan.ReadAnswers([]byte(tc.text))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: %v", tc.name, took)
		}
		got := "no mistake"
		if err != nil {
			got = err.Error()
		}
		if (err == nil) != (tc.want == "") || !strings.HasPrefix(got, plan.AnswersPath+tc.want) && tc.want != "" {
			t.Errorf("%s: %.300s, want %s", tc.name, got, tc.want)
		}
		if len(got) > plan.MaxMistakes*600 {
			t.Errorf("%s: the mistake is told in %d bytes", tc.name, len(got))
		}
	}
}
