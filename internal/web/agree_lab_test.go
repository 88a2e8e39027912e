//go:build lab

package web

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
	"relayhost/relays"
)

// TestLabPageAgreesWithSetup holds the files of the page against those that setup
// shows for the same answers on a fresh server of each Debian: line by line those that
// are added. With LAB_FULL every relay on each of its ports; otherwise some.
func TestLabPageAgreesWithSetup(t *testing.T) {
	t.Parallel()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(r relays.Relay) bool { return !r.TakesPassword() })
	for i, tt := range []struct {
		suite        lab.Suite
		distribution string
	}{{lab.Bullseye, "debian:11"}, {lab.Bookworm, "debian:12"}, {lab.Trixie, "debian:13"}, {lab.Sid, "debian"}} {
		t.Run(tt.distribution, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.On(tt.suite), lab.Postfix())
			name := strings.TrimSpace(l.Server.Shell("postconf -h myhostname"))
			if shown, real := Generate(agreeForm(tt.distribution, name, all[0], 0)).Postfix, l.Server.Shell("postconf -h mail_version"); release(shown) != release(real) {
				t.Errorf("%s: the page: got Postfix %s, want the release of %s, which the server has", tt.distribution, shown, real)
			}
			compared := 0
			for n, r := range all {
				for k, port := range r.PortOrder() {
					if os.Getenv("LAB_FULL") == "" && (n%29 != i*7 || k > 1) {
						continue
					}
					compared++
					agree(t, l, r, agreeForm(tt.distribution, name, r, port))
				}
			}
			if compared < 3 {
				t.Errorf("%d setups were compared, want 3 at least", compared)
			}
			t.Logf("%d setups compared", compared)
		})
	}
}

// release is the first two numbers of a version of Postfix: sid moves on.
func release(version string) string {
	parts := strings.Split(strings.TrimSpace(version), ".")
	return strings.Join(parts[:min(2, len(parts))], ".")
}

func agreeForm(distribution, name string, r relays.Relay, port int) Form {
	h := Hop{Relay: r.ID, Port: port}
	if r.NeedsRegion() {
		h.Region = r.Hosts.Example
	}
	return Form{Distribution: distribution, Hostname: name, Routes: []Route{{Name: "default", From: "app@example.com", Hops: []Hop{h}}}}
}

func agree(t *testing.T, l *lab.Lab, r relays.Relay, f Form) {
	t.Helper()
	h := f.Routes[0].Hops[0]
	args := []string{"relayhost", "setup", "--dry-run", "--json", "--no-probe", "--relay", r.ID, "--port", strconv.Itoa(h.Port), "--from", f.Routes[0].From}
	if h.Region != "" {
		args = append(args, "--region", h.Region)
	}
	res := l.Run(args...)
	var doc struct {
		Host  string
		Port  int
		TLS   string
		Files []struct{ Path, Action, Diff string }
	}
	if err := json.Unmarshal([]byte(res.Stdout), &doc); err != nil || res.Code != 0 {
		t.Errorf("%s %d: got %v and %s\nwant a JSON document and exit 0", r.ID, h.Port, err, res)
		return
	}
	g := Generate(f)
	if g.Error != "" || g.Host != doc.Host || g.Port != doc.Port || g.TLS != doc.TLS {
		t.Errorf("%s %d: the page has %s:%d %s %s, setup %s:%d %s, want none", r.ID, h.Port, g.Host, g.Port, g.TLS, g.Error, doc.Host, doc.Port, doc.TLS)
	}
	var page, setup strings.Builder
	for _, file := range g.Files {
		fmt.Fprintf(&page, "%s %s\n", file.Path, file.Action)
		for _, line := range file.Added {
			fmt.Fprintf(&page, "\t%s\n", line.Text)
		}
	}
	for _, file := range doc.Files {
		if file.Action == "unchanged" {
			continue
		}
		fmt.Fprintf(&setup, "%s %s\n\t%s\n", file.Path, file.Action, strings.Join(AddedLines(file.Diff), "\n\t"))
	}
	if page.String() != setup.String() {
		t.Errorf("%s %d: the page: got\n%s\nwant what setup shows:\n%s", r.ID, h.Port, page.String(), setup.String())
	}
}
