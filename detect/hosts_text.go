package detect

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"relayhost/internal/ui"
)

// portMark says what is known of a port in one character: b blocked, o open or
// in no block list, ? not known.
func (p PortPolicy) portMark(port int) string {
	switch {
	case slices.Contains(p.Blocked, port):
		return "b"
	case slices.Contains(p.Open, port):
		return "o"
	default:
		return "?"
	}
}

// HostsTable prints the providers as a table of at most 80 columns.
func HostsTable(hosts []HostEntry) string {
	var b strings.Builder
	const format = "%-13s%-23s%-3s%-4s%-4s%-5s%-14s%s\n"
	fmt.Fprintf(&b, format, "ID", "PROVIDER", "25", "465", "587", "2525", "LIFTED", "AS OF")
	for _, h := range hosts {
		p := h.Policy
		fmt.Fprintf(&b, format, h.ID, shorten(h.Name, 22), p.portMark(25), p.portMark(465), p.portMark(587), p.portMark(2525),
			p.Unblock+doubtMark(p), p.AsOf)
	}
	fmt.Fprintln(&b, "\nb: blocked by default, o: open or in no block list, ?: not known, *: not from a")
	fmt.Fprintln(&b, "source that was read. relayhost hosts NAME has sources and details.")
	return b.String()
}

func shorten(text string, width int) string {
	if len(text) <= width {
		return text
	}
	return text[:width-2] + ".."
}

// doubtMark marks what no source that was read says.
func doubtMark(p PortPolicy) string {
	if p.Confidence == "recalled" || p.Confidence == "unsure" {
		return "*"
	}
	return ""
}

// HostsCSV prints the providers as comma-separated values with a header line.
func HostsCSV(hosts []HostEntry) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"id", "name", "kind", "25", "465", "587", "2525", "applies", "since", "unblock", "asks", "url", "as_of", "confidence", "conflicts"})
	for _, h := range hosts {
		p := h.Policy
		row := []string{h.ID, h.Name, h.Kind}
		for _, port := range mailPorts {
			row = append(row, map[string]string{"b": "blocked", "o": "open", "?": "unknown"}[p.portMark(port)])
		}
		_ = w.Write(append(row, p.Applies, p.Since, p.Unblock, strings.Join(p.Asks, "; "), p.URL, p.AsOf.String(), p.Confidence, p.Conflicts))
	}
	w.Flush()
	return b.String()
}

// GetsOut says which ports of mail get out of a provider's network, and for
// which plan, in one sentence.
func (h HostEntry) GetsOut() string {
	p := h.Policy
	var parts []string
	for _, part := range []struct {
		ports []int
		words string
	}{{p.Open, "open"}, {p.Blocked, "blocked"}, {p.Unknown, "not known"}} {
		if len(part.ports) > 0 {
			parts = append(parts, portWords(part.ports)+" "+part.words)
		}
	}
	for _, plan := range p.Plans {
		parts = append(parts, "plan "+plan.Plan+": "+cmp.Or(portWords(plan.Out), "none"))
	}
	return fmt.Sprintf("%s: %s (as of %s%s)", h.Name, strings.Join(parts, "; "), p.AsOf, p.old())
}

// today is the day that facts are old by.
var today = time.Now

// old marks what is older than a year.
func (p PortPolicy) old() string {
	if today().Sub(p.AsOf.AsTime(time.UTC)) > 365*24*time.Hour {
		return ", older than a year"
	}
	return ""
}

// sources of a fact, for a person.
var confidenceWords = map[string]string{"official": "official", "observed": "as users report", "secondary": "second-hand",
	"recalled": "general knowledge, no source read", "unsure": "unsure, no source read"}

// Text is everything that is known of one provider, in lines of a terminal.
func (h HostEntry) Text() string {
	var b strings.Builder
	p := h.Policy
	line := func(label, text string) {
		if text != "" {
			b.WriteString(ui.Wrap(text, fmt.Sprintf("%-12s ", label), strings.Repeat(" ", 13), textWidth))
		}
	}
	line(h.ID, h.Name+" ("+h.Kind+")")
	line("Blocked", portWords(p.Blocked))
	line("Open", portWords(p.Open))
	line("Not known", portWords(p.Unknown))
	line("Applies", p.Applies)
	line("Since", p.Since)
	line("Port 25", p.port25())
	for _, step := range p.Steps {
		line("", "- "+step)
	}
	line("They ask", strings.Join(p.Asks, ", "))
	for i, plan := range p.Plans {
		line(onFirst(i, "Open"), plan.Plan+": "+cmp.Or(portWords(plan.Out), "none"))
	}
	line("As of", fmt.Sprintf("%s, %s%s", p.AsOf, confidenceWords[p.Confidence], p.old()))
	line("Doubts", p.Conflicts)
	for _, note := range h.Notes {
		line("Note", note)
	}
	line("Link", p.URL)
	for i, s := range h.DMI {
		line(onFirst(i, "Recognised"), s.words()+citation(s.Source))
	}
	if m := h.Metadata; m.Kind != "" {
		line("Metadata", m.Kind+citation(m.Source))
	}
	if m := h.Metadata; len(m.PTRSuffix) > 0 {
		line("Reverse DNS", "*"+strings.Join(m.PTRSuffix, ", *")+citation(m.NetworkSource))
	}
	if m := h.Metadata; len(m.ASN) > 0 {
		line("AS numbers", strings.Trim(fmt.Sprint(m.ASN), "[]")+citation(m.NetworkSource))
	}
	first := true
	for _, name := range h.sourceNames() {
		if s := h.Sources[name]; s.URL != "" {
			label := ""
			if first {
				label = "Sources"
			}
			line(label, fmt.Sprintf("[%s] %s, %s, %s", name, s.URL, s.Checked, confidenceWords[s.Confidence]))
			first = false
		}
	}
	return b.String()
}

// citation names the source of a fact; what has none is general knowledge.
func citation(source string) string {
	if source == "recalled" {
		return " (general knowledge)"
	}
	return " [" + source + "]"
}

func onFirst(i int, label string) string {
	if i == 0 {
		return label
	}
	return ""
}

func portWords(ports []int) string {
	words := make([]string, len(ports))
	for i, p := range ports {
		words[i] = fmt.Sprint(p)
	}
	return strings.Join(words, ", ")
}

// words is a signal as a sentence: sys_vendor = "Hetzner".
func (s Signal) words() string {
	text := s.File + " is there"
	for _, op := range []struct{ word, value string }{{"=", s.Equals}, {"starts with", s.Prefix}, {"ends with", s.Suffix}, {"has the word", s.Word}} {
		if op.value != "" {
			text = fmt.Sprintf("%s %s %q", s.File, op.word, op.value)
		}
	}
	if s.Also != nil {
		text += " and " + s.Also.words()
	}
	if !s.Certain {
		text += " (likely)"
	}
	return text
}

func (h HostEntry) sourceNames() []string {
	return slices.Sorted(maps.Keys(h.Sources))
}

// port25 says whether port 25 can be opened. Where it is open and no source says
// how it would be opened, there is nothing to ask for.
func (p PortPolicy) port25() string {
	if p.Unblock == "unknown" && p.portMark(25) == "o" {
		return "open by default"
	}
	return unblockSays[p.Unblock]
}
