package api_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"relayhost/internal/bridge/api"
)

// row is an API in the table of docs/https.md.
func row(a api.API) string {
	takes := "fields"
	if a.Whole {
		takes = "whole message"
	}
	envelope := "envelope"
	if a.ByHeader || !a.Whole {
		envelope = "headers"
	}
	var needs []string
	for _, f := range a.Needs {
		needs = append(needs, string(f))
	}
	if a.Tokens() {
		needs = append(needs, "OAuth")
	}
	if a.Signed() {
		needs = append(needs, "AWS keys or role")
	}
	yes := map[bool]string{true: "yes", false: "no"}
	return fmt.Sprintf("| [%s](%s) | `%s` | %s | %s | %.1f MB | %d | %s | %s | %s |", a.Name, a.Source, a.ID, takes, envelope,
		float64(a.Limits.Bytes)/1e6, a.Limits.Recipients, yes[a.Keyed], yes[a.HasCheck()], strings.Join(needs, ", "))
}

// TestDocs: the table of the documentation is what the program does.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../../docs/https.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range api.All() {
		if !strings.Contains(string(text), row(a)+"\n") {
			t.Errorf("docs/https.md: got no row for %s, want\n%s", a.ID, row(a))
		}
	}
}
