package diff_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"relayhost/internal/diff"
	"relayhost/internal/plan"
)

func TestFile(t *testing.T) {
	for _, test := range []struct {
		name string
		file plan.File
		want string
	}{
		{"unchanged", plan.File{Path: "/a", Action: plan.Unchanged, Before: []byte("x\n"), After: []byte("x\n")}, ""},
		{"created", plan.File{Path: "/a", Action: plan.Create, After: []byte("x\n")}, "--- /dev/null\n+++ /a\n@@ -0,0 +1 @@\n+x\n"},
		{
			"modified", plan.File{Path: "/a", Action: plan.Modify, Before: []byte("1\n2\n3\n4\n5\n6\n7\n8\n"), After: []byte("1\n2\n3\n4\nfive\n6\n7\n8\n")},
			"--- /a\n+++ /a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n",
		},
		{
			"no final newline", plan.File{Path: "/a", Action: plan.Modify, Before: []byte("1"), After: []byte("1\n2\n")},
			"--- /a\n+++ /a\n@@ -1 +1,2 @@\n-1\n\\ No newline at end of file\n+1\n+2\n",
		},
		{"mode alone", plan.File{Path: "/a", Action: plan.Modify, Mode: 0o600, Before: []byte("1\n"), After: []byte("1\n")}, "--- /a\n+++ /a\nmode becomes 0600\n"},
		{"escapes", plan.File{Path: "/a", Action: plan.Create, After: []byte("a\x1b[31m\u202eb\r\n")}, "--- /dev/null\n+++ /a\n@@ -0,0 +1 @@\n+a\\x1b[31m\\x202eb\\x0d\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := diff.File(test.file); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestSecretsAreMasked(t *testing.T) {
	file := func(before, after string) plan.File {
		return plan.File{Path: "/etc/postfix/sasl_passwd", Action: plan.Modify, Secret: true, Before: []byte(before), After: []byte(after)}
	}
	before := "# old: [h]:587 joe:hunter22\n[x]:25 eve:hunter22\n  hunter22\nhunter22\n[h]:587 joe:hunter22\n[t]\ttok-hunter22:tok-hunter22\n[u] hunter22\n"
	after := strings.ReplaceAll(strings.Replace(before, "[h]:587 joe:hunter22\n[t]", "[h]:587 joe:secret33\n[t]", 1), "# old", "# older")
	got := diff.File(file(before, after))
	want := "--- /etc/postfix/sasl_passwd\n+++ /etc/postfix/sasl_passwd\n@@ -1,7 +1,7 @@\n-# ***\n+# ***\n [x]:25 eve:***\n   ***\n ***\n-[h]:587 joe:***\n+[h]:587 joe:***\n [t] ***\n [u] ***\n"
	hidden := strings.NewReplacer("hunter22", "(the password)", "secret33", "(the password)")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", hidden.Replace(got), want)
	}
	// Nothing but the change itself shows: neither length nor kinship.
	if other := diff.File(file(before, strings.Replace(after, "secret33", "hunter22x-and-longer", 1))); other != got {
		t.Errorf("another password: got\n%s\nwant\n%s", hidden.Replace(other), hidden.Replace(got))
	}
}

func TestPlan(t *testing.T) {
	p := plan.Plan{
		Files: []plan.File{
			{Path: "/etc/postfix/sasl_passwd", Action: plan.Create, Secret: true, Mode: 0o600, Map: "hash", After: []byte("[h]:587 joe:hunter22\n")},
			{Path: "/etc/postfix/main.cf", Action: plan.Unchanged, Before: []byte("a = b\n"), After: []byte("a = b\n")},
		},
		Commands: []plan.Command{{Args: []string{"postmap", "hash:/etc/postfix/sasl_passwd"}}, {Args: []string{"postfix", "reload"}}},
	}
	want := "--- /dev/null\n+++ /etc/postfix/sasl_passwd\n@@ -0,0 +1 @@\n+[h]:587 joe:***\ncompile /etc/postfix/sasl_passwd.db, mode 0600\n\n" +
		"Commands:\n  postmap hash:/etc/postfix/sasl_passwd\n  postfix reload\n"
	if got := diff.Plan(p, diff.Style{}); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got := diff.Plan(p, diff.Style{Color: true}); !strings.Contains(got, "\x1b[32m+[h]:587 joe:***\x1b[0m\n") || strings.Contains(diff.Plan(p, diff.Style{}), "\x1b") {
		t.Errorf("colours: got %q, want %q in it", got, "\x1b[32m+[h]:587 joe:***\x1b[0m\n")
	}
	if got := diff.Plan(plan.Plan{Files: p.Files[1:]}, diff.Style{}); got != "unchanged\n" {
		t.Errorf("unchanged: got %q, want %q", got, "unchanged\n")
	}
}

// TestBrief: of a new file the beginning is shown, of main.cf every line.
func TestBrief(t *testing.T) {
	text := func(n int) []byte { return []byte(strings.Repeat("a rule\n", n)) }
	p := plan.Plan{Files: []plan.File{
		{Path: "/etc/postfix/rules", Action: plan.Create, After: text(40), Map: "hash"},
		{Path: "/etc/postfix/few", Action: plan.Create, After: text(13)},
		{Path: "/etc/postfix/main.cf", Action: plan.Create, After: text(40)},
		{Path: "/etc/postfix/other", Action: plan.Modify, Before: text(1), After: text(40)},
	}}
	got := diff.Plan(p, diff.Style{Brief: true})
	want := "--- /dev/null\n+++ /etc/postfix/rules\n@@ -0,0 +1,40 @@\n" + strings.Repeat("+a rule\n", 2) +
		"... and 38 more lines (--verbose shows them)\ncompile /etc/postfix/rules.db"
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if n := strings.Count(got, "+a rule\n"); n != 2+13+40+39 {
		t.Errorf("lines that are shown: got %d, want %d, in\n%s", n, 2+13+40+39, got)
	}
	if n := strings.Count(diff.Plan(p, diff.Style{}), "+a rule\n"); n != 40+13+40+39 {
		t.Errorf("lines that are shown without Brief: got %d, want %d", n, 40+13+40+39)
	}
}

// Whatever changes, the hunks say how to make one text of the other.
func FuzzFile(f *testing.F) {
	f.Add([]byte("a\nb\nc\nd\n"), []byte("a\nx\nc\nd\ne"))
	f.Add([]byte(""), []byte("\n\n"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if bytes.ContainsFunc(slices.Concat(before, after), func(r rune) bool { return r != '\n' && (r < 'a' || r > 'e') }) || bytes.Equal(before, after) {
			return
		}
		got := diff.File(plan.File{Path: "/a", Action: plan.Modify, Before: before, After: after})
		if patched := patch(t, string(before), got); patched != string(after) {
			t.Errorf("%q with\n%s\nis %q, not %q, want %q", before, got, patched, after, string(after))
		}
	})
}

// patch applies a unified difference.
func patch(t *testing.T, text, difference string) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	var out []string
	at := 0
	last := byte(' ')
	for l := range strings.Lines(difference) {
		var start, count int
		switch {
		case strings.HasPrefix(l, "---"), strings.HasPrefix(l, "+++"):
		case strings.HasPrefix(l, "@@"):
			span, _, _ := strings.Cut(strings.TrimPrefix(l, "@@ -"), " ")
			count = 1
			if n, _ := fmt.Sscanf(span, "%d,%d", &start, &count); n < 1 {
				t.Fatalf("head of a hunk: got %q, want @@ -line[,count]", l)
			}
			if count > 0 {
				start--
			}
			out, at = append(out, lines[at:start]...), start
		case l[0] == '\\' && last == '-':
		case l[0] == '\\':
			out[len(out)-1] = strings.TrimSuffix(out[len(out)-1], "\n")
		case l[0] == '+':
			out = append(out, l[1:])
		case l[0] == '-':
			at++
		default:
			out, at = append(out, l[1:]), at+1
		}
		last = l[0]
	}
	return strings.Join(append(out, lines[min(at, len(lines)):]...), "")
}

