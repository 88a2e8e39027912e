package explain

import (
	"slices"
	"strings"
	"sync"

	"relayhost/relays"
)

// Text explains a reply, a log line or a part of one. relay is the service it
// came from; nil finds it out by the host name in the text, if there is one.
// Several causes are candidates, between which Decide chooses. nil means that
// the text is unknown.
func Text(s string, relay *relays.Relay) []Cause {
	var causes []Cause
	for line := range strings.Lines(s) {
		causes = merge(causes, must().match(split(line), relay))
	}
	return causes
}

// Reply explains what a server said, in answer to what a probe sent.
func Reply(code int, enhancedText, host string, relay *relays.Relay) []Cause {
	t := text{reply: reply3(code) + enhancedText, host: host}
	return must().match(t, relay)
}

func reply3(code int) string {
	return string([]byte{byte('0' + code/100%10), byte('0' + code/10%10), byte('0' + code%10), ' '})
}

// match finds the candidates for t.
func (k *knowledge) match(t text, relay *relays.Relay) []Cause {
	if relay == nil && t.host != "" {
		relay = relayOf(t.host)
	}
	causes := k.find(t.own, false, relay)
	if t.reply != "" {
		causes = merge(causes, k.explainReply(t.reply, relay))
	}
	causes = preferSpecific(causes)
	for i := range causes {
		switch t.status {
		case "":
		case "bounced", "expired":
			causes[i].Lost = true
		default: // deferred, SOFTBOUNCE, sent
			causes[i].Lost = false
		}
	}
	return causes
}

// explainReply asks the service's own catalogue first: it knows its wording.
// Failures that share a wording with such a reply are further candidates.
func (k *knowledge) explainReply(reply string, relay *relays.Relay) []Cause {
	if relay != nil {
		if r, ok := relay.MatchReply(reply); ok && !r.Inherited {
			causes := []Cause{fromReply(r, *relay)}
			for _, f := range k.failures {
				if slices.Contains(f.AmbiguousWith, r.ID) {
					causes = append(causes, f.cause())
				}
			}
			return causes
		}
	}
	if causes := k.find(reply, true, relay); len(causes) > 0 {
		return causes
	}
	if relay != nil {
		if r, ok := relay.MatchReply(reply); ok {
			return []Cause{fromReply(r, *relay)}
		}
		return nil
	}
	return anyService(reply)
}

// maxServices is how many services may share a wording before it stops to be a
// hint.
const maxServices = 3

// anyService looks a reply up in the whole catalogue, for when nobody knows
// whose it is.
func anyService(reply string) []Cause {
	var causes []Cause
	for _, relay := range catalogue() {
		r, ok := relay.MatchReply(reply)
		if !ok || slices.ContainsFunc(causes, func(c Cause) bool { return c.ID == r.ID }) {
			continue
		}
		causes = append(causes, fromReply(r, relay))
	}
	causes = preferSpecific(causes)
	if len(causes) > maxServices {
		return nil
	}
	return causes
}

// find runs the patterns whose literals occur in s.
func (k *knowledge) find(s string, reply bool, relay *relays.Relay) []Cause {
	if s == "" {
		return nil
	}
	var tried map[*failure]bool // those found already
	var found []int
	run(k.scan, s, func(e entry) {
		if e.failure < 0 || e.reply != reply {
			return
		}
		f := k.failures[e.failure]
		if tried[f] || !f.concerns(relay) {
			return
		}
		re := f.log
		if reply {
			re = f.reply
		}
		if !re[e.pattern].MatchString(s) {
			return
		}
		if tried == nil {
			tried = map[*failure]bool{}
		}
		tried[f] = true
		found = append(found, e.failure)
	})
	slices.Sort(found)
	var causes []Cause
	for _, i := range found {
		causes = append(causes, k.failures[i].cause())
	}
	return causes
}

// concerns reports whether f can be the cause at this service. What only one
// service does is left out as soon as another one is known to speak.
func (f *failure) concerns(relay *relays.Relay) bool {
	return len(f.Relay) == 0 || relay == nil || slices.Contains(f.Relay, relay.ID)
}

// preferSpecific drops the generic causes where there are others.
func preferSpecific(causes []Cause) []Cause {
	specific := slices.DeleteFunc(slices.Clone(causes), func(c Cause) bool { return c.generic })
	if len(specific) > 0 {
		return specific
	}
	return causes
}

// merge appends to causes those of more that are not in it.
func merge(causes, more []Cause) []Cause {
	for _, c := range more {
		if !slices.ContainsFunc(causes, func(x Cause) bool { return x.ID == c.ID }) {
			causes = append(causes, c)
		}
	}
	return causes
}

var catalogue = sync.OnceValue(func() []relays.Relay {
	list, _ := relays.Catalog() // the embedded catalogue is held by its own tests
	return list
})

// hosts remembers whose a host name is; a log has few of them.
var hosts sync.Map // string -> *relays.Relay

func relayOf(host string) *relays.Relay {
	if r, ok := hosts.Load(host); ok {
		return r.(*relays.Relay)
	}
	r, _, ok := relays.ByHost(catalogue(), host)
	if !ok {
		return nil // foreign names are not kept: there may be any number of them
	}
	hosts.Store(host, &r)
	return &r
}
