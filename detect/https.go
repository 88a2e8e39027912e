package detect

import (
	"context"
	"slices"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// maxAPIs is how many APIs are tried where no relay was named.
const maxAPIs = 3

// HTTPS probes port 443 of an API as far as its verified certificate, and nothing else.
func HTTPS(ctx context.Context, o Options, relay, host string) Submission {
	r := &run{Options: o, resolved: make(chan struct{})}
	r.defaults()
	r.left.Store(1)
	return r.https(ctx, []Endpoint{{Host: host, Port: 443, TLS: relays.Implicit, Relay: relay}})[0]
}

func (r *run) https(ctx context.Context, endpoints []Endpoint) []Submission {
	s := &survey{run: r, v6: family{ipv6: true}}
	found := s.resolveAll(ctx, endpoints)
	rows := make([]Submission, len(endpoints))
	var tasks []func()
	for i, e := range endpoints {
		tasks = append(tasks, func() { rows[i] = s.submit(ctx, e, found[e.Host], smtpprobe.StepTLS) })
	}
	atOnce(tasks...)
	return rows
}

// apis are those of the relay that was named, or of the first of the catalogue, where no
// port of mail gets out: the last way that is left.
func (r *run) apis(f Facts) []Endpoint {
	if len(f.Submission) == 0 || slices.ContainsFunc(f.Submission, func(s Submission) bool { return s.Result == string(Open) }) {
		return nil
	}
	list := r.Catalog
	if r.Relay != nil {
		list = []relays.Relay{*r.Relay}
	}
	var endpoints []Endpoint
	for _, relay := range list {
		a, ok := conf.Get(relay.ID)
		if !ok || a.Tokens() || len(endpoints) == maxAPIs || r.Relay == nil && relay.Tier > 1 {
			continue
		}
		host := r.Host
		if host == "" {
			host, _ = relay.Host(r.Region)
		}
		region, _ := relay.Hosts.RegionOf(host)
		name, err := a.Host(conf.Account{Settings: map[conf.Field]string{conf.Region: region}})
		if err == nil {
			endpoints = append(endpoints, Endpoint{Host: name, Port: 443, TLS: relays.Implicit, Relay: relay.ID})
		}
	}
	return endpoints
}

// byHTTPS is the command that sets up a relay by its API; "" where none answers.
func (r *run) byHTTPS(f Facts) (command, how string) {
	for _, row := range f.HTTPS {
		if row.Result != string(Open) {
			continue
		}
		if r.Relay != nil {
			return r.withRelay("sudo relayhost setup") + " --via https", "no port of " + r.Relay.Name + " for mail works from here, but its API on port 443 does"
		}
		name := row.Relay
		if s, err := relays.Find(r.Catalog, row.Relay); err == nil {
			name = s.Name
		}
		return "sudo relayhost setup --relay " + row.Relay + " --via https", "no port for mail works from here, but APIs on port 443 do, that of " + name + " for example"
	}
	return "", ""
}