// A line at either end of 10 MB changes: the middle is not compared piece by piece.
func TestLargeFile(t *testing.T) {
	var b strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&b, "parameter_%06d = %030d\n# comment\n", i, i)
	}
	before := "relayhost =\n" + b.String()
	after := "relayhost = [h]:587\n" + b.String() + "default_transport = relayhost-ses\n"
	start := time.Now()
	got := diff.File(plan.File{Path: "/etc/postfix/main.cf", Action: plan.Modify, Before: []byte(before), After: []byte(after)})
	if lines := strings.Count(got, "\n"); lines != 13 {
		t.Errorf("lines: got %d, want 13, in\n%.2000s", lines, got)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("time: got %v, want at most 10 s", d)
	}
	t.Log(time.Since(start))
}

// TestPasswordsInConfigurationAreMasked: a setup made by hand may have the
// password in main.cf or master.cf.
func TestPasswordsInConfigurationAreMasked(t *testing.T) {
	const before = `# old: smtp_sasl_password_maps = static:apikey:hunter2
smtp_sasl_password_maps = static:apikey:hunter2 hunter2
    hash:/etc/hunter2
# a comment
sender_canonical_maps = static:app@example.com
smtp_sasl_password_maps = inline:{
  # between
  { [a]:587 = u:hunter2 }
  }
relayhost = [a]:587
x = texthash:/y, static:{u:hunter2 }
`
	const master = "s unix - - n - - smtp\n  -o smtp_sasl_password_maps=static:u:hunter2\n  -o smtp_helo_name=a.example\n"
	text := diff.File(plan.File{Path: "/etc/postfix/main.cf", Action: plan.Modify, Before: []byte(before), After: []byte("y = z\n")}) +
		diff.File(plan.File{Path: "/etc/postfix/master.cf", Action: plan.Modify, Before: []byte(master), After: []byte("\n")})
	if strings.Contains(text, "hunter2") {
		t.Errorf("got\n%s\nwant it without the password (*** here, too)", strings.ReplaceAll(text, "hunter2", "***"))
	}
	for _, want := range []string{"-sender_canonical_maps = static:app@example.com\n", "-# a comment\n", "-relayhost = [a]:587\n", "-smtp_sasl_password_maps = static:***\n", "-  -o smtp_helo_name=a.example\n", "-x = texthash:/y, static:***"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown:\n%s", want, text)
		}
	}
}
