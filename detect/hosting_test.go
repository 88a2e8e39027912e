package detect

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
)

func TestHostingPage(t *testing.T) {
	hosts, err := Hosts()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "../docs/hosting.md", hostingPage(hosts))
}

// hostingPage is docs/hosting.md, made from the catalogue.
func hostingPage(hosts []HostEntry) string {
	var b strings.Builder
	b.WriteString("# Hosting providers and the ports of mail\n\n" +
		"This page is made from `detect/hosts/*.toml` by `go test ./detect -run Hosting -update`; do not edit it by hand.\n" +
		"The table shows what providers document. `relayhost detect` probes the ports from your own server: where the two differ, believe the probe.\n\n" +
		"Confidence: official, or as users report (observed), second-hand (secondary), general knowledge (recalled), or not sure.\n" +
		"b: blocked outbound by default. o: open, or not in the source's list of blocked ports. ?: not known.\n" +
		"An asterisk (*) marks what is general knowledge or unsure: no source was read for it.\n" +
		"How to have port 25 opened, with the request written for you: `relayhost unblock`.\n")
	for _, kind := range []struct{ id, title string }{{"cloud", "Clouds and servers"}, {"platform", "Platforms"}, {"residential", "Residential lines"}} {
		fmt.Fprintf(&b, "\n## %s\n\n| provider | 25 | 465 | 587 | 2525 | port 25 on request | as of | confidence |\n|---|---|---|---|---|---|---|---|\n", kind.title)
		for _, h := range hosts {
			if h.Kind != kind.id {
				continue
			}
			p := h.Policy
			fmt.Fprintf(&b, "| [%s](#%s)", h.Name, h.ID)
			for _, port := range mailPorts {
				fmt.Fprintf(&b, " | %s", p.portMark(port))
			}
			fmt.Fprintf(&b, " | %s%s | %s | %s |\n", p.port25(), doubtMark(p), p.AsOf, p.Confidence)
		}
	}
	b.WriteString("\n## In detail\n")
	for _, h := range hosts {
		detail(&b, h)
	}
	return b.String()
}

// detail is the part of the page about one provider.
func detail(b *strings.Builder, h HostEntry) {
	p := h.Policy
	fmt.Fprintf(b, "\n<a id=%q></a>\n\n### %s\n\n", h.ID, h.Name)
	item := func(label, text string) {
		if text != "" {
			fmt.Fprintf(b, "- %s: %s\n", label, text)
		}
	}
	item("Blocked by default", portWords(p.Blocked))
	item("Applies", p.Applies)
	item("Since", p.Since)
	item("Port 25", p.port25())
	for _, step := range p.Steps {
		fmt.Fprintf(b, "  - %s\n", step)
	}
	item("The provider asks for", strings.Join(p.Asks, ", "))
	for _, plan := range p.Plans {
		item("Open, plan "+plan.Plan, cmp.Or(portWords(plan.Out), "none"))
	}
	item("Link", "<"+p.URL+">")
	item("About the sources", p.Conflicts)
	for _, note := range h.Notes {
		item("Note", note)
	}
	var signs []string
	for _, s := range h.DMI {
		signs = append(signs, "`"+s.words()+"`")
	}
	item("Recognised by", strings.Join(signs, ", "))
	if len(h.Metadata.PTRSuffix) > 0 {
		item("Reverse DNS", "`*"+strings.Join(h.Metadata.PTRSuffix, "`, `*")+"`")
	}
	item("AS numbers", strings.Trim(fmt.Sprint(h.Metadata.ASN), "[]"))
	var sources []string
	for _, name := range h.sourceNames() {
		s := h.Sources[name]
		link := "general knowledge, to be verified"
		if s.URL != "" {
			link = "<" + s.URL + ">"
		}
		sources = append(sources, fmt.Sprintf("%s (%s, %s)", link, s.Confidence, s.Checked))
	}
	item("Sources", strings.Join(sources, "; "))
}
