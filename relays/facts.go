package relays

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Fact is one value of a service, as it is printed, and where it comes from.
type Fact struct {
	Key    string // dotted, as in the file
	Value  string
	Source string // key of Relay.Sources; "" for what needs none
}

// Facts lists everything a file says, in reading order.
func (r Relay) Facts() []Fact {
	var facts []Fact
	add := func(key, value, source string) {
		if value != "" {
			facts = append(facts, Fact{key, value, source})
		}
	}
	add("name", r.Name, "")
	add("docs", r.Docs, "")
	if r.Ends != nil {
		add("ends", r.Ends.Text, r.Ends.Source)
	}
	if r.Free != nil {
		add("free", r.Free.String(), r.Free.Source)
	}
	if r.Asks != nil {
		add("asks", r.Asks.Text, r.Asks.Source)
	}
	if r.HTTPS != nil {
		add("https", r.HTTPS.Text, r.HTTPS.Source)
	}
	add("hosts.default", r.Hosts.Default, r.Hosts.Source)
	add("hosts.pattern", r.Hosts.Pattern, r.Hosts.Source)
	for _, name := range r.Hosts.Regions() {
		add("hosts.named."+name, r.Hosts.Named[name], r.Hosts.source(name))
	}
	for _, host := range r.Hosts.Old {
		add("hosts.old", host, r.Hosts.Source)
	}
	for _, p := range r.Ports {
		add("ports."+strconv.Itoa(p.Port), strings.TrimRight(string(p.TLS)+"; "+p.Note, "; "), p.Source)
	}
	add("order", joinPorts(r.PortOrder(), " "), "")
	add("auth.mechanisms", strings.Join(r.Auth.Mechanisms, " "), r.Auth.Source)
	add("auth.username", r.Auth.Username.Label, r.Auth.Username.Source)
	add("auth.password", r.Auth.Password.Label, r.Auth.Password.Source)
	for _, w := range r.Auth.Wrong {
		add("auth.wrong."+w.Field, w.Message, w.Source)
	}
	add("ehlo.offers", strings.Join(r.EHLO.Offers, " "), r.EHLO.Source)
	add("ehlo.lacks", strings.Join(r.EHLO.Lacks, " "), r.EHLO.Source)
	for _, l := range limitWords {
		add("limits."+l.key, l.value(r.Limits), r.Limits.source(l.key))
	}
	for _, n := range r.Limits.Notes {
		add("limits.notes", n.Text, n.Source)
	}
	add("sender.rule", r.Sender.Rule, r.Sender.Source)
	add("sender.null_sender", r.Sender.NullSender, r.Sender.NullSource)
	add("sender.note", r.Sender.Note, r.Sender.Source)
	add("dns.spf", r.DNS.SPF, r.DNS.Source)
	add("dns.note", r.DNS.Note, r.DNS.Source)
	for _, rec := range r.DNS.DKIM {
		add("dns.dkim", rec.String(), cmp.Or(rec.Source, r.DNS.Source))
	}
	for _, rec := range r.DNS.Other {
		add("dns.other", rec.String(), cmp.Or(rec.Source, r.DNS.Source))
	}
	if r.Test != nil {
		add("test", r.Test.how(), r.Test.Source)
		add("test.not_proven", r.Test.NotProven, r.Test.Source)
	}
	for _, reply := range r.Replies {
		add("replies."+reply.ID, reply.summary(), reply.Source)
	}
	if r.API != nil {
		add("api.wait_header", r.API.WaitHeader, r.API.Source)
		for _, reply := range r.API.Replies {
			add("api.replies."+reply.ID, reply.summary(), reply.Source)
		}
	}
	for _, n := range r.Notes {
		add("notes", n.Text, n.Source)
	}
	return facts
}

// inherited reports whether the replies of a service are the generic ones.
func inherited(replies []Reply) bool { return len(replies) > 0 && replies[0].Inherited }

// source is that of a named host.
func (h Hosts) source(name string) string { return cmp.Or(h.Sources[name], h.Source) }

// source is that of a limit.
func (l Limits) source(key string) string { return cmp.Or(l.Sources[key], l.Source) }

func (t Test) how() string {
	if t.Recipient != "" {
		return "a message to " + t.Recipient
	}
	return "a message with the header " + t.Header
}

func (r Reply) summary() string {
	return strings.TrimSpace(fmt.Sprintf("%s | %s | %s | %s", r.sample(), r.Retry, r.Cause, r.Remedy))
}

// sample is the reply as seen, with its code where that is known.
func (r Reply) sample() string {
	text := cmp.Or(r.Sample, r.Match)
	if r.Code == 0 {
		return text
	}
	return strconv.Itoa(r.Code) + " " + text
}

// limitWords names the limits for people, in the order they are printed.
var limitWords = []struct {
	key, words string
	value      func(Limits) string
}{
	{"message_bytes", "size of a message", func(l Limits) string { return size(l.MessageBytes) }},
	{"recipients", "recipients a message", func(l Limits) string { return number(int64(l.Recipients)) }},
	{"connections", "connections at once", func(l Limits) string { return number(int64(l.Connections)) }},
	{"messages_per_connection", "messages a connection", func(l Limits) string { return number(int64(l.MessagesPerConnection)) }},
	{"rate_per_second", "messages a second", func(l Limits) string {
		if l.RatePerSecond == 0 {
			return ""
		}
		return strconv.FormatFloat(l.RatePerSecond, 'g', -1, 64)
	}},
	{"per_minute", "messages a minute", func(l Limits) string { return number(int64(l.PerMinute)) }},
	{"per_hour", "messages an hour", func(l Limits) string { return number(int64(l.PerHour)) }},
	{"per_day", "messages a day", func(l Limits) string { return number(int64(l.PerDay)) }},
	{"recipients_per_day", "recipients a day", func(l Limits) string { return number(int64(l.RecipientsPerDay)) }},
	{"recipients_per_session", "recipients a connection", func(l Limits) string { return number(int64(l.RecipientsPerSession)) }},
	{"header_bytes", "size of its header", func(l Limits) string { return size(int64(l.HeaderBytes)) }},
}

// size is "25 MB (26214400 bytes)" where that is a round number, and "" for 0.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 20, "MB"}, {1 << 10, "KB"}} {
		if n >= unit.bytes && n%unit.bytes == 0 {
			return fmt.Sprintf("%d %s (%d bytes)", n/unit.bytes, unit.name, n)
		}
	}
	if n == 0 {
		return ""
	}
	return number(n) + " bytes"
}

// number is "" for 0, which means that no source names one.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func joinPorts(ports []int, sep string) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = strconv.Itoa(p)
	}
	return strings.Join(words, sep)
}
