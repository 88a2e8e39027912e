package relays

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

//go:generate go test -run TestBuiltIn -update .
//go:generate go test -run "TestDocs|TestReadmeTable" -update .
var update = flag.Bool("update", false, "write builtin.go, docs/relays.md, docs/relays/*.md and the table in the README")

const (
	docs  = "../docs/relays.md"
	pages = "../docs/relays"
)

// on sets the day that facts are old by, and gives the newest day on which one
// was read.
func on(t *testing.T) time.Time {
	day := lastRead(catalog(t))
	today = func() time.Time { return day }
	t.Cleanup(func() { today = time.Now })
	return day
}

// TestDocs holds the list and every relay's page against the catalogue.
func TestDocs(t *testing.T) {
	all := catalog(t)
	day := lastRead(all)
	want := map[string]string{docs: listPage(all)}
	for _, r := range all {
		want[filepath.Join(pages, r.ID+".md")] = relayPage(r, day)
	}
	there, err := filepath.Glob(filepath.Join(pages, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if _, ok := want[path]; !ok && *update {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else if !ok {
			t.Errorf("%s: got a page of no relay, want none: run go generate ./relays", path)
		}
	}
	for path, text := range want {
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != text {
			t.Errorf("%s: got another text, want what the catalogue gives: run go generate ./relays", path)
		}
	}
}

func TestMarkdownTable(t *testing.T) {
	all := catalog(t)
	table := markdownTable(all, "relays")
	if got := strings.Count(table, "\n"); got != len(all)+2 {
		t.Errorf("%d lines, want a head of 2 and %d relays", got, len(all))
	}
	for line := range strings.Lines(table) {
		if strings.Count(line, "|") != 7 {
			t.Errorf("line %q: got %d bars, want 7, of six columns", line, strings.Count(line, "|"))
		}
	}
	for _, want := range []string{
		"| [`brevo`](relays/brevo.md) | Brevo (Sendinblue) | 300 a day (2026-07) | or one address | 587, 465, 2525, HTTPS |",
		"| [`outlook`](relays/outlook.md) | Outlook.com and Hotmail |  | no | 587, by OAuth alone |",
		"| [`forwardemail`](relays/forwardemail.md) |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %s in\n%s", want, table)
		}
	}
}

// Every page has all parts: the two lines to type, credentials, ports, limits, sender,
// each reply with cause and remedy, and where the facts come from.
func TestEveryPageIsWhole(t *testing.T) {
	day := lastRead(catalog(t))
	for _, r := range catalog(t) {
		page := relayPage(r, day)
		want := []string{"# Postfix through " + r.Name + "\n", "sudo relayhost setup --relay " + r.ID + " ", "\n## Credentials\n\n- user name: ", "\n- password: ", "\n- " + docsLabel(r.Docs) + ": <",
			"\n## Hosts and ports\n", "\n- tried in this order: ", "\n## Limits\n", "\n## Sender and DNS\n\n- sender: ", "\n## Replies\n", "\n## Sources\n\n- "}
		for _, reply := range r.Replies {
			if !reply.Inherited {
				want = append(want, "\n- `relayhost explain` calls it `"+reply.ID+"`\n")
			}
		}
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: got a page of %d bytes, want %q in it", r.ID, len(page), w)
			}
		}
		if got := strings.Count(page, "\n- cause: "); !inherited(r.Replies) && got != len(r.Replies) {
			t.Errorf("%s: got %d causes, want %d", r.ID, got, len(r.Replies))
		}
	}
}

// A page has what somebody needs who found it by a reply.
func TestPage(t *testing.T) {
	day := lastRead(catalog(t))
	for id, want := range map[string][]string{
		"cloudflare": {"# Postfix through Cloudflare", "username=api_token\n", "sudo relayhost setup --relay cloudflare --from app@example.com --credentials-file cloudflare.txt --yes",
			"- recipients a connection: 50\n", "- does not offer: PIPELINING, SMTPUTF8\n", "### `550 5.7.1 Sender denied`\n\n- cause: the domain of the sender is not onboarded"},
		"icloud":  {"--from mailer@icloud.com", "- messages a day: 1000\n", "### `550 5.7.0 From address is not one of your addresses`\n\n- cause: the sender is not an address of the account"},
		"posteo":  {"[the generic ones](../relays.md#replies)"},
		"m365":    {"**Ends 2026-12-31:**", "Set-TransportConfig -SmtpClientAuthenticationDisabled $false\n", "- messages a minute: 30\n", "read 2026-11-28; as of 2026-01-27"},
		"outlook": {"takes no password: its login is by OAuth alone", "--sign-in device --client-id "},
	} {
		t.Run(id, func(t *testing.T) {
			r, err := Get(id)
			if err != nil {
				t.Fatal(err)
			}
			page := relayPage(r, day)
			for _, w := range want {
				if !strings.Contains(page, w) {
					t.Errorf("got\n%s\nwant %q in it", page, w)
				}
			}
		})
	}
}

