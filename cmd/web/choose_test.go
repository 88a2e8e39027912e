//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"relayhost/relays"
)

// TestChoose: the page has the table of docs/relays.md, each row with a link to the
// relay's page.
func TestChoose(t *testing.T) {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{files: map[string][]byte{}}
	if err := s.pages(context.Background()); err != nil {
		t.Fatal(err)
	}
	page := string(s.files["relays.html"])
	for _, r := range relays.Rows(all) {
		if s.files["relay/"+r.ID+".html"] == nil {
			t.Errorf("relay %s: got no page, want relay/%[1]s.html", r.ID)
		}
		want := fmt.Sprintf(`<th scope="row"><a href="relay/%s.html">%[1]s</a></th><td>%s</td><td>%s</td><td>%s</td><td>%s</td>`, r.ID, r.Name, r.Free, r.Domain, r.Ports)
		if !strings.Contains(page, strings.ReplaceAll(strings.ReplaceAll(want, "&", "&amp;"), "+", "&#43;")) {
			t.Errorf("got no row %s", want)
		}
	}
	if got, want := strings.Count(page, "<tr>"), len(all)+2; got != want {
		t.Errorf("got %d rows, want %d", got, want)
	}
	if !strings.Contains(string(s.files["lookup.html"]), `href="relays.html"`) {
		t.Error("lookup.html: got no link to relays.html, want one")
	}
}
