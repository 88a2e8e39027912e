package detect

import (
	"fmt"
	"slices"
	"strings"

	"relayhost/relays"
)

// Choice is a relay service as it looks from this host.
type Choice struct {
	Relay  string         `json:"relay"`
	Region string         `json:"region,omitempty"`
	Port   int            `json:"port"` // 0 when none of its ports is reachable
	TLS    relays.TLSMode `json:"tls,omitempty"`
	Works  Reach          `json:"works"`
	Reason string         `json:"reason"` // one sentence
}

// Reach says whether a port is reachable from this host.
type Reach string

// What is known of a port, best first.
const (
	ReachSeen    Reach = "seen"    // something answered on it
	ReachLikely  Reach = "likely"  // the provider is known and does not block it
	ReachUnknown Reach = "unknown" // neither probed nor known
	ReachDenied  Reach = "denied"  // the provider blocks it by default
	ReachClosed  Reach = "closed"  // nothing came back
)

var reachOrder = []Reach{ReachSeen, ReachLikely, ReachUnknown, ReachDenied, ReachClosed}

func (r Reach) rank() int { return slices.Index(reachOrder, r) }

// Rank orders services for this host by what is really reachable, then by the
// provider's policy; the provider's own service goes first among equals, then
// the order of the list. A service with Port 0 cannot be reached from here.
func Rank(f Facts, services []relays.Relay) []Choice {
	entry, _ := HostByID(f.Host.Provider)
	choices := make([]Choice, 0, len(services))
	for _, s := range services {
		if s.TakesPassword() { // no other can be set up
			choices = append(choices, f.choose(entry, s))
		}
	}
	slices.SortStableFunc(choices, func(a, b Choice) int {
		if d := a.Works.rank() - b.Works.rank(); d != 0 {
			return d
		}
		return own(b, entry) - own(a, entry)
	})
	return choices
}

// Best is the first choice whose setup needs nothing that is not known: of
// those that are equally reachable, one without a region or with ours. ok is
// false when none is reachable.
func Best(choices []Choice, services []relays.Relay) (best Choice, ok bool) {
	for _, c := range choices {
		if c.Port == 0 || c.Works != choices[0].Works {
			break
		}
		s, err := relays.Find(services, c.Relay)
		if err == nil && (c.Region != "" || !s.NeedsRegion()) {
			return c, true
		}
	}
	if len(choices) == 0 || choices[0].Port == 0 {
		return Choice{}, false
	}
	return choices[0], true
}

// Command sets the choice up, as typed by root.
func (c Choice) Command() string {
	command := "relayhost setup --relay " + c.Relay
	if c.Region != "" {
		command += " --region " + c.Region
	}
	return command
}

func own(c Choice, entry HostEntry) int {
	if c.Relay != "" && c.Relay == entry.Relay {
		return 1
	}
	return 0
}

// choose takes the first of the service's ports, in its own order, that looks
// best from here.
func (f Facts) choose(entry HostEntry, s relays.Relay) Choice {
	c := Choice{Relay: s.ID, Works: ReachClosed}
	if s.ID == entry.Relay && f.Host.Region != "" {
		if _, err := s.Host(f.Host.Region); err == nil && s.NeedsRegion() {
			c.Region = f.Host.Region
		}
	}
	for _, port := range s.PortOrder() {
		reach := f.reach(entry, s.ID, port)
		if reach.rank() >= c.Works.rank() {
			continue
		}
		c.Port, c.Works = port, reach
		c.TLS, _ = s.TLSOf(port)
	}
	c.Reason = f.reason(entry, s, c)
	return c
}

// reach says what is known of a port: the service's own answer, else any
// answer on that port, else the policy of the provider.
func (f Facts) reach(entry HostEntry, relay string, port int) Reach {
	other := Reach("")
	for _, row := range f.Submission {
		if row.Port != port || row.Result == string(NotProbed) || row.Result == string(DNSFailed) {
			continue
		}
		seen := ReachClosed
		if row.Result == "open" || row.Step != "" && row.Step != "connect" {
			seen = ReachSeen
		}
		if row.Relay == relay {
			return seen
		}
		if other == "" || seen == ReachSeen {
			other = seen
		}
	}
	switch {
	case other != "":
		return other
	case f.Port25.Verdict == Offline:
		return ReachClosed
	case slices.Contains(entry.Policy.Blocked, port):
		return ReachDenied
	case slices.Contains(entry.Policy.Open, port):
		return ReachLikely
	case len(entry.Policy.Blocked) == len(mailPorts):
		return ReachDenied // who closes 2525 as well leaves no port for mail
	// Ports of one service's own invention (2465, 2587) are in no list.
	case len(entry.Policy.Blocked) > 0 && !slices.Contains(mailPorts, port):
		return ReachLikely
	default:
		return ReachUnknown
	}
}

func (f Facts) reason(entry HostEntry, s relays.Relay, c Choice) string {
	var why string
	switch c.Works {
	case ReachSeen:
		why = fmt.Sprintf("port %d answers from here", c.Port)
	case ReachLikely:
		why = fmt.Sprintf("port %d is not among those that %s blocks (as of %s)", c.Port, entry.Name, entry.Policy.AsOf)
	case ReachDenied:
		return fmt.Sprintf("%s blocks port %d by default (as of %s), and %s has no other that is reachable", entry.Name, c.Port, entry.Policy.AsOf, s.Name)
	case ReachClosed:
		return "none of " + s.Name + "'s ports is reachable from this host"
	default:
		why = fmt.Sprintf("port %d has not been tried", c.Port)
	}
	if shut := f.shut(entry, s, c); len(shut) > 0 {
		why += ", while " + strings.Join(shut, " and ") + " would not be reachable"
	}
	switch {
	case c.Region != "":
		why += ", and the service is in this server's own region, " + c.Region
	case own(c, entry) == 1:
		why += ", and the service is of the same provider"
	}
	return why
}

// shut lists the service's ports that would not be reachable.
func (f Facts) shut(entry HostEntry, s relays.Relay, c Choice) []string {
	var list []string
	for _, port := range s.PortOrder() {
		if r := f.reach(entry, s.ID, port); port != c.Port && (r == ReachClosed || r == ReachDenied) {
			list = append(list, fmt.Sprint(port))
		}
	}
	return list
}
