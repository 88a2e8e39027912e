package cmd_test

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/pflag"

	"relayhost/cmd"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// documents are all that hold command lines for people.
func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return append(found, "../README.md")
}

// fence is a block of code in a document.
type fence struct {
	lang, text string
	line       int
	lab        string // what the nearest "<!-- lab: ... -->" above it says
	tag        string // the comment right above it
	heading    string
}

func fences(t *testing.T, path string) (list []fence) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var open *fence
	lab, heading, tag := "", "", ""
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\n")
		lang, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && open == nil:
			open = &fence{lang: lang, line: n, lab: lab, tag: tag, heading: heading}
		case isFence:
			list, open = append(list, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.HasPrefix(line, "<!-- lab: "):
			lab = strings.TrimSuffix(strings.TrimPrefix(line, "<!-- lab: "), " -->")
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		}
		tag, _ = strings.CutPrefix(line, "<!-- ")
	}
	if open != nil {
		t.Errorf("%s:%d: got a block of code without an end, want one", path, open.line)
	}
	return list
}

// commandLines are the command lines of relayhost in a piece of text, with
// continuation lines joined.
func commandLines(text string) (list []string) {
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "$ ")
		if line = strings.TrimPrefix(line, "sudo "); strings.HasPrefix(line, "relayhost ") {
			list = append(list, line)
		}
	}
	return list
}

// words splits a command line as sh(1) does, up to a redirection or comment.
func words(line string) (list []string) {
	word, in, some := "", rune(0), false
	for _, r := range line + " " {
		switch {
		case in != 0 && r == in:
			in = 0
		case in != 0:
			word += string(r)
		case r == '"' || r == '\'':
			in, some = r, true
		case r == ' ':
			if word == "<" || word == ">" || word == "|" || strings.HasPrefix(word, "#") && !some {
				return list
			}
			if word != "" || some {
				list = append(list, word)
			}
			word, some = "", false
		default:
			word += string(r)
		}
	}
	return list
}

// parses holds a command line against the flags that there are.
func parses(line string) error {
	args := slices.DeleteFunc(words(line), func(w string) bool { return w == "..." })
	c, rest, err := cmd.Command().Find(args[1:])
	if err != nil {
		return err
	}
	if err := c.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		return err
	}
	if c.Name() == "relayhost" && len(c.Flags().Args()) > 0 {
		return fmt.Errorf("no such command")
	}
	if err := c.ValidateFlagGroups(); err != nil {
		return err
	}
	return c.ValidateArgs(c.Flags().Args())
}

