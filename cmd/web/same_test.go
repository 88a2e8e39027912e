//go:build lab

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"relayhost/internal/postfix"
	"relayhost/internal/web"
	"relayhost/relays"
)

// ask puts questions to the program in the page's worker, one after another, and
// gives the documents of its answers.
func ask[Q any](t *testing.T, p *tab, name string, questions []Q) (answers []any) {
	t.Helper()
	const some = 100 // a message of the protocol has its bounds
	for len(questions) > 0 {
		n := min(some, len(questions))
		text, err := json.Marshal(questions[:n])
		if err != nil {
			t.Fatal(err)
		}
		var got []any
		p.eval(fmt.Sprintf(`(async () => { const out = []; for (const q of %s) out.push(await call(%s, q)); return out; })()`, text, quoted(name)), &got)
		answers, questions = append(answers, got...), questions[n:]
	}
	return answers
}

// same compares a document with one that has been through JSON.
func same(t *testing.T, name string, got any, want any) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, v) {
		other, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s: got %.2000s\nwant %.2000s", name, other, text)
	}
}

// TestLabPageFiles: in the browser the files are what this machine makes of the same
// form, which TestLabPageAgreesWithSetup holds against setup. Every relay, and with
// LAB_FULL every port and distribution.
func TestLabPageFiles(t *testing.T) {
	t.Parallel()
	catalog, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	distributions := postfix.Distributions()
	var forms []web.Form
	for i, r := range catalog {
		if !r.TakesPassword() {
			continue
		}
		for k, port := range r.PortOrder() {
			for d, distribution := range distributions {
				if os.Getenv("LAB_FULL") != "" || k == i%2 && d == i%len(distributions) {
					f := plain(distribution.ID, r.ID, port)
					if r.NeedsRegion() {
						f.Routes[0].Hops[0].Region = r.Hosts.Example
					}
					forms = append(forms, f)
				}
			}
		}
	}
	base, _ := serve(t, built(t))
	p := chromium(t).blank(t, base)
	p.ready("")
	for i, got := range ask(t, p, "generate", forms) {
		want := web.Generate(forms[i])
		if want.Error != "" || len(want.Files) < 3 {
			t.Errorf("%+v: %d files %s", forms[i], len(want.Files), want.Error)
		}
		same(t, fmt.Sprintf("%+v", forms[i]), got, want)
	}
	t.Logf("%d forms", len(forms))
	f := forms[0]
	p.goTo(permalink(t, f)) // and the page shows them
	p.wait("document.querySelector('.file')")
	var want []string
	for _, file := range web.Generate(f).Files {
		var lines []string
		for _, l := range file.Added {
			lines = append(lines, l.Text)
		}
		want = append(want, file.Path+"\n"+strings.Join(lines, "\n"))
	}
	if got := p.shownFiles(); got != strings.Join(want, "\n") {
		t.Errorf("the page shows\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// every is one of n of all, the last ones, which are whole logs, included.
func every[T any](n int, all []T) (some []T) {
	for i := len(all) - 1; i >= 0; i -= n {
		some = append(some, all[i])
	}
	return some
}

// TestLabPageExplains: in the browser every text that explain is held against (one of
// four without LAB_FULL) is explained as the command explains it.
func TestLabPageExplains(t *testing.T) {
	t.Parallel()
	questions := corpus(t)
	if os.Getenv("LAB_FULL") == "" { // a part of each file
		questions = every(4, questions)
	}
	base, _ := serve(t, built(t))
	p := chromium(t).blank(t, base)
	p.ready("#explain")
	known := 0
	program := command(t)
	for i, got := range ask(t, p, "explain", questions) {
		q := questions[i]
		want := web.Explain(q)
		if len(want.Groups) > 0 && want.Groups[0].Cause.ID != "" {
			known++
		}
		same(t, fmt.Sprintf("%.200q", q.Text), got, want)
		if os.Getenv("LAB_FULL") == "" && i%10 != 0 {
			continue
		}
		args := []string{"explain", "--no-host", "--json"}
		if q.Relay != "" {
			args = append(args, "--relay", q.Relay)
		}
		c := exec.CommandContext(t.Context(), program, args...)
		c.Stdin = strings.NewReader(q.Text)
		out, err := c.Output()
		var doc any
		if jsonErr := json.Unmarshal(out, &doc); jsonErr != nil {
			t.Errorf("the command, of %.200q: got %v and %s, want JSON: %v", q.Text, err, out, jsonErr)
			continue
		}
		same(t, fmt.Sprintf("the command, of %.200q", q.Text), doc, want.Document)
	}
	if want := len(questions) * 3 / 5; known < want {
		t.Errorf("%d of %d texts have a cause, want %d at least", known, len(questions), want)
	}
	t.Logf("%d texts", len(questions))
}

// corpus are the texts that explain is held against: posted ones, and logs.
func corpus(t *testing.T) (all []web.Question) {
	t.Helper()
	const dir = "internal/explain/testdata"
	for _, name := range []string{"corpus.jsonl", "corpus-own.jsonl"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var q web.Question
			if err := json.Unmarshal([]byte(line), &q); err != nil {
				t.Fatalf("%s: got %v, want a text as JSON in every line", name, err)
			}
			all = append(all, q)
		}
	}
	logs, err := filepath.Glob(filepath.Join(dir, "healthy", "*.log*"))
	if err != nil || len(logs) < 5 {
		t.Fatalf("got %d logs, %v, want at least 5", len(logs), err)
	}
	for _, name := range append(logs, filepath.Join(dir, "formats", "lines.txt")) {
		data, err := os.ReadFile(name)
		if err == nil && strings.HasSuffix(name, ".gz") {
			data, err = unpacked(data)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, web.Question{Text: string(data)})
	}
	return all
}

func unpacked(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// command is a relayhost, built where none is named.
func command(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("RELAYHOST_LAB_BINARY"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "relayhost")
	c := exec.CommandContext(t.Context(), "go", "build", "-o", path, "./cmd/relayhost")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: got %v, want no error\n%s", err, out)
	}
	return path
}
