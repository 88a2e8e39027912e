package explain

import (
	"cmp"
	"slices"
	"strings"

	"relayhost/relays"
)

// Text explains a reply, a log line, or whatever else tells of one failure, of
// one or more lines. relay is the service it came from; nil finds it out by the
// words and the host name in the text. Several causes are candidates, the
// likeliest first, between which Decide chooses. nil means that the text is
// unknown.
func Text(s string, relay *relays.Relay) []Cause {
	var causes []Cause
	for _, t := range statements(s) {
		causes = append(causes, must().match(t, relay)...)
	}
	return shown(ordered(causes))
}

// Reply explains what a server said, in answer to what a probe sent.
func Reply(code int, enhancedText, host string, relay *relays.Relay) []Cause {
	t := text{reply: oneLineReply(reply3(code) + enhancedText), host: host}
	return shown(must().match(t, relay))
}

func reply3(code int) string {
	return string([]byte{byte('0' + code/100%10), byte('0' + code/10%10), byte('0' + code%10), ' '})
}

// shown leaves out what only the state of a host can show.
func shown(causes []Cause) []Cause {
	return slices.DeleteFunc(causes, func(c Cause) bool { return c.hostOnly && !c.Confirmed })
}

// portion is a part of a text with the patterns that are for it.
type portion struct {
	s       string
	of      func(f *failure) []pattern
	rank    func(f *failure, c Cause) Cause // may be nil
	foreign bool                            // the service itself is asked first
}

// portions are those of t, in the order that they are looked at.
func portions(t text) []portion {
	return []portion{
		{t.own, func(f *failure) []pattern { return f.log }, nil, false},
		{t.reply, func(f *failure) []pattern { return f.reply }, func(f *failure, c Cause) Cause {
			if f.GenericReply {
				c.rank = max(c.rank, rankGeneric)
			}
			return c
		}, true},
		{t.program, func(f *failure) []pattern { return f.text }, func(f *failure, c Cause) Cause {
			c.rank = max(c.rank, rankText)
			if f.FirstText {
				c.rank--
			}
			switch { // what a server said goes before what a program makes of it
			case t.reply == "":
			case slices.Contains([]string{"connect", "dns", "tls"}, f.Phase):
				c.rank = max(c.rank, rankGeneric+5)
			default:
				c.rank = max(c.rank, rankText+15)
			}
			return c
		}, true},
		{t.own, func(f *failure) []pattern { return f.suspect }, func(_ *failure, c Cause) Cause {
			c.hostOnly, c.rank = true, rankFollows-1
			return c
		}, false},
	}
}

// match finds the candidates for t, the likeliest first.
func (k *knowledge) match(t text, relay *relays.Relay) []Cause {
	if c, ok := apiReply(cmp.Or(t.program, t.reply)); ok {
		c.lostBy(t)
		return []Cause{c}
	}
	services, none := k.speakers(t.reply+" "+t.program, t.host, relay)
	concerns := func(f *failure) bool {
		return len(f.Relay) == 0 || slices.ContainsFunc(services, func(r relays.Relay) bool { return slices.Contains(f.Relay, r.ID) })
	}
	var causes []Cause
	if said := cmp.Or(t.reply, t.program); said != "" {
		causes = k.serviceReply(said, services)
	}
	served := len(causes) > 0
	if served && t.reply != "" {
		causes = append(causes, k.mistakenFor(causes[0], concerns)...)
	}
	causes = k.inPortions(t, causes, served, concerns)
	if len(causes) == 0 && !none {
		causes = k.anyService(cmp.Or(t.reply, t.program), relay)
	}
	if t.reply != "" && !slices.ContainsFunc(causes, func(c Cause) bool { return !c.hostOnly }) {
		causes = append(causes, byClass(k, t)...)
	}
	for i := range causes {
		causes[i].lostBy(t)
	}
	return k.narrowed(ordered(causes))
}

