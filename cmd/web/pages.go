//go:build unix

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/explain"
	"relayhost/relays"
)

// entry is one page for people who search: a relay, a hosting provider, or a reply.
type entry struct {
	Path  string // below the root
	Title string
	Kind  string // "Relay", "Hosting provider", "Reply"
	Sub   string // one line below the title in lists
	Parts []part
}

// part is one section of an entry.
type part struct {
	Heading string
	Text    []string // paragraphs
	Code    []string // lines to type or as they were seen
	Links   []link
	Head    []string // of a table, whose first column leads somewhere
	Rows    []row
}

// row is a line of a table.
type row struct {
	link
	Cells []string
}

type link struct{ Href, Text string }

// layout is the frame of every generated page. Root is "../" on pages one level
// down.
var layout = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'">
<title>{{.Title}} - relayhost</title>
<meta name="description" content="{{.Sub}}">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{{.Root}}style.css">
</head>
<body>
<header><a class="home" href="{{.Root}}index.html">relayhost</a>
<nav aria-label="Pages"><a href="{{.Root}}index.html#generate">Generate</a> <a href="{{.Root}}index.html#explain">Explain</a> <a href="{{.Root}}lookup.html">Look up</a></nav></header>
<main>
<p class="kind">{{.Kind}}</p>
<h1>{{.Title}}</h1>
{{range .Parts}}<section>{{if .Heading}}<h2>{{.Heading}}</h2>{{end}}
{{range .Text}}<p>{{.}}</p>
{{end}}{{if .Code}}<pre tabindex="0">{{range .Code}}{{.}}
{{end}}</pre>
{{end}}{{if .Links}}<ul>{{range .Links}}<li><a href="{{.Href}}">{{.Text}}</a></li>{{end}}</ul>{{end}}{{if .Rows}}<div class="scroll"><table><thead><tr>{{range .Head}}<th scope="col">{{.}}</th>{{end}}</tr></thead>
<tbody>{{range .Rows}}<tr><th scope="row"><a href="{{.Href}}">{{.Text}}</a></th>{{range .Cells}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody></table></div>{{end}}</section>
{{end}}</main>
<footer><p>From commit {{.Commit}} of {{.Date}}. Nothing that you type here leaves your browser.</p></footer>
</body>
</html>
`))

// pages writes one page for each relay, hosting provider and reply, and the list of
// all.
func (s *site) pages(context.Context) error {
	catalog, err := relays.Catalog()
	if err != nil {
		return err
	}
	hosts, err := detect.Hosts()
	if err != nil {
		return err
	}
	var all []entry
	for _, r := range catalog {
		all = append(all, relayPage(r))
		all = append(all, replyPages(r)...)
	}
	for _, h := range hosts {
		all = append(all, hostPage(h))
	}
	for _, p := range explain.Pages() {
		all = append(all, causePage(p))
	}
	for _, e := range all {
		if err := s.page(e, "../"); err != nil {
			return err
		}
	}
	if err := s.page(choose(catalog), ""); err != nil {
		return err
	}
	return s.page(lookup(all), "")
}

// choose is the page with the table to choose a relay by, as docs/relays.md has it.
func choose(catalog []relays.Relay) entry {
	e := entry{Path: "relays.html", Title: "Which relay?", Kind: "Relays",
		Sub: "Relay services and mailbox providers for Postfix: what is free, whether you need a domain, ports, and what they ask for."}
	for _, kind := range []struct {
		heading, text string
		mailbox       bool
	}{
		{"Services for the mail of programs", "HTTPS behind the ports: setup --via https sends by the relay's API on port 443. A mark in brackets is the age of a fact, or that no source was found.", false},
		{"Mailbox providers", "The sender must be the account, so all senders of the server are rewritten to it. Limits are those of one person.", true},
	} {
		h := relays.Head()
		p := part{Heading: kind.heading, Text: []string{kind.text}, Head: []string{h.ID, h.Name, h.Free, h.Domain, h.Ports, h.Asks}}
		for _, r := range relays.Rows(slices.DeleteFunc(slices.Clone(catalog), func(r relays.Relay) bool { return r.IsMailbox() != kind.mailbox })) {
			p.Rows = append(p.Rows, row{link{"relay/" + r.ID + ".html", r.ID}, []string{r.Name, r.Free, r.Domain, r.Ports, r.Asks}})
		}
		e.Parts = append(e.Parts, p)
	}
	return e
}

func (s *site) page(e entry, root string) error {
	if _, there := s.files[e.Path]; there {
		return fmt.Errorf("two pages are called %s", e.Path)
	}
	var b bytes.Buffer
	err := layout.Execute(&b, struct {
		entry
		Root, Commit, Date string
	}{e, root, s.commit, s.date})
	s.files[e.Path] = b.Bytes()
	return err
}

// lookup is the page that lists all others.
func lookup(all []entry) entry {
	e := entry{Path: "lookup.html", Title: "Look up a relay, a hosting provider or a reply", Kind: "Look up",
		Sub: "Relay services with their ports and limits, hosting providers with the ports that they block, and replies of mail servers with causes and remedies."}
	e.Parts = append(e.Parts, part{Links: []link{{"relays.html", "Which relay? What is free, whether you need a domain, ports"}}})
	for _, kind := range []struct{ name, heading string }{{"Relay", "Relays"}, {"Hosting provider", "Hosting providers"}, {"Reply", "Replies and log lines"}} {
		p := part{Heading: kind.heading}
		for _, one := range all {
			if one.Kind == kind.name {
				p.Links = append(p.Links, link{one.Path, one.Title})
			}
		}
		slices.SortStableFunc(p.Links, func(a, b link) int { return cmp.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
		e.Parts = append(e.Parts, p)
	}
	return e
}

func relayPage(r relays.Relay) entry {
	e := entry{Path: "relay/" + r.ID + ".html", Title: r.Name + ": SMTP settings for Postfix", Kind: "Relay",
		Sub: "Host, ports, TLS, user name, password, limits and replies of " + r.Name + "."}
	setup := "sudo relayhost setup --relay " + r.ID
	if r.Hosts.Default == "" && r.Hosts.Example != "" {
		setup += " --region " + r.Hosts.Example
	}
	e.Parts = append(e.Parts, part{Heading: "Set it up", Code: []string{setup, "sudo relayhost verify"}, Links: []link{{"../index.html#relay=" + r.ID, "Generate the files for it"}}})
	facts := part{Heading: "Facts"}
	for _, f := range r.Facts() {
		facts.Text = append(facts.Text, f.Key+": "+f.Value)
	}
	e.Parts = append(e.Parts, facts)
	replies := part{Heading: "Replies"}
	for _, reply := range r.Replies {
		if !reply.Inherited && reply.Sample != "" {
			replies.Links = append(replies.Links, link{"../reply/" + r.ID + "-" + slug(reply.ID) + ".html", reply.Sample})
		}
	}
	if len(replies.Links) > 0 {
		e.Parts = append(e.Parts, replies)
	}
	return e
}

func replyPages(r relays.Relay) (list []entry) {
	for _, reply := range r.Replies {
		if reply.Inherited || reply.Sample == "" {
			continue
		}
		e := entry{Path: "reply/" + r.ID + "-" + slug(reply.ID) + ".html", Title: shorten(reply.Sample) + " (" + r.Name + ")", Kind: "Reply", Sub: r.Name + ": " + reply.Cause}
		e.Parts = []part{
			{Text: []string{r.Name + " says this."}, Code: []string{reply.Sample}},
			{Heading: "Cause", Text: []string{reply.Cause}},
			{Heading: "What to do", Text: []string{reply.Remedy}, Links: []link{{"../relay/" + r.ID + ".html", r.Name}}},
			ownLog(),
		}
		list = append(list, e)
	}
	return list
}

func causePage(p explain.Page) entry {
	e := entry{Path: "reply/" + slug(p.ID) + ".html", Title: shorten(p.Samples[0]) + ": " + p.Title, Kind: "Reply", Sub: p.Title}
	todo := part{Heading: "What to do", Text: []string{p.Remedy}}
	if p.Command != "" {
		todo.Code = []string{p.Command}
	}
	e.Parts = []part{{Code: p.Samples}, {Heading: "Cause", Text: []string{p.Title, p.Meaning}}, todo}
	if strings.HasPrefix(p.Source, "https://") {
		e.Parts = append(e.Parts, part{Heading: "Source", Links: []link{{p.Source, p.Source}}})
	}
	e.Parts = append(e.Parts, ownLog())
	return e
}

func hostPage(h detect.HostEntry) entry {
	e := entry{Path: "hosting/" + h.ID + ".html", Title: h.Name + ": which ports mail can leave by", Kind: "Hosting provider",
		Sub: "Whether " + h.Name + " blocks port 25, 465, 587 or 2525, and how that is lifted."}
	e.Parts = []part{{Text: []string{h.GetsOut()}, Code: strings.Split(strings.TrimRight(h.Text(), "\n"), "\n")}}
	if h.Policy.URL != "" {
		e.Parts = append(e.Parts, part{Heading: "Source", Text: []string{"As of " + h.Policy.AsOf.String() + "."}, Links: []link{{h.Policy.URL, h.Policy.URL}}})
	}
	return e
}

// ownLog leads somebody who has found the page by a search to the rest.
func ownLog() part {
	return part{Heading: "Your own log", Text: []string{"Paste a line or a whole log to see which cause it names, and what becomes of the mail. It stays in your browser."},
		Links: []link{{"../index.html#explain", "Explain a log"}, {"../index.html", "Generate a configuration"}}}
}

// slug makes a file name of an id.
func slug(id string) string { return strings.ReplaceAll(strings.ToLower(id), "_", "-") }

// maxTitle is what a search shows of a title, in characters.
const maxTitle = 90

// shorten makes a title of a reply or a log line. Nobody searches for the program and
// its process.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if program, text, ok := strings.Cut(s, "]: "); ok && strings.HasPrefix(program, "postfix/") && !strings.Contains(program, " ") {
		s = text
	}
	if r := []rune(s); len(r) > maxTitle {
		return string(r[:maxTitle-3]) + "..."
	}
	return s
}
