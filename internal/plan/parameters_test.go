package plan_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/relays"
)

// row is the first column of a table in docs/parameters.md.
var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]+ \\| [^|]+ \\| [^|]+ \\|$")

// The page lists what is rendered, and nothing else.
func TestParametersArePublished(t *testing.T) {
	page, err := os.ReadFile("../../docs/parameters.md")
	if err != nil {
		t.Fatal(err)
	}
	mainPart, masterPart, _ := strings.Cut(string(page), "\n## master.cf")
	published := map[string]map[string]bool{"main.cf": {}, "master.cf": {}}
	for name, part := range map[string]string{"main.cf": mainPart, "master.cf": masterPart} {
		for _, m := range row.FindAllStringSubmatch(part, -1) {
			published[name][m[1]] = true
		}
	}
	rendered := map[string]map[string]bool{"main.cf": {}, "master.cf": {}}
	for _, c := range everyCase(t) {
		collect(t, c.host, build(t, c.host, c.answers), rendered)
	}
	for name := range published {
		got, want := slices.Sorted(maps.Keys(published[name])), slices.Sorted(maps.Keys(rendered[name]))
		if !slices.Equal(got, want) {
			t.Errorf("%s: docs/parameters.md lists\n%q\nthe plans set\n%q", name, got, want)
		}
	}
}

type hostCase struct {
	host    *server
	answers config.Config
}

// everyCase is every way of every service, and every answer that makes a
// parameter appear.
func everyCase(t *testing.T) []hostCase {
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	var cases []hostCase
	for _, r := range all {
		for mode, port := range ways(r) {
			cases = append(cases, hostCase{debian(t), answersFor(t, r, mode, port)})
		}
	}
	limits := func(l relays.Limits) config.Config {
		return options(func(o *config.Config) { o.First().Relay = service(func(r *relays.Relay) { r.Limits = l }) })
	}
	noScache := debian(t)
	noScache.files[masterPath] = strings.Replace(noScache.files[masterPath], "scache    unix", "#scache    unix", 1)
	cases = append(cases,
		hostCase{debian(t), options(func(o *config.Config) { o.First().Pin = strings.Repeat("00", 32) })},
		hostCase{debian(t), options(func(o *config.Config) { o.First().Connections, o.Direct = 100, []string{"corp.test"} })},
		hostCase{debian(t), limits(relays.Limits{MessagesPerConnection: 10, Recipients: 5, RatePerSecond: 0.5})},
		hostCase{debian(t), options(func(o *config.Config) {
			o.First().Username, o.First().Relay = "", service(func(r *relays.Relay) { r.Auth.Mechanisms = nil })
		})},
		hostCase{debian(t).set("mydestination", "").set("myhostname", "vm"), options()},
		hostCase{noScache.set("smtp_tls_connection_reuse", "yes"), options()},
		hostCase{&server{postfix.Version{Major: 3, Minor: 10}, debian(t).files, debian(t).types, "hash"}, options()},
		hostCase{debian(t, "relayhost = [old.test]"), options(func(o *config.Config) { o.First().NoVerify = true })},
		hostCase{debian(t, "sender_dependent_relayhost_maps = hash:/x"), options()},
	)
	for _, o := range routeCases(t) {
		cases = append(cases, hostCase{debian(t), o})
	}
	for name, value := range map[string]string{
		"tls_append_default_CA": "yes", "smtp_fallback_relay": "x", "smtp_sasl_auth_soft_bounce": "no", "smtp_skip_5xx_greeting": "no",
		"smtp_never_send_ehlo": "yes", "smtp_discard_ehlo_keywords": "auth", "smtp_sasl_type": "dovecot", "inet_protocols": "",
		"smtp_sasl_password_result_delimiter": "|", "smtp_tls_per_site": "hash:/x", "smtp_tls_trust_anchor_file": "/x", "smtp_tls_mandatory_ciphers": "null", "smtp_cname_overrides_servername": "yes",
		"smtp_connection_cache_on_demand": "no",
	} {
		cases = append(cases, hostCase{debian(t).set(name, value), options()})
	}
	return cases
}

// collect adds what p sets that the host did not have.
func collect(t *testing.T, s *server, p plan.Plan, into map[string]map[string]bool) {
	t.Helper()
	before, err := postfix.ParseMain([]byte(s.files[mainPath]))
	if err != nil {
		t.Fatal(err)
	}
	after, err := postfix.ParseMain([]byte(text(t, p, mainPath)))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range after.Names() {
		was, _ := before.Get(name)
		if is, _ := after.Get(name); is != was {
			for _, w := range p.Routes {
				if after, ok := strings.CutPrefix(name, w.Service); ok {
					name = "<service>" + after
				}
			}
			into["main.cf"][name] = true
		}
	}
	master, err := postfix.ParseMaster([]byte(text(t, p, masterPath)))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range master.Services() {
		if strings.HasPrefix(entry.Name, plan.ServicePrefix) {
			for _, o := range entry.Options {
				into["master.cf"][o.Name] = true
			}
		}
	}
}