// inPortions adds to causes the failures that are found in the portions of t; served
// says that the relay's own reply is explained.
func (k *knowledge) inPortions(t text, causes []Cause, served bool, concerns func(*failure) bool) []Cause {
	inbound := strings.HasPrefix(t.own, "smtpd: ") || strings.HasPrefix(t.own, "postscreen: ")
	for _, p := range portions(t) {
		if p.s == "" {
			continue
		}
		low := strings.ToLower(p.s)
		for _, f := range k.failures {
			if !concerns(f) || !f.takes(inbound) || contains(causes, f.ID) {
				continue
			}
			if p.foreign && (served && !f.First || f.Here && elsewhere(t.host)) {
				continue
			}
			if c, ok := f.in(p, low, t); ok {
				causes = append(causes, c)
			}
		}
	}
	return causes
}

// elsewhere reports whether a host is known and is not this one.
func elsewhere(host string) bool {
	return host != "" && host != "localhost" && !strings.HasPrefix(host, "127.") && !strings.HasPrefix(host, "private/") && !strings.HasPrefix(host, "/")
}

// mistakenFor are the failures that a service's own reply can be mistaken for.
func (k *knowledge) mistakenFor(c Cause, concerns func(*failure) bool) []Cause {
	var others []Cause
	for _, f := range k.failures {
		if slices.Contains(f.AmbiguousWith, c.ID) && concerns(f) {
			other := f.cause()
			other.rank = c.rank + 1
			others = append(others, other.filled(nil))
		}
	}
	return others
}

// in is the failure as a cause, when one of its patterns is in p. low is p's text
// in small letters.
func (f *failure) in(p portion, low string, t text) (Cause, bool) {
	for _, pattern := range p.of(f) {
		m := pattern.find(p.s, low)
		if m == nil {
			continue
		}
		c := f.worded(p.s, t)
		c.names = t.names()
		for i, name := range pattern.compiled().SubexpNames() {
			if name != "" && m[i] != "" {
				c.names[name] = m[i]
			}
		}
		if c.names["map"] == "" {
			c.names["map"] = c.names["table"]
		}
		c = c.filled(c.names)
		if p.rank != nil {
			c = p.rank(f, c)
		}
		return c, true
	}
	return Cause{}, false
}

// narrowed keeps the first cause, and of the others those that it can be mistaken
// for, that follow from it, or that the state of the host may show.
func (k *knowledge) narrowed(causes []Cause) []Cause {
	if len(causes) == 0 {
		return nil
	}
	first := causes[0]
	kept := causes[:1:1]
	for _, c := range causes[1:] {
		if c.consequence || c.hostOnly || k.ambiguous(first.ID, c.ID) || k.ambiguous(c.ID, first.ID) {
			kept = append(kept, c)
		}
	}
	return kept
}

// ComesOf reports whether mail that waits for c may wait for the fault with that ID, which
// was found on this host: the same, one that c can be mistaken for, or any where c only
// comes of another.
func (c Cause) ComesOf(id string) bool {
	return id != "" && (c.ID == id || c.consequence || must().ambiguous(c.ID, id) || must().ambiguous(id, c.ID))
}

func (k *knowledge) ambiguous(id, with string) bool {
	f := k.byID[id]
	return f != nil && slices.Contains(f.AmbiguousWith, with)
}

func contains(causes []Cause, id string) bool {
	return slices.ContainsFunc(causes, func(c Cause) bool { return c.ID == id })
}

// worded is the cause in the words of the variant that fits what matched, or what
// Postfix itself says around it; of another program's text, in the words for those.
func (f *failure) worded(matched string, t text) Cause {
	c := f.cause()
	if t.ofProgram() {
		c = f.Program.put(c)
	}
	for _, v := range f.Variants {
		if v.log.MatchString(matched) || v.log.MatchString(t.own) {
			return v.put(c)
		}
	}
	return c
}

// put is c in the words of v, where v has some.
func (v variant) put(c Cause) Cause {
	c.Title, c.Meaning = cmp.Or(v.Title, c.Title), cmp.Or(v.Meaning, c.Meaning)
	c.Remedy, c.Command = cmp.Or(v.Remedy, c.Remedy), cmp.Or(v.Command, c.Command)
	return c
}

