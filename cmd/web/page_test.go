//go:build web

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"relayhost/internal/postfix"
	"relayhost/internal/web"
	"relayhost/relays"
)

// TestPage is the page in a real Chromium (.ci/web): what it shows is what the
// program gives. With LAB_FULL every relay, port and distribution, and the whole
// corpus of texts.
func TestPage(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Minute)
	defer cancel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	site := filepath.Join(t.TempDir(), "site")
	if err := build(ctx, site); err != nil {
		t.Fatal(err)
	}
	size(t, site)
	file := filepath.Join(t.TempDir(), "cases.json")
	text, err := json.Marshal(cases(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	shots := filepath.Join(root, "dist", "screenshots")
	out, err := exec.CommandContext(ctx, "node", ".ci/web/test.mjs", site, file, shots).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		t.Log(strings.TrimRight(line, "\n"))
	}
	if err != nil {
		t.Errorf("the page in Chromium: %v", err)
	}
}

// maxSite is what the first load may take, compressed, in bytes.
const maxSite = 2_600_000

// size holds the bound of the first load: what a browser fetches for index.html.
func size(t *testing.T, site string) {
	t.Helper()
	total := 0
	for _, name := range []string{"index.html", "app.js", "worker.js", "style.css", "data.json", "wasm_exec.js", "relayhost.wasm.gz"} {
		data, err := os.ReadFile(filepath.Join(site, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".gz") {
			data = packed(t, data)
		}
		total += len(data)
	}
	t.Logf("figure: first load %d bytes compressed (bound %d)", total, maxSite)
	if total > maxSite {
		t.Errorf("got a first load of %d bytes, want at most %d", total, maxSite)
	}
}

type file struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

type formCase struct {
	Name  string         `json:"name"`
	Form  map[string]any `json:"form"`
	Files []file         `json:"files"`
}

type textCase struct {
	Text   string   `json:"text"`
	Relay  string   `json:"relay"`
	Causes []string `json:"causes"`
}

func cases(t *testing.T) (all struct {
	Forms []formCase `json:"forms"`
	Texts []textCase `json:"texts"`
}) {
	t.Helper()
	full := os.Getenv("LAB_FULL") != ""
	catalog, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	distributions := postfix.Distributions()
	for i, r := range catalog {
		if !r.TakesPassword() {
			continue
		}
		for k, port := range r.PortOrder() {
			for d, distribution := range distributions {
				if full || (i+k)%7 == 0 && d == (i+k)%len(distributions) {
					all.Forms = append(all.Forms, formOf(t, r, port, distribution.ID))
				}
			}
		}
	}
	for i, text := range corpus(t) {
		if full || i%15 == 0 {
			all.Texts = append(all.Texts, text)
		}
	}
	return all
}

func formOf(t *testing.T, r relays.Relay, port int, distribution string) formCase {
	t.Helper()
	hop := web.Hop{Relay: r.ID, Port: port}
	if r.Hosts.Default == "" {
		hop.Region = r.Hosts.Example
		for name := range r.Hosts.Named {
			hop.Region = name
			break
		}
	}
	f := web.Form{Distribution: distribution, Hostname: "mail.example.com", Routes: []web.Route{{Name: "default", From: "app@example.com", Hops: []web.Hop{hop}}}}
	g := web.Generate(f)
	if g.Error != "" {
		t.Fatalf("%s port %d on %s: %s", r.ID, port, distribution, g.Error)
	}
	c := formCase{Name: fmt.Sprintf("%s %d %s", r.ID, port, distribution)}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c.Form); err != nil {
		t.Fatal(err)
	}
	for _, one := range g.Files {
		var lines []string
		for _, l := range one.Added {
			lines = append(lines, l.Text)
		}
		c.Files = append(c.Files, file{one.Path, strings.Join(lines, "\n")})
	}
	return c
}

// corpus are the texts that explain is held against, with what it says of them.
func corpus(t *testing.T) (all []textCase) {
	t.Helper()
	for _, name := range []string{"corpus.jsonl", "corpus-own.jsonl"} {
		data, err := os.ReadFile(filepath.Join("internal/explain/testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var c struct{ Text, Relay string }
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if c.Text == "" || len(c.Text) > 20_000 {
				continue
			}
			one := textCase{Text: c.Text, Relay: c.Relay, Causes: []string{}}
			for _, g := range web.Explain(web.Question{Text: c.Text, Relay: c.Relay}).Groups {
				one.Causes = append(one.Causes, g.Cause.ID)
			}
			all = append(all, one)
		}
	}
	return all
}

func packed(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := compress(data)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
