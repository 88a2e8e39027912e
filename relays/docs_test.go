package relays

import (
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

//go:generate go test -run "TestDocs|TestReadmeTable" -update .
var update = flag.Bool("update", false, "write docs/relays.md and the table in the README anew")

const docs = "../docs/relays.md"

func TestDocs(t *testing.T) {
	want := Markdown(catalog(t))
	if *update {
		if err := os.MkdirAll("../docs", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(docs, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the catalogue gives: run go generate ./relays", docs)
	}
}

func TestMarkdownTable(t *testing.T) {
	table := MarkdownTable(catalog(t))
	if got := strings.Count(table, "\n"); got != 25 {
		t.Errorf("%d lines, want a head of 2 and 23 services", got)
	}
	for line := range strings.Lines(table) {
		if strings.Count(line, "|") != 5 {
			t.Errorf("not four columns: %s", line)
		}
	}
}

func TestTableFits(t *testing.T) {
	all := append(catalog(t), Relay{ID: strings.Repeat("i", 32), Name: strings.Repeat("näme ", 20), Ends: &Note{Text: "soon"},
		Ports: []Port{{587, StartTLS, "", ""}, {10587, StartTLS, "", ""}, {10588, StartTLS, "", ""}, {10589, StartTLS, "", ""}, {10590, StartTLS, "", ""}, {10591, StartTLS, "", ""}}})
	table := Table(all)
	fits(t, table)
	if lines := strings.Split(table, "\n"); len(lines) < 1+24+3 || !strings.HasPrefix(lines[1], "ses ") {
		t.Errorf("%s", table)
	}
	if !strings.Contains(table, "end of\n  December 2026") {
		t.Error("what ends at Microsoft 365 is not said")
	}
}

func TestTextFits(t *testing.T) {
	for _, r := range append(catalog(t), Smarthost("mail.example.com", 25, StartTLS, false)) {
		fits(t, Text(r))
	}
}

// fits allows a longer line for nothing but one address.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > Width && !strings.HasPrefix(strings.TrimSpace(line), "https://") {
			t.Errorf("%d columns: %s", utf8.RuneCountInString(line), line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("blanks at the end: %q", line)
		}
	}
}

func TestTextMarksWhatIsNotSure(t *testing.T) {
	for id, want := range map[string][]string{
		"yahoo":    {"500 messages a day (recalled)", "no source quotes one of this service; these are the generic ones"},
		"brevo":    {"2525 STARTTLS; STARTTLS inferred from 587 (unsure)", "20 MB a message (recalled)", "465 TLS\n"},
		"mailtrap": {"465 unsure how TLS starts"},
		"sendgrid": {"--region eu: smtp.eu.sendgrid.net (recalled)", "4096000 bytes of header\n"},
		"m365":     {"ends: password log-in stays as it is until the end of December 2026"},
		"ses":      {"554 Mail FROM domain is not verified (unsure)", "remedy: wait, or ask AWS for a higher quota (clears by itself)"},
	} {
		r, err := Get(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(Text(r), w) {
				t.Errorf("%s: no %q in\n%s", id, w, Text(r))
			}
		}
	}
}

func TestCSV(t *testing.T) {
	all := catalog(t)
	lines := strings.Split(CSV(all), "\n")
	facts := 0
	for _, r := range all {
		facts += len(r.Facts())
	}
	if len(lines) != facts+2 || facts < 600 {
		t.Errorf("%d lines for %d facts", len(lines), facts)
	}
	if want := "postmark,ports.587,starttls,https://postmarkapp.com/support/article/811-what-are-the-smtp-details-api-tokens-i-should-be-using,"; !strings.Contains(CSV(all), want) {
		t.Errorf("no line that begins with %s", want)
	}
	if got := CSV([]Relay{{ID: "x", Name: "=1+1"}}); !strings.Contains(got, "'=1+1") {
		t.Errorf("a formula is left to the spreadsheet: %s", got)
	}
}

// The examples of docs/adding-a-relay.md load, and what it says of a mistake is
// what is said.
func TestAddingARelayExamples(t *testing.T) {
	page, err := os.ReadFile("../docs/adding-a-relay.md")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, part := range strings.Split(string(page), "\n```toml\n")[1:] {
		text, _, _ := strings.Cut(part, "\n```")
		if r, err := Parse("corp.toml", []byte(text)); err != nil {
			t.Error(err)
		} else if len(r.PortOrder()) == 0 {
			t.Errorf("%s: no port to try", r.ID)
		}
		files++
		if files == 1 {
			_, err := Parse("corp.toml", []byte(strings.Replace(text, `"starttls"`, `"ssl"`, 1)))
			if err == nil || !strings.Contains(string(page), "\n"+err.Error()+"\n") {
				t.Errorf("the page does not show this error: %v", err)
			}
		}
	}
	if files != 2 {
		t.Errorf("%d examples, want 2", files)
	}
}

// The table of services in the README stands between two comments, and is what
// the catalogue gives.
func TestReadmeTable(t *testing.T) {
	const readme, begin, end = "../README.md", "<!-- relays: go generate ./relays -->\n", "<!-- /relays -->"
	text, err := os.ReadFile(readme)
	if os.IsNotExist(err) {
		return
	} else if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table of services: %s%s", readme, begin, end)
	}
	want := "\n" + MarkdownTable(catalog(t)) + "\n"
	if *update && old != want {
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		old = want
	}
	if old != want {
		t.Errorf("the table of services in %s is stale: run go generate ./relays", readme)
	}
}
