package relays

import (
	"fmt"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"time"

	"relayhost/internal/mailaddr"
)

// problem is a mistake at a key of a file.
type problem struct{ key, message string }

// checker collects what is wrong with one relay.
type checker struct {
	problems []problem
	sources  map[string]Source
}

func (c *checker) bad(key, format string, args ...any) {
	c.problems = append(c.problems, problem{key, fmt.Sprintf(format, args...)})
}

// validate returns every mistake that decoding alone does not see.
func validate(r Relay) []problem {
	c := &checker{sources: r.Sources}
	if !validID(r.ID) {
		c.bad("id", "%q: want 1 to 32 of a-z, 0-9 and -, a letter first", r.ID)
	}
	c.text("name", r.Name, true)
	if r.Docs != "" {
		c.url("docs", r.Docs)
	}
	c.oneOf("kind", r.Kind, "", Service, Mailbox)
	if e := r.Ends; e != nil {
		c.note("ends", Note{e.Text, e.Source})
		c.text("ends.instead", e.Instead, false)
		for i, line := range e.Again {
			c.text(fmt.Sprintf("ends.again[%d]", i), line, true)
		}
	}
	if f := r.Free; f != nil {
		c.oneOf("free.per", f.Per, "day", "month")
		if f.Messages < 1 {
			c.bad("free.messages", "want the number of messages that are free")
		}
		c.text("free.note", f.Note, false)
		c.source("free.source", f.Source)
	}
	if r.Asks != nil {
		c.note("asks", *r.Asks)
	}
	if r.HTTPS != nil {
		c.note("https", *r.HTTPS)
	}
	c.ehlo(r.EHLO)
	for i, n := range r.Notes {
		c.note(fmt.Sprintf("notes[%d]", i), n)
	}
	c.hosts(r.Hosts)
	c.ports(r)
	c.auth(r.Auth)
	c.limits(r.Limits)
	c.sender(r.Sender)
	c.dns(r.DNS)
	if r.Test != nil {
		c.test(*r.Test)
	}
	c.replies("replies", r.Replies)
	if r.API != nil {
		c.api(*r.API)
	}
	c.sourceTables()
	return c.problems
}

func validID(id string) bool {
	if len(id) == 0 || len(id) > 32 || id[0] < 'a' || id[0] > 'z' {
		return false
	}
	return strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && !strings.HasSuffix(id, "-")
}

// validHost accepts host names with at least one dot, and addresses: a smarthost
// may be known by one only.
func validHost(h string) bool {
	return strings.ContainsAny(h, ".:") && mailaddr.IsHost(h)
}

// text holds what is printed to one line without control characters.
func (c *checker) text(key, s string, required bool) {
	if required && strings.TrimSpace(s) == "" {
		c.bad(key, "is missing")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
		c.bad(key, "has a control character or line break")
	}
}

func (c *checker) url(key, s string) {
	c.text(key, s, false)
	if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		c.bad(key, "%q is not a web address", s)
	}
}

func (c *checker) note(key string, n Note) {
	c.text(key+".text", n.Text, true)
	c.source(key+".source", n.Source)
}

func (c *checker) source(key, id string) {
	if id == "" {
		return
	}
	if _, ok := c.sources[id]; !ok {
		c.bad(key, "no table [source.%s] in this file", id)
	}
}

func (c *checker) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		c.bad(key, "%q: want one of %s", value, strings.Join(slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" }), ", "))
	}
}

// wholes keeps what whole said of an expression: most files share a few.
var wholes sync.Map // string -> string

// whole checks an expression that must match a whole text. It is parsed only:
// most of them are never used in a run.
func (c *checker) whole(key, pattern string) {
	said, ok := wholes.Load(pattern)
	if !ok {
		said = wholeProblem(pattern)
		wholes.Store(pattern, said)
	}
	if said != "" {
		c.bad(key, "%s", said)
	}
}