// TestDocumentedCommands: no document shows a command, flag or argument that
// is not there.
func TestDocumentedCommands(t *testing.T) {
	seen := 0
	for _, path := range documents(t) {
		for _, f := range fences(t, path) {
			for _, line := range commandLines(f.text) {
				seen++
				if err := parses(line); err != nil {
					t.Errorf("%s:%d: %s: want no error, got %v", path, f.line, line, err)
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("%d command lines found in the documents, want at least 60", seen)
	}
}

// TestEveryBlockIsHeld: each block of the documents is executed or read by a
// test. What is not marked as one of the kinds that are says which test does
// it, or why none can.
func TestEveryBlockIsHeld(t *testing.T) {
	held := map[string]func(*testing.T){
		"sh":      TestLabDocuments,
		"console": TestLabReadmeSession,
		"ini":     TestDocumentedCredentials,
		"toml":    nil, // TestAddingARelayExamples of relays
		"text":    nil, // a drawing or an answer
	}
	runBy := map[string]func(*testing.T){
		"TestLabAnsible":          TestLabAnsible,
		"TestLabFirstRun":         TestLabFirstRun,
		"TestLabMicrosoft365Page": TestLabMicrosoft365Page,
		"TestLabReadmeInstall":    TestLabReadmeInstall,
		"TestLabReadmeTry":        TestLabReadmeTry,
		"TestLabRoutesDocument":   TestLabRoutesDocument,
		"TestLabSystemd":          TestLabSystemd,
		"TestLabWalk":             TestLabWalk,
	}
	for name, test := range runBy {
		if test == nil {
			continue // a build without the lab
		}
		if got := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name(); !strings.HasSuffix(got, "."+name) {
			t.Errorf("got %s for %s, want the test of that name", got, name)
		}
	}
	blocks := 0
	for _, path := range append(documents(t), "../integrations/ansible/README.md") {
		for _, f := range fences(t, path) {
			blocks++
			name, byTest := strings.CutPrefix(strings.TrimSuffix(f.tag, " -->"), "run by: ")
			reason, not := strings.CutPrefix(f.tag, "not run: ")
			_, known := runBy[name]
			_, holds := held[f.lang]
			switch {
			case f.lang == "text" && len(commandLines(f.text)) > 0:
				t.Errorf("%s:%d: got a command line in a text, want none", path, f.line)
			case byTest && !known:
				t.Errorf("%s:%d: got the test %q, want one of runBy", path, f.line, name)
			case !holds && !byTest && (!not || reason == ""):
				t.Errorf("%s:%d: nothing executes this block, want a test or a reason", path, f.line)
			}
		}
	}
	if blocks < 60 {
		t.Errorf("got %d blocks, want at least 60", blocks)
	}
}

// TestHelp: each command has three examples with a comment each, the examples
// parse, each flag says what it does, and help fits into 80 columns.
func TestHelp(t *testing.T) {
	root := cmd.Command()
	flags := 0
	for _, c := range append(root.Commands(), root) {
		if c.Hidden || c.Name() == "completion" || c.Name() == "help" || !c.Runnable() {
			continue
		}
		examples := commandLines(c.Example)
		if comments := strings.Count("\n"+c.Example, "\n  # "); len(examples) != 3 || comments != 3 {
			t.Errorf("%s: got %d examples and %d comments, want 3 of each", c.CommandPath(), len(examples), comments)
		}
		for _, line := range examples {
			if err := parses(line); err != nil {
				t.Errorf("%s: example %q: want no error, got %v", c.CommandPath(), line, err)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			flags++
			if f.Usage == "" {
				t.Errorf("%s: --%s has no text, want what it does", c.CommandPath(), f.Name)
			}
		})
		for line := range strings.Lines(c.Long + "\n" + c.UsageString()) {
			if len(line) > 81 {
				t.Errorf("%s: got a line of the help wider than 80 columns, want none: %s", c.CommandPath(), line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r > unicode.MaxASCII }) {
				t.Errorf("%s: got %q, want ASCII alone: a Latin-1 or serial terminal cannot show it", c.CommandPath(), line)
			}
		}
	}
	if flags < 50 {
		t.Errorf("got %d flags found, want at least 50", flags)
	}
}

// TestChangeIDs: an example of a change has the form that changes have.
func TestChangeIDs(t *testing.T) {
	other := regexp.MustCompile(`\b20\d{6}T\d{6}`)
	for _, c := range cmd.Command().Commands() {
		if got := other.FindString(c.Long + c.Example + c.UsageString()); got != "" {
			t.Errorf("help of %s: got %q, want the form 20261122-101500-1", c.Name(), got)
		}
	}
	for _, path := range documents(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := other.Find(data); got != nil {
			t.Errorf("%s: got %q, want the form 20261122-101500-1", path, got)
		}
	}
}

// TestExitCodesOfHelp: the help of a command lists the codes that it returns, and
// no others.
func TestExitCodesOfHelp(t *testing.T) {
	for name, want := range map[string]string{
		"setup": "0 1 2 3 4 64 130", "verify": "0 1 3 64 130", "status": "0 1 2 64 130", "rollback": "0 1 4 64 130", "demo": "0 1 3 4 64 130",
		"adopt": "0 1 64 130", "explain": "0 1 5 64 130", "detect": "0 1 64 130", "relays": "0 1 64 130", "hosts": "0 1 64 130", "unblock": "0 1 64 130",
		"exit-codes": "0 1 2 3 4 5 64 130",
	} {
		t.Run(name, func(t *testing.T) {
			c, _, err := cmd.Command().Find([]string{name})
			if err != nil {
				t.Fatal(err)
			}
			_, list, _ := strings.Cut(c.Long, "Exit codes:")
			var got []string
			for line := range strings.Lines(list) {
				if f := strings.Fields(line); len(f) > 0 && strings.Trim(f[0], "0123456789") == "" {
					got = append(got, f[0])
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("exit codes: got %v, want %s", got, want)
			}
		})
	}
}

// TestDocumentedCredentials: what is shown as a credentials file can be one.
func TestDocumentedCredentials(t *testing.T) {
	key := filepath.Join(t.TempDir(), "m365.pem") // stands for the file that a page has made before
	if err := os.WriteFile(key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range documents(t) {
		for _, f := range fences(t, path) {
			if f.lang == "ini" {
				if _, err := secret.Read(strings.NewReader(strings.ReplaceAll(f.text, "/root/m365.pem", key))); err != nil {
					t.Errorf("%s:%d: want no error, got %v", path, f.line, err)
				}
			}
		}
	}
}

const servicesMark = "<!-- services: go test ./cmd -run TestQuickstartServices -update -->\n"

// TestQuickstartServices keeps the quick start of each service as the
// catalogue has it.
func TestQuickstartServices(t *testing.T) {
	const path = "../docs/quickstart.md"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	byHand, _, _ := strings.Cut(string(data), servicesMark)
	want := byHand + servicesMark + quickstartServices(t)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(data) != want {
		t.Errorf("%s: got another text, want that of the catalogue: go test ./cmd -run TestQuickstartServices -update", path)
	}
}

func quickstartServices(t *testing.T) string {
	t.Helper()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("\n## By relay service\n\nThe services that are used most; all others, and mailbox providers, are in [relays.md](relays.md), with a page for each.\n")
	for _, r := range all {
		if r.Tier > 2 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n<!-- lab: relay=%s -->\n\n", r.Name, r.ID)
		if r.Ends != nil {
			fmt.Fprintf(&b, "Note: %s.\n\n", strings.TrimSuffix(r.Ends.Text, "."))
		}
		fmt.Fprintf(&b, "`%s.txt`:\n\n```ini\n", r.ID)
		user, pass := r.Auth.Username.Label, r.Auth.Password.Label
		if r.Auth.Username.Fixed != "" {
			user = r.Auth.Username.Fixed
		}
		fmt.Fprintf(&b, "username=%s\npassword=%s\n```\n\n```sh\n", user, pass)
		region := ""
		if r.NeedsRegion() {
			region = " --region " + r.Hosts.Example
		}
		from := "app@example.com"
		if r.IsMailbox() {
			from = cmp.Or(r.Auth.Username.Example, from)
		}
		fmt.Fprintf(&b, "sudo relayhost setup --relay %s%s --from %s --credentials-file %s.txt --yes\n```\n", r.ID, region, from, r.ID)
		if regions := r.Hosts.Regions(); len(regions) > 1 {
			fmt.Fprintf(&b, "\n`--region` is one of %s.\n", strings.Join(regions, ", "))
		}
		if r.Sender.Note != "" {
			fmt.Fprintf(&b, "\nSender: %s.\n", strings.TrimSuffix(r.Sender.Note, "."))
		}
		if page := cmp.Or(r.Auth.Where, r.Docs); page != "" {
			fmt.Fprintf(&b, "\nWhere the credentials are: <%s>\n", page)
		}
	}
	return b.String()
}
