package plan_test

import (
	"os"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// docs/configuration.md shows what a plan of the plain case writes: the lines of
// main.cf, and the entries of master.cf. What Debian's main.cf makes necessary beside
// them (smtp_tls_CApath) the page names in words.
func TestConfigurationPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	ses, err := relays.Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	s := debian(t)
	s.version = postfix.Version{Major: 3, Minor: 10}
	p := build(t, s, options(func(o *config.Config) {
		h := o.First()
		h.Relay, h.Region, h.Host = &ses, "eu-west-1", "email-smtp.eu-west-1.amazonaws.com"
	}))
	for _, path := range []string{mainPath, masterPath} {
		t.Run(path, func(t *testing.T) {
			_, ours, found := strings.Cut(text(t, p, path), "# Set by relayhost; see /etc/relayhost/relayhost.toml\n")
			if !found {
				t.Fatalf("want lines of ours, got\n%s", text(t, p, path))
			}
			var want []string
			for line := range strings.Lines(ours) {
				if line = strings.Join(strings.Fields(line), " "); line != "" && line != "-o smtp_tls_CApath=" {
					want = append(want, line)
				}
			}
			_, section, _ := strings.Cut(string(page), "\n## "+path[strings.LastIndexByte(path, '/')+1:]+"\n")
			_, section, _ = strings.Cut(section, "```text\n")
			section, _, _ = strings.Cut(section, "```")
			var got []string
			for line := range strings.Lines(section) {
				got = append(got, strings.Join(strings.Fields(line), " "))
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("docs/configuration.md, %s:\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}
