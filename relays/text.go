package relays

import (
	"cmp"
	"fmt"
	"strings"
)

// Text tells everything about one service, for a terminal.
func Text(r Relay) string {
	t := &text{}
	t.line(r.Name + " (" + r.ID + ")")
	if r.Ends != nil {
		t.item("ends: " + r.Notice(today()) + r.Mark(r.Ends.Source))
	}
	if r.Free != nil {
		asOf := r.Mark(r.Free.Source)
		if month := r.freeAsOf(); month != "" {
			asOf = " (as of " + month + ")"
		}
		t.item("free: " + r.Free.String() + asOf)
	}
	if r.Asks != nil {
		t.item("before mail goes out: " + r.Asks.Text + r.Mark(r.Asks.Source))
	}
	if r.HTTPS != nil {
		t.item("over HTTPS: " + r.HTTPS.Text + r.Mark(r.HTTPS.Source) + r.apiUse())
	}
	if r.Docs != "" {
		t.item(r.Docs)
	}
	t.hosts(r)
	t.ports(r)
	t.auth(r)
	t.limits(r)
	t.sender(r)
	t.dns(r)
	if r.Test != nil {
		t.head("Test")
		t.item(r.Test.how() + r.Mark(r.Test.Source))
		t.item("it does not prove " + r.Test.NotProven)
	}
	t.replies(r)
	if len(r.Notes) > 0 {
		t.head("Good to know")
	}
	for _, n := range r.Notes {
		t.item(n.Text + r.Mark(n.Source))
	}
	t.sources(r)
	return t.String()
}

type text struct{ strings.Builder }

func (t *text) line(s string) { t.WriteString(wrap(s, "", "  ")) }
func (t *text) head(s string) { t.WriteString("\n" + s + "\n") }
func (t *text) item(s string) { t.WriteString(wrap(s, "  ", "    ")) }

func (t *text) hosts(r Relay) {
	t.head("Hosts")
	if r.Hosts.Default != "" {
		t.item(r.Hosts.Default + r.Mark(r.Hosts.Source))
	}
	if r.Hosts.Pattern != "" {
		t.item(r.Hosts.Pattern + " for a region such as " + r.Hosts.Example + r.Mark(r.Hosts.Source))
	}
	for _, name := range r.Hosts.Regions() {
		t.item("--region " + name + ": " + r.Hosts.Named[name] + r.Mark(r.Hosts.source(name)))
	}
	if r.Hosts.Accept != "" {
		t.item("or a host name of the service in full, as --region")
	}
	for _, host := range r.Hosts.Old {
		t.item(host + " is the old name")
	}
}

// TLSWord says in a word how TLS starts.
func (m TLSMode) TLSWord() string {
	switch m {
	case StartTLS:
		return "STARTTLS"
	case Implicit:
		return "TLS"
	case NoTLS:
		return "no TLS"
	}
	return "unsure how TLS starts"
}

func (t *text) ports(r Relay) {
	t.head("Ports")
	for _, p := range r.Ports {
		line := fmt.Sprintf("%d %s", p.Port, p.TLS.TLSWord())
		if p.Note != "" {
			line += "; " + p.Note
		}
		t.item(line + r.Mark(p.Source))
	}
	t.item("tried in this order: " + joinPorts(r.PortOrder(), ", "))
}

func (t *text) auth(r Relay) {
	t.head("Login")
	if len(r.Auth.Mechanisms) == 0 {
		t.item("none: the relay goes by the address of this server")
		return
	}
	if !r.TakesPassword() {
		t.item("no password is taken: " + r.withoutPassword())
	}
	t.item("user name: " + r.Auth.Username.Label + r.Mark(r.Auth.Username.Source))
	t.item("password: " + r.Auth.Password.Label + r.Mark(r.Auth.Password.Source))
	if r.Auth.Optional {
		t.item("both may be left out where the relay goes by the address of this server")
	}
	t.item("mechanisms: " + strings.Join(r.Auth.Mechanisms, ", ") + r.Mark(r.Auth.Source))
	if r.Auth.Where != "" {
		t.item(r.Auth.Where)
	}
}