func wholeProblem(pattern string) string {
	re, err := syntax.Parse(pattern, syntax.Perl)
	switch {
	case err != nil:
		return err.Error()
	case !anchored(re):
		return "not anchored: want ^ at its beginning and $ at its end, in every alternative"
	}
	return ""
}

func (c *checker) hosts(h Hosts) {
	if h.Default == "" && h.Pattern == "" && len(h.Named) == 0 {
		c.bad("hosts", "needs default, pattern or named")
	}
	if h.Default != "" {
		c.host("hosts.default", h.Default)
	}
	for name, host := range h.Named {
		if !validID(name) {
			c.bad("hosts.named."+name, "want a-z, 0-9 and - in the name of a region")
		}
		c.host("hosts.named."+name, host)
	}
	for i, host := range h.Old {
		c.host(fmt.Sprintf("hosts.old[%d]", i), host)
	}
	if h.Accept != "" {
		c.whole("hosts.accept", h.Accept)
	}
	c.regions(h)
	c.source("hosts.source", h.Source)
	for name, id := range h.Sources {
		if _, ok := h.Named[name]; !ok {
			c.bad("hosts.sources."+name, "no such name under hosts.named")
		}
		c.source("hosts.sources."+name, id)
	}
}

func (c *checker) host(key, host string) {
	if !validHost(host) {
		c.bad(key, "%q is not a host name", host)
	}
}

func (c *checker) regions(h Hosts) {
	if h.Pattern != "" {
		if strings.Count(h.Pattern, "<region>") != 1 || !validHost(strings.Replace(h.Pattern, "<region>", "x", 1)) {
			c.bad("hosts.pattern", "%q: want a host name with <region> in it once", h.Pattern)
		}
		if h.Region == "" {
			c.bad("hosts.region", "is missing: the expression that a region must match")
		}
		if h.Example == "" {
			c.bad("hosts.example", "is missing: a region that exists")
		}
	}
	if h.Region != "" {
		c.whole("hosts.region", h.Region)
	}
	if _, named := h.Named[h.Example]; h.Example != "" && !named && (h.Region == "" || !matches(h.Region, h.Example)) {
		c.bad("hosts.example", "%q is no region by this file's own rule", h.Example)
	}
}

func (c *checker) ports(r Relay) {
	if len(r.Ports) == 0 {
		c.bad("ports", "is missing: at least one [[ports]]")
	}
	seen := map[int]bool{}
	for i, p := range r.Ports {
		key := fmt.Sprintf("ports[%d].", i)
		if p.Port < 1 || p.Port > 65535 {
			c.bad(key+"port", "%d is not a port (1 to 65535)", p.Port)
		} else if seen[p.Port] {
			c.bad(key+"port", "%d is named twice", p.Port)
		}
		seen[p.Port] = true
		c.oneOf(key+"tls", string(p.TLS), string(StartTLS), string(Implicit), string(Unsure))
		c.text(key+"note", p.Note, false)
		c.source(key+"source", p.Source)
	}
	for i, p := range r.Order {
		if !seen[p] || slices.Contains(r.Order[:i], p) {
			c.bad(fmt.Sprintf("order[%d]", i), "%d is not under [[ports]], or twice in the order", p)
		}
	}
}

