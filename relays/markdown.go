package relays

import (
	"fmt"
	"strings"
)

// MarkdownTable is the table of services in the README.
func MarkdownTable(list []Relay) string {
	var b strings.Builder
	b.WriteString("| `--relay` | service | host | ports, in the order they are tried |\n| --- | --- | --- | --- |\n")
	for _, r := range list {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s |\n", r.ID, r.Name, r.mainHost(), joinPorts(r.PortOrder(), ", "))
	}
	return b.String()
}

// mainHost is the host to show where there is room for one.
func (r Relay) mainHost() string {
	if r.Hosts.Default == "" && r.Hosts.Pattern == "" {
		return r.Hosts.Named[r.Hosts.Example]
	}
	return first(r.Hosts.Default, r.Hosts.Pattern)
}

// Markdown is docs/relays.md: the whole catalogue as a page.
func Markdown(list []Relay) string {
	var b strings.Builder
	b.WriteString(`<!-- Generated from relays/catalog/*.toml by: go generate ./relays -->

# Relay services

Each fact below has a source in ` + "`relays/catalog/*.toml`" + `, with the date on which it was read. What no
public source states is marked: *recalled* is general knowledge, *unsure* is something on which sources
disagree or which they leave open. A service of your own: [adding-a-relay.md](adding-a-relay.md).

`)
	b.WriteString(MarkdownTable(list))
	for _, r := range list {
		b.WriteString(section(r))
	}
	return b.String()
}

// section tells about one service.
func section(r Relay) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n", r.Name)
	if r.Ends != nil {
		fmt.Fprintf(&b, "**Ends soon:** %s%s.\n\n", cell(r.Ends.Text), r.mdMark(r.Ends.Source))
	}
	item := func(label, text, source string) {
		if text != "" {
			fmt.Fprintf(&b, "- %s: %s%s\n", label, cell(text), r.mdMark(source))
		}
	}
	fmt.Fprintf(&b, "- relay: `--relay %s`\n", r.ID)
	if r.Docs != "" {
		fmt.Fprintf(&b, "- documentation: <%s>\n", r.Docs)
	}
	if r.Hosts.Default != "" || r.Hosts.Pattern != "" {
		item("host", "`"+r.mainHost()+"`", r.Hosts.Source)
	}
	for _, name := range r.Hosts.names() {
		item("`--region "+name+"`", "`"+r.Hosts.Named[name]+"`", r.hostSource(name))
	}
	for _, p := range r.Ports {
		words := p.TLS.TLSWord()
		if p.Note != "" {
			words += "; " + p.Note
		}
		item(fmt.Sprintf("port %d", p.Port), words, p.Source)
	}
	item("user name", r.Auth.Username.Label, r.Auth.Username.Source)
	item("password", r.Auth.Password.Label, r.Auth.Password.Source)
	item("mechanisms", strings.Join(r.Auth.Mechanisms, ", "), r.Auth.Source)
	for _, l := range limitWords {
		item(l.words, l.value(r.Limits), r.limitSource(l.key))
	}
	for _, n := range r.Limits.Notes {
		item("limit", n.Text, n.Source)
	}
	item("sender", first(r.Sender.Note, senderWords[r.Sender.Rule]), r.Sender.Source)
	if r.DNS.SPF != "" {
		item("SPF", "`"+r.DNS.SPF+"`", r.DNS.Source)
	}
	for _, rec := range r.DNS.DKIM {
		item("DKIM", "`"+rec.String()+"`", first(rec.Source, r.DNS.Source))
	}
	for _, rec := range r.DNS.Other {
		item("record", "`"+rec.String()+"`", first(rec.Source, r.DNS.Source))
	}
	item("DNS", r.DNS.Note, r.DNS.Source)
	if r.Test != nil {
		item("test", r.Test.how()+"; it does not prove "+r.Test.NotProven, r.Test.Source)
	}
	for _, n := range r.Notes {
		item("note", n.Text, n.Source)
	}
	b.WriteString(r.mdReplies())
	b.WriteString(r.mdSources())
	return b.String()
}

func (r Relay) mdReplies() string {
	if r.inherits() {
		return "\nNo source quotes a reply of this service; the generic ones stand in.\n"
	}
	var b strings.Builder
	b.WriteString("\n| reply | cause | remedy | retry |\n| --- | --- | --- | --- |\n")
	for _, reply := range r.Replies {
		fmt.Fprintf(&b, "| `%s`%s | %s | %s | %s |\n", strings.ReplaceAll(reply.sample(), "|", "\\|"), r.mdMark(reply.Source), cell(reply.Cause), cell(reply.Remedy), reply.Retry)
	}
	return b.String()
}

func (r Relay) mdSources() string {
	var named []string
	if r.inherits() {
		r.Replies = nil // and the sources of what is not shown
	}
	for _, id := range r.sourceIDs() {
		s := r.Sources[id]
		if s.Confidence == "recalled" || s.Confidence == "unsure" && s.URL == "" {
			continue
		}
		where := s.Where
		if s.URL != "" {
			where = "<" + s.URL + ">"
		}
		named = append(named, fmt.Sprintf("%s (%s, read %s)", where, s.Confidence, s.Checked.Format("2006-01-02")))
	}
	if len(named) == 0 {
		return "\nSources: none but general knowledge.\n"
	}
	return "\nSources: " + strings.Join(named, "; ") + ".\n"
}

func (r Relay) mdMark(source string) string {
	switch c := r.Sources[source].Confidence; c {
	case "recalled", "unsure":
		return " *(" + c + ")*"
	}
	return ""
}

// cell keeps text from being read as a table border or a tag. Code spans keep
// their angle brackets.
func cell(s string) string {
	s = strings.ReplaceAll(s, "|", "\\|")
	if strings.HasPrefix(s, "`") {
		return s
	}
	return strings.ReplaceAll(s, "<", "&lt;")
}