// lostBy says what became of the mail: by the status of the delivery, or by the
// class of the reply that another program has met.
func (c *Cause) lostBy(t text) {
	switch t.status {
	case "bounced", "expired":
		c.Lost = true
	case "":
		if t.program != "" && t.reply != "" && slices.Contains([]string{"sender", "content", "delivery"}, c.Phase) {
			c.Lost = t.reply[0] == '5'
		}
	default: // deferred, SOFTBOUNCE, sent
		c.Lost = false
	}
}

// maxServices is how many services may share a wording before it stops to be a
// hint.
const maxServices = 3

// anyService looks a reply up among all services, for when nobody knows whose it
// is.
func (k *knowledge) anyService(reply string, relay *relays.Relay) []Cause {
	if reply == "" {
		return nil
	}
	if relay != nil {
		if r, ok := relay.MatchReply(reply); ok {
			return []Cause{fromReply(r, *relay)}
		}
		return nil
	}
	var causes []Cause
	for _, service := range catalogue() {
		if r, ok := service.MatchReply(reply); ok && !contains(causes, r.ID) {
			causes = append(causes, fromReply(r, service))
		}
	}
	if specific := slices.DeleteFunc(slices.Clone(causes), func(c Cause) bool { return c.rank >= rankGeneric }); len(specific) > 0 {
		causes = specific
	}
	if len(causes) > maxServices {
		return nil
	}
	return causes
}

// byCode are the causes of enhanced status codes (RFC 3463, RFC 5248, RFC 7372,
// RFC 7505), for a reply whose words nobody knows.
var byCode = map[string]string{
	"5.1.1": "no_such_recipient", "5.1.2": "recipient_domain_missing", "5.1.3": "no_such_recipient", "5.1.6": "no_such_recipient",
	"5.1.7": "root_at_hostname", "5.1.8": "root_at_hostname", "5.1.10": "recipient_domain_missing",
	"5.2.1": "recipient_full", "5.2.2": "recipient_full", "5.2.3": "message_too_big", "5.3.4": "message_too_big",
	"5.4.4": "recipient_domain_missing", "5.4.6": "loop_to_self", "5.4.7": "later",
	"5.5.1": "command_refused", "5.5.2": "command_refused", "5.5.4": "command_refused", "5.6.7": "smtputf8", "5.6.8": "smtputf8",
	"5.7.1": "policy_refused", "5.7.8": "auth_535_generic", "5.7.9": "auth_mechanism_refused", "5.7.10": "starttls_required", "5.7.11": "starttls_required",
	"5.7.20": "auth_alignment", "5.7.21": "auth_alignment", "5.7.22": "auth_alignment", "5.7.23": "auth_alignment",
	"5.7.24": "auth_alignment", "5.7.25": "ipv6_ptr", "5.7.26": "auth_alignment", "5.7.27": "root_at_hostname",
}

// byClass is what is left to say of a refusal whose words nobody knows: by where
// it came, by its enhanced status code, or that it is for now.
func byClass(k *knowledge, t text) []Cause {
	_, rest, _ := strings.Cut(t.reply, " ")
	code, _, _ := strings.Cut(rest, " ")
	id := byCode[code]
	switch {
	case strings.Contains(t.own, "refused to talk to me"):
		id = "turned_away"
	case id == "" && t.reply[0] == '4':
		id = "later"
	}
	if f := k.byID[id]; f != nil {
		c := f.cause().filled(nil)
		c.rank = rankGeneric
		return []Cause{c}
	}
	return nil
}

// ordered sorts by rank and order, keeps one of each cause, and leaves out what says less
// than the first: a generic cause, what follows from another one, and what
// cannot be mistaken for the first.
func ordered(causes []Cause) []Cause {
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.order, b.order)) })
	var kept []Cause
	for _, c := range causes {
		switch {
		case contains(kept, c.ID):
		case len(kept) > 0 && c.rank >= rankGeneric && kept[0].rank < rankGeneric && !c.consequence && !c.hostOnly:
		case len(kept) > 0 && c.rank >= rankNotice-5 && kept[0].rank < rankNotice-5:
		default:
			kept = append(kept, c)
		}
	}
	return kept
}