func (c *checker) auth(a Auth) {
	for i, m := range a.Mechanisms {
		if m == "" || strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			c.bad(fmt.Sprintf("auth.mechanisms[%d]", i), "%q is not a SASL mechanism (RFC 4422: upper case)", m)
		}
	}
	for field, cr := range map[string]Credential{"username": a.Username, "password": a.Password} {
		key := "auth." + field + "."
		c.text(key+"label", cr.Label, len(a.Mechanisms) > 0)
		c.text(key+"fixed", cr.Fixed, false)
		c.text(key+"example", cr.Example, false)
		if cr.Pattern != "" {
			c.whole(key+"pattern", cr.Pattern)
			if cr.Fixed != "" && !matches(cr.Pattern, cr.Fixed) {
				c.bad(key+"fixed", "does not match the pattern beside it")
			}
		}
		c.source(key+"source", cr.Source)
	}
	if a.Password.Fixed != "" {
		c.bad("auth.password.fixed", "a password is never the same for every customer")
	}
	if strings.Contains(a.Username.Fixed, ":") {
		c.bad("auth.username.fixed", "a Postfix password map cannot store a user name with a colon")
	}
	c.oneOf("auth.derive", a.Derive, "", "ses")
	if a.Where != "" {
		c.url("auth.where", a.Where)
	}
	c.source("auth.source", a.Source)
	for i, w := range a.Wrong {
		key := fmt.Sprintf("auth.wrong[%d].", i)
		c.oneOf(key+"field", w.Field, "username", "password")
		c.whole(key+"pattern", w.Pattern)
		c.text(key+"message", w.Message, true)
		c.source(key+"source", w.Source)
	}
}

func (c *checker) ehlo(e EHLO) {
	for table, words := range map[string][]string{"offers": e.Offers, "lacks": e.Lacks} {
		for i, w := range words {
			if w == "" || strings.Trim(w, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
				c.bad(fmt.Sprintf("ehlo.%s[%d]", table, i), "%q is not a keyword of EHLO (upper case)", w)
			} else if table == "lacks" && slices.Contains(e.Offers, w) {
				c.bad(fmt.Sprintf("ehlo.lacks[%d]", i), "%s is under offers as well", w)
			}
		}
	}
	c.source("ehlo.source", e.Source)
}

func (c *checker) limits(l Limits) {
	numbers := l.numbers()
	for key, n := range numbers {
		if n < 0 {
			c.bad("limits."+key, "is negative")
		}
	}
	for i, n := range l.Notes {
		c.note(fmt.Sprintf("limits.notes[%d]", i), n)
	}
	c.source("limits.source", l.Source)
	for key, id := range l.Sources {
		if numbers[key] == 0 {
			c.bad("limits.sources."+key, "no such limit, or not set")
		}
		c.source("limits.sources."+key, id)
	}
}

// numbers gives the limits by their keys.
func (l Limits) numbers() map[string]float64 {
	return map[string]float64{
		"message_bytes": float64(l.MessageBytes), "recipients": float64(l.Recipients),
		"connections": float64(l.Connections), "messages_per_connection": float64(l.MessagesPerConnection),
		"rate_per_second": l.RatePerSecond, "header_bytes": float64(l.HeaderBytes),
		"per_minute": float64(l.PerMinute), "per_hour": float64(l.PerHour), "per_day": float64(l.PerDay),
		"recipients_per_session": float64(l.RecipientsPerSession), "recipients_per_day": float64(l.RecipientsPerDay),
	}
}

func (c *checker) sender(s Sender) {
	c.oneOf("sender.rule", s.Rule, "verified", "account", "any")
	c.oneOf("sender.null_sender", s.NullSender, "accepted", "refused", "unknown")
	c.oneOf("sender.domain", s.Domain, "", "needed", "address", "none")
	c.text("sender.note", s.Note, false)
	c.source("sender.source", s.Source)
}

func (c *checker) dns(d DNS) {
	if d.SPF != "" && (!strings.HasPrefix(d.SPF, "include:") || !validHost(strings.TrimPrefix(strings.ReplaceAll(d.SPF, "_", "x"), "include:"))) {
		c.bad("dns.spf", "%q: want include:DOMAIN", d.SPF)
	}
	for name, records := range map[string][]Record{"dkim": d.DKIM, "other": d.Other} {
		for i, rec := range records {
			key := fmt.Sprintf("dns.%s[%d].", name, i)
			c.oneOf(key+"type", rec.Type, "TXT", "CNAME", "MX")
			c.text(key+"name", rec.Name, true)
			c.text(key+"value", rec.Value, false)
			c.source(key+"source", rec.Source)
			if spf := strings.Fields(rec.Value); rec.Bounces && (len(spf) == 0 || rec.Type == "TXT" && (len(spf) < 2 || !strings.HasPrefix(spf[1], "include:")) || strings.ContainsAny(rec.Name, "<>@")) {
				c.bad(key+"bounces", "%s %s: want a name and a value; of a TXT record v=spf1 include:...", rec.Type, rec.Name)
			}
		}
	}
	c.text("dns.note", d.Note, false)
	c.source("dns.source", d.Source)
}