func (t *text) limits(r Relay) {
	t.head("Limits")
	before := t.Len()
	if len(r.EHLO.Offers) > 0 {
		t.item("offers " + strings.Join(r.EHLO.Offers, ", ") + r.Mark(r.EHLO.Source))
	}
	if len(r.EHLO.Lacks) > 0 {
		t.item("does not offer " + strings.Join(r.EHLO.Lacks, ", ") + r.Mark(r.EHLO.Source))
	}
	for _, l := range limitWords {
		if v := l.value(r.Limits); v != "" {
			words := v + " " + l.words
			if strings.HasSuffix(l.key, "_bytes") {
				words = l.words + ": " + v
			}
			t.item(words + r.Mark(r.Limits.source(l.key)))
		}
	}
	for _, n := range r.Limits.Notes {
		t.item(n.Text + r.Mark(n.Source))
	}
	if t.Len() == before {
		t.item("none is known")
	}
}

// senderWords says which sender a service accepts.
var senderWords = map[string]string{
	"verified": "an address or domain that is verified with the service",
	"account":  "the address of the account",
	"any":      "any",
}

func (t *text) sender(r Relay) {
	t.head("Sender")
	s := senderWords[r.Sender.Rule]
	if r.Sender.Note != "" {
		s = r.Sender.Note
	}
	t.item(s + r.Mark(r.Sender.Source))
	t.item("a domain of your own: " + map[string]string{"needed": "needed", "address": "not needed, one verified address is enough", "none": "not needed"}[r.Sender.NeedsDomain()])
	if r.Sender.NullSender != "unknown" {
		t.item("bounces (MAIL FROM:<>) are " + r.Sender.NullSender)
	} else {
		t.item("no source says whether bounces (MAIL FROM:<>) are accepted")
	}
}

func (t *text) dns(r Relay) {
	t.head("DNS of the sender's domain")
	before := t.Len()
	if r.DNS.SPF != "" {
		t.item("SPF: " + r.DNS.SPF + r.Mark(r.DNS.Source))
	}
	for _, rec := range r.DNS.DKIM {
		t.item("DKIM: " + rec.String() + r.Mark(cmp.Or(rec.Source, r.DNS.Source)))
	}
	for _, rec := range r.DNS.Other {
		t.item(rec.String() + r.Mark(cmp.Or(rec.Source, r.DNS.Source)))
	}
	if r.DNS.Note != "" {
		t.item(r.DNS.Note + r.Mark(r.DNS.Source))
	}
	if t.Len() == before {
		t.item("nothing is known")
	}
}

// retryWords says whether waiting helps.
var retryWords = map[string]string{
	"fix":  "",
	"wait": " (temporary)",
	"slow": " (passes at a lower rate)",
}

func (t *text) replies(r Relay) {
	t.head("Replies")
	if inherited(r.Replies) {
		t.item("no source quotes one of this service; these are the generic ones")
	}
	for _, reply := range r.Replies {
		t.item(reply.sample() + r.Mark(reply.Source))
		t.WriteString(wrap("cause: "+reply.Cause, "      ", "        "))
		t.WriteString(wrap("remedy: "+reply.Remedy+retryWords[reply.Retry], "      ", "        "))
	}
}

func (t *text) sources(r Relay) {
	t.head("Sources")
	for _, id := range sourceIDs(r.Facts()) {
		s := r.Sources[id]
		if s.URL == "" && r.Mark(id) != "" {
			defer t.item("what is marked" + r.Mark(id) + ": " + s.Where)
			continue
		}
		words := []string{s.Confidence, "read " + s.Checked.Format("2006-01-02")}
		if s.AsOf != "" {
			words = append(words, "as of "+s.AsOf)
		}
		if s.Where != "" {
			words = append(words, s.Where)
		}
		if s.URL != "" {
			t.item(s.URL)
			t.WriteString(wrap(strings.Join(words, "; "), "    ", "    "))
		} else {
			t.item(strings.Join(words, "; "))
		}
	}
	if len(r.Sources) == 0 {
		t.item("none named")
	}
}

// sourceIDs gives the sources in the order in which the facts name them.
func sourceIDs(facts []Fact) []string {
	var ids []string
	seen := map[string]bool{"": true}
	for _, f := range facts {
		if !seen[f.Source] {
			seen[f.Source] = true
			ids = append(ids, f.Source)
		}
	}
	return ids
}
