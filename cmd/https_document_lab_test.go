//go:build lab

package cmd_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// apiOf is how an administrator sets the API of a relay up, Amazon SES by its role.
func apiOf(t *testing.T, id string) apiSetup {
	t.Helper()
	list := append(apiSetups(), apiSetup{id: "ses", host: "email.eu-west-1.amazonaws.com"})
	i := slices.IndexFunc(list, func(a apiSetup) bool { return a.id == id })
	if i < 0 {
		t.Fatalf("got no setup by the API of %q, want one", id)
	}
	return list[i]
}

// TestLabHTTPSDocument: what docs/https.md says the file of --credentials-file holds is
// what each API is set up with, and its command does so for every relay that it says it
// does. TestLabDocuments executes its commands as they stand.
func TestLabHTTPSDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/https.md")
	if err != nil {
		t.Fatal(err)
	}
	holds := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			holds[strings.Trim(cells[1], " `")] = cells[2]
		}
	}
	for _, a := range apiSetups() {
		words, ok := holds[a.id]
		if !ok {
			words = holds["all others"]
		}
		for line := range strings.Lines(a.credentials) {
			key, _, _ := strings.Cut(line, "=")
			if key != "password" && !strings.Contains(words, "`"+key+"=") { // which counts as api_key for some, as the page says
				t.Errorf("%s: got %q in the table of files, want %s= in it", a.id, words, key)
			}
		}
	}
	if !fullTable() {
		return
	}
	for _, s := range scenes(t, "../docs/https.md") {
		if s.api != "brevo" {
			continue
		}
		first := s.blocks[0]
		for _, a := range apiSetups() {
			if a.id == s.api {
				continue // TestLabDocuments
			}
			one := scene{api: a.id, blocks: []fence{first}}
			one.blocks[0].text = strings.ReplaceAll(first.text, s.api, a.id)
			if a.region != "" {
				one.blocks[0].text = strings.ReplaceAll(one.blocks[0].text, "--via https", "--via https --region "+a.region)
			}
			t.Run(a.id, func(t *testing.T) {
				t.Parallel()
				one.play(t)
			})
		}
	}
}
