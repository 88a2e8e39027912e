package plan_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

var update = flag.Bool("update", false, "write the golden files")

// release is a Postfix in use, with the table types of its distribution.
type release struct {
	version postfix.Version
	types   []string
	def     string
}

// The first is written in full, of the others what differs from it.
var releases = []release{
	{postfix.Version{Major: 3, Minor: 7, Patch: 11}, []string{"btree", "hash", "regexp", "static", "texthash"}, "hash"},
	{postfix.Version{Major: 3, Minor: 4}, []string{"btree", "hash", "regexp", "static", "texthash"}, "hash"},
	{postfix.Version{Major: 3, Minor: 5, Patch: 25}, []string{"btree", "hash", "regexp", "static", "texthash"}, "hash"},
	{postfix.Version{Major: 3, Minor: 10, Patch: 13}, []string{"btree", "hash", "regexp", "static", "texthash"}, "hash"},
	{postfix.Version{Major: 3, Minor: 11, Patch: 7}, []string{"btree", "cdb", "hash", "lmdb", "regexp", "static", "texthash"}, "cdb"},
}

// ways are the port modes of a service, with the first port of each.
func ways(r relays.Relay) map[relays.TLSMode]int {
	found := map[relays.TLSMode]int{}
	for _, port := range r.PortOrder() {
		if mode, ok := r.TLSOf(port); ok && mode != relays.Unsure && found[mode] == 0 {
			found[mode] = port
		}
	}
	return found
}

// answersFor are the answers that the golden files are made with.
func answersFor(t *testing.T, r relays.Relay, mode relays.TLSMode, port int) config.Config {
	t.Helper()
	name, err := r.Host("")
	if err != nil {
		name, err = r.Host(r.Hosts.Example)
	}
	if err != nil {
		t.Fatalf("%s: got the error %v, want none", r.ID, err)
	}
	user := r.Auth.Username.Fixed
	if user == "" {
		user = "user"
	}
	return routed(config.Hop{Relay: &r, Host: name, Port: port, TLS: mode, Username: user, Password: secret.New("p:a#s s")})
}

// sample are the relays whose plans are compared with files and run in the lab:
// the services that are used most, and of the others those whose limits or login
// make another plan. Plans of mailboxes differ by host and port alone.
func sample(t *testing.T) []relays.Relay {
	t.Helper()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r relays.Relay) bool {
		return r.Tier > 2 && !slices.Contains([]string{"ahasend", "emailit", "icloud"}, r.ID)
	})
}

func TestGolden(t *testing.T) {
	all := sample(t)
	n := 0
	for _, r := range all {
		for mode, port := range ways(r) {
			n++
			name := fmt.Sprintf("%s-%s", r.ID, mode)
			t.Run(name, func(t *testing.T) { golden(t, filepath.Join("golden", name), answersFor(t, r, mode, port)) })
		}
	}
	files, _ := filepath.Glob(filepath.Join("testdata", "golden", "*.txt"))
	if len(files) != n {
		t.Errorf("got %d golden files, want %d", len(files), n)
	}
	if n < 30 {
		t.Errorf("only %d ways, want at least 30", n)
	}
}

func golden(t *testing.T, name string, o config.Config) {
	var got strings.Builder
	var first plan.Plan
	for i, release := range releases {
		s := debian(t)
		s.version, s.types, s.def = release.version, release.types, release.def
		p := build(t, s, o)
		fmt.Fprintf(&got, "== Postfix %d.%d\n", release.version.Major, release.version.Minor)
		if i == 0 {
			first = p
			got.WriteString(diff.Plan(p, diff.Style{}))
			for _, note := range p.Notes {
				got.WriteString("note: " + note + "\n")
			}
			continue
		}
		for n, f := range p.Files {
			f.Before, f.Action = first.Files[n].After, plan.Modify
			if !bytes.Equal(f.Before, f.After) {
				got.WriteString(diff.File(f))
			}
		}
	}
	compare(t, name, got.String())
}

// compare holds got against the golden file of that name.
func compare(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (go test -run Golden -update writes it anew):\n%s", path,
			diff.File(plan.File{Path: path, Action: plan.Modify, Before: want, After: []byte(got)}))
	}
}