func (c *checker) test(t Test) {
	if t.Recipient == "" && t.Header == "" {
		c.bad("test", "needs recipient or header")
	}
	if t.Recipient != "" && strings.Count(t.Recipient, "@") != 1 {
		c.bad("test.recipient", "%q is not an address", t.Recipient)
	}
	c.text("test.header", t.Header, false)
	c.text("test.not_proven", t.NotProven, true)
	c.source("test.source", t.Source)
}

// replyID checks the ID of a reply; seen has those before it.
func (c *checker) replyID(key, id string, seen map[string]bool) {
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || id == "" || id[0] < 'a' || id[0] > 'z' {
		c.bad(key, "%q: want a word of a-z, 0-9 and _", id)
	} else if seen[id] {
		c.bad(key, "%q is named twice", id)
	}
	seen[id] = true
}

func (c *checker) replies(table string, replies []Reply) {
	seen := map[string]bool{}
	for i, r := range replies {
		key := fmt.Sprintf("%s[%d].", table, i)
		c.replyID(key+"id", r.ID, seen)
		if r.Code != 0 && (r.Code < 200 || r.Code > 599) {
			c.bad(key+"code", "%d is not a reply code", r.Code)
		}
		c.reply(key, r)
	}
}

func (c *checker) reply(key string, r Reply) {
	if r.Match == "" {
		c.bad(key+"match", "is missing")
	} else if re, err := compile(r.Match); err != nil {
		c.bad(key+"match", "%v", err)
	} else if re.MatchString("") {
		c.bad(key+"match", "matches an empty reply")
	} else if what := portable(r.Match); what != "" && r.Deferred() {
		c.bad(key+"match", "%s cannot be part of a POSIX expression in a Postfix table", what)
	} else if r.Sample != "" && !re.MatchString(r.Sample) {
		c.bad(key+"match", "does not match its own sample")
	}
	if r.Last != "" {
		if re, err := compile(r.Last); err != nil {
			c.bad(key+"last", "%v", err)
		} else if re.MatchString("") {
			c.bad(key+"last", "matches an empty line")
		} else if what := portable(r.Last); what != "" {
			c.bad(key+"last", "%s cannot be part of a POSIX expression in a Postfix table", what)
		}
	}
	c.text(key+"sample", r.Sample, false)
	if r.Sample != bare(r.Sample) {
		c.bad(key+"sample", "begins with the reply code: leave it out here and in match")
	}
	c.oneOf(key+"at", r.At, "", "greeting", "ehlo", "auth", "mail", "rcpt", "data", "after")
	c.oneOf(key+"scope", r.Scope, "account", "recipient", "rate", "service")
	c.oneOf(key+"retry", r.Retry, "fix", "wait", "slow")
	c.text(key+"cause", r.Cause, true)
	c.text(key+"remedy", r.Remedy, true)
	c.source(key+"source", r.Source)
}

func (c *checker) sourceTables() {
	for id, s := range c.sources {
		key := "source." + id + "."
		if s.URL != "" {
			c.url(key+"url", s.URL)
		} else {
			c.text(key+"where", s.Where, true)
		}
		c.text(key+"where", s.Where, false)
		c.text(key+"as_of", s.AsOf, false)
		if s.Checked.Before(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) {
			c.bad(key+"checked", "want the date it was read, as 2026-11-21")
		}
		c.oneOf(key+"confidence", s.Confidence, "official", "observed", "secondary", "recalled", "unsure")
	}
}