func TestTableFits(t *testing.T) {
	all := append(catalog(t), Relay{ID: strings.Repeat("i", 32), Name: strings.Repeat("näme ", 20), Ends: &Deadline{Text: "soon"},
		Ports: []Port{{587, StartTLS, "", ""}, {10587, StartTLS, "", ""}, {10588, StartTLS, "", ""}, {10589, StartTLS, "", ""}, {10590, StartTLS, "", ""}, {10591, StartTLS, "", ""}}})
	left := m365Left(on(t))
	table := Table(all)
	fits(t, table)
	if lines := strings.Split(table, "\n"); len(lines) < len(all)+5 || !strings.HasPrefix(lines[1], "ses ") {
		t.Errorf("table: got\n%s\nwant %d lines or more, %q at the start of the second", table, len(all)+5, "ses ")
	}
	if !strings.Contains(table, left) || !strings.Contains(table, "\ncloudflare ") || !strings.Contains(table, "MAILBOX PROVIDER") {
		t.Errorf("got %s, want %q in it and %q in it and %q in it", table, left, "\ncloudflare ", "MAILBOX PROVIDER")
	}
}

func TestTextFits(t *testing.T) {
	for _, r := range append(catalog(t), *Smarthost("mail.example.com", 25, StartTLS, false)) {
		fits(t, Text(r))
	}
}

// fits allows a longer line for nothing but one address.
func fits(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > Width && !strings.HasPrefix(strings.TrimSpace(line), "https://") {
			t.Errorf("line %q: got %d columns, want at most %d", line, utf8.RuneCountInString(line), Width)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("line: got %q, want no blanks at the end", line)
		}
	}
}

// m365Left is what is left of Microsoft 365's password login on day.
func m365Left(day time.Time) string {
	end := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	return fmt.Sprintf("%d days left (2026-12-31)", int(end.Sub(day).Hours())/24)
}

func TestTextMarksWhatIsNotSure(t *testing.T) {
	left := m365Left(on(t))
	for id, want := range map[string][]string{
		"yahoo":    {"500 messages a day (recalled)"},
		"posteo":   {"no source quotes one of this service; these are the generic ones"},
		"brevo":    {"2525 STARTTLS; STARTTLS inferred from 587 (unsure)", "20 MB a message (recalled)", "465 TLS\n"},
		"mailtrap": {"465 TLS\n"},
		"sendgrid": {"--region eu: smtp.eu.sendgrid.net (recalled)", "size of its header: 4000 KB (4096000 bytes) (2021-06)\n"},
		"m365":     {"ends: " + left + ": password login is switched off", "LOGIN, XOAUTH2 (2022-11)"},
		"ses":      {"554 Mail FROM domain is not verified (unsure)", "remedy: wait, or ask AWS for a higher quota (temporary)"},
	} {
		t.Run(id, func(t *testing.T) {
			r, err := Get(id)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range want {
				if !strings.Contains(Text(r), w) {
					t.Errorf("got\n%s\nwant %q in it", Text(r), w)
				}
			}
		})
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
		t.Errorf("%d lines for %d facts, want %d and at least 600", len(lines), facts, facts+2)
	}
	if want := "postmark,ports.587,starttls,https://postmarkapp.com/support/article/811-what-are-the-smtp-details-api-tokens-i-should-be-using,"; !strings.Contains(CSV(all), want) {
		t.Errorf("CSV: got no line that begins with %s, want one", want)
	}
	if got := CSV([]Relay{{ID: "x", Name: "=1+1"}}); !strings.Contains(got, "'=1+1") {
		t.Errorf("a formula is left to the spreadsheet: got %s, want %q in it", got, "'=1+1")
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
			t.Errorf("%s: got no port to try, want 1 or more", r.ID)
		}
		files++
		if files == 1 {
			_, err := Parse("corp.toml", []byte(strings.Replace(text, `"starttls"`, `"ssl"`, 1)))
			if err == nil || !strings.Contains(string(page), "\n"+err.Error()+"\n") {
				t.Errorf("the first example with tls = \"ssl\": got the error %v, want one, as a line of the page", err)
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
		t.Fatalf("%s: got no place for the table of services, want one between %q and %q", readme, begin, end)
	}
	want := "\n" + readmeTable(catalog(t)) + "\n"
	if *update && old != want {
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		old = want
	}
	if old != want {
		t.Errorf("the table of services in %s: got another, want what the catalogue gives: run go generate ./relays", readme)
	}
}
