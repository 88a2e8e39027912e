package explain

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"relayhost/internal/lazy"
	"relayhost/relays"
)

// voices are the words by which a service shows who it is (voices.toml).
type voices struct {
	Voices []struct {
		Relays []string `toml:"relays"`
		Sure   []string `toml:"sure"` // nobody else says so
		Hint   []string `toml:"hint"` // others might, so that a host name or --relay comes first
		Source string   `toml:"source"`

		sure, hint []pattern
	} `toml:"voices"`
	// Wordings are further texts of a reply that the catalogue of services knows.
	Wordings []struct {
		Relay  string   `toml:"relay"`
		ID     string   `toml:"id"`
		Match  []string `toml:"match"`
		Source string   `toml:"source"`

		match []pattern
	} `toml:"wordings"`
	// Weak are replies that say less than another one in the same text.
	Weak []string `toml:"weak"`
}

func (v *voices) compile() error {
	for i := range v.Voices {
		x := &v.Voices[i]
		for _, list := range []struct {
			from []string
			to   *[]pattern
		}{{x.Sure, &x.sure}, {x.Hint, &x.hint}} {
			for _, s := range list.from {
				p, err := newPattern("(?is)" + s)
				if err != nil {
					return fmt.Errorf("voices.toml: %w", err)
				}
				*list.to = append(*list.to, p)
			}
		}
	}
	for i := range v.Wordings {
		x := &v.Wordings[i]
		for _, s := range x.Match {
			p, err := newPattern("(?is)" + s)
			if err != nil {
				return fmt.Errorf("voices.toml: %w", err)
			}
			x.match = append(x.match, p)
		}
	}
	return nil
}

func anyMatches(list []pattern, s, low string) bool {
	return slices.ContainsFunc(list, func(p pattern) bool { return p.find(s, low) != nil })
}

// speakers finds out which services can have said a reply: by its own words,
// then by the name of the host, then by what the caller knows, then by words
// that others might use as well. none is true when the host is named and is of
// no service that we know.
func (k *knowledge) speakers(said, host string, relay *relays.Relay) (list []relays.Relay, none bool) {
	if exchanger.MatchString(host) {
		return nil, true // where a provider takes mail in, it has other rules than its submission service
	}
	low := strings.ToLower(said)
	for _, sure := range []bool{true, false} {
		for _, v := range k.voices.Voices {
			patterns := v.hint
			if sure {
				patterns = v.sure
			}
			if !anyMatches(patterns, said, low) {
				continue
			}
			for _, r := range catalogue() {
				if slices.Contains(v.Relays, r.ID) {
					list = append(list, r)
				}
			}
			// Where the words name several, the host decides between them.
			for _, known := range []*relays.Relay{relayOf(host), relay} {
				if known != nil && slices.Contains(v.Relays, known.ID) {
					return []relays.Relay{*known}, false
				}
			}
			return list, false
		}
		if !sure {
			return nil, host != ""
		}
		if r := relayOf(host); r != nil {
			return []relays.Relay{*r}, false
		}
		if relay != nil {
			return []relays.Relay{*relay}, false
		}
	}
	return nil, false
}

// exchanger is what the hosts are called that take in the mail of a domain.
var exchanger = lazy.MustCompile(`(?i)(^|\.)(mx|mta)[a-z]{0,2}[\d.-]|\.mail\.protection\.(outlook|office365)\.|^[\w-]*aspmx|smtp-in\.|\.olc\.protection\.|^mx`)

var catalogue = sync.OnceValue(func() []relays.Relay {
	list, _ := relays.Catalog() // the embedded catalogue is held by its own tests
	return list
})

// hosts remembers whose a host name is; a log has few of them.
var hosts sync.Map // string -> *relays.Relay

func relayOf(host string) *relays.Relay {
	if host == "" {
		return nil
	}
	if r, ok := hosts.Load(host); ok {
		return r.(*relays.Relay)
	}
	r, _, ok := relays.ByHost(catalogue(), host)
	if !ok {
		return nil // foreign names are not stored: there may be any number of them
	}
	hosts.Store(host, &r)
	return &r
}

var hostName = lazy.MustCompile(`[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)+`)

// hostIn finds the first name in a text of another program that is a host of a
// service that we know; "" without one.
func hostIn(s string) string {
	for _, name := range hostName.FindAllString(s[:min(len(s), 8<<10)], 200) {
		if relayOf(strings.ToLower(name)) != nil {
			return strings.ToLower(name)
		}
	}
	return ""
}

// serviceReply looks a reply up among the own replies of services.
func (k *knowledge) serviceReply(reply string, services []relays.Relay) []Cause {
	low := strings.ToLower(reply)
	for _, service := range services {
		for _, w := range k.voices.Wordings {
			if w.Relay != service.ID || !anyMatches(w.match, reply, low) {
				continue
			}
			for _, r := range service.Replies {
				if r.ID == w.ID {
					return []Cause{k.ofService(r, service)}
				}
			}
		}
		if r, ok := service.MatchReply(reply); ok && !r.Inherited {
			return []Cause{k.ofService(r, service)}
		}
	}
	return nil
}

func (k *knowledge) ofService(r relays.Reply, service relays.Relay) Cause {
	c := fromReply(r, service)
	if slices.Contains(k.voices.Weak, r.ID) {
		c.rank = rankText + 5
	}
	return c
}
