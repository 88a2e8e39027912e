package plan_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// hop is a hop to a service of the catalogue with an account of its own.
func hop(t testing.TB, id string, port int, account string) config.Hop {
	t.Helper()
	r, err := relays.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	name, err := r.Host("")
	if err != nil {
		name, err = r.Host(r.Hosts.Example)
	}
	if err != nil {
		t.Fatalf("%s: got the error %v, want none", id, err)
	}
	mode, _ := r.TLSOf(port)
	return config.Hop{Relay: &r, Host: name, Port: port, TLS: mode, Username: account, Password: secret.New("pw-" + account)}
}

// routed are the answers with hop as the default route.
func routed(h config.Hop, routes ...config.Route) config.Config {
	first := config.Route{Name: config.DefaultRoute, From: "alerts@example.org", Hops: []config.Hop{h}}
	return config.Config{To: "ops@example.net", Routes: append([]config.Route{first}, routes...)}
}

func route(name string, senders []string, hops ...config.Hop) config.Route {
	return config.Route{Name: name, Senders: senders, Hops: hops}
}

// manyAccounts are n routes at one host, each with an account of its own.
func manyAccounts(t testing.TB, n int) []config.Route {
	var routes []config.Route
	for i := range n {
		name := fmt.Sprintf("shop%05d", i)
		routes = append(routes, route(name, []string{name + ".example"}, hop(t, "mailgun", 587, "user@"+name+".example")))
	}
	return routes
}

// routeCases are the setups of several relays, by the name of the golden file.
func routeCases(t testing.TB) map[string]config.Config {
	ses, postmark, sendgrid, mailgun := hop(t, "ses", 587, "ses"), hop(t, "postmark", 587, "pm"), hop(t, "sendgrid", 587, "apikey"), hop(t, "mailgun", 587, "mg")
	ports := routed(ses)
	ports.Routes[0].Hops = append(ports.Routes[0].Hops[:1], hop(t, "ses", 2587, "ses"))
	services := routed(ses)
	services.Routes[0].Hops = append(services.Routes[0].Hops[:1], sendgrid, mailgun)
	rewritten := routed(ses, route("shop", []string{"shop.example"}, postmark))
	rewritten.Rewrite = map[string]string{"www-data@host.example.com": "orders@shop.example", "@web1": "web@example.org"}
	return map[string]config.Config{
		"two-domains": routed(ses, route("shop", []string{"shop.example"}, postmark), route("news", []string{"news.example", "news@example.org"}, sendgrid)),
		"two-accounts": routed(mailgun, route("shop", []string{"shop.example"}, hop(t, "mailgun", 587, "shop")),
			route("blog", []string{"blog.example"}, mailgun)),
		"fail-over-ports":    ports,
		"fail-over-services": services,
		"fail-over-route": routed(ses, config.Route{Name: "shop", Senders: []string{"shop.example"}, From: "orders@shop.example",
			Hops: []config.Hop{postmark, hop(t, "ses", 587, "other")}}),
		"null-sender": routed(ses, route("shop", []string{"shop.example", config.NullSender}, mailgun)),
		"subdomains": routed(ses, route("all", []string{".example.org", "example.org"}, postmark),
			route("one", []string{"one.example.org", "root@two.example.org"}, mailgun), route("deep", []string{".deep.example.org"}, sendgrid)),
		"rewrite":   rewritten,
		"by-sender": routed(ses, manyAccounts(t, 60)...),
		"own-name":  routed(ses, route("host", []string{"host.example.com"}, postmark)),
	}
}

// TestGoldenRemoval is what happens when the routes go.
func TestGoldenRemoval(t *testing.T) {
	s, all := debian(t), routeCases(t)
	o := all["subdomains"]
	o.Routes = append(o.Routes, config.Route{Name: "other", Senders: []string{"other.example"}, Hops: []config.Hop{hop(t, "ses", 587, "other"), hop(t, "smtp2go", 587, "s2g")}})
	s.apply(build(t, s, o))
	o.Routes = o.Routes[:2]
	compare(t, filepath.Join("routes", "removal"), diff.Plan(build(t, s, o), diff.Style{}))
}

func TestGoldenRoutes(t *testing.T) {
	cases := routeCases(t)
	for name, o := range cases {
		t.Run(name, func(t *testing.T) { golden(t, filepath.Join("routes", name), o) })
	}
	files, _ := filepath.Glob(filepath.Join("testdata", "routes", "*.txt"))
	if len(files) != len(cases)+1 {
		t.Errorf("%d golden files for %d cases, want %d", len(files), len(cases), len(cases)+1)
	}
}
