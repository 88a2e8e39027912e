package relays

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Width is the terminal width that Table and Text keep to; only an address on a
// line of its own may be longer, since a broken one cannot be opened.
const Width = 80

const (
	idWidth    = 12
	nameWidth  = 34
	portsWidth = Width - idWidth - nameWidth - 4 // two gaps of two
)

// Table lists services, one a line, and below it what ends soon.
func Table(list []Relay) string {
	var b strings.Builder
	row := func(id, name, ports string) {
		line := fmt.Sprintf("%-*s  %-*s  %s", idWidth, clip(id, idWidth), nameWidth, clip(name, nameWidth), clip(ports, portsWidth))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	row("NAME", "SERVICE", "PORTS, THE FIRST TO TRY FIRST")
	var ends []Relay
	for _, r := range list {
		name := r.Name
		if r.Ends != nil {
			ends = append(ends, r)
			name = clip(name, nameWidth-2) + " *"
		}
		row(r.ID, name, joinPorts(r.PortOrder(), " "))
	}
	for _, r := range ends {
		b.WriteString("\n" + wrap("* "+r.Name+": "+r.Ends.Text+r.Mark(r.Ends.Source), "", "  "))
	}
	return b.String()
}

// CSV gives every fact of every service, one a line, with where it comes from.
func CSV(list []Relay) string {
	rows := [][]string{{"relay", "fact", "value", "url", "where", "as_of", "checked", "confidence"}}
	for _, r := range list {
		for _, f := range r.Facts() {
			row := []string{r.ID, f.Key, formula(f.Value), "", "", "", "", ""}
			if s, ok := r.Sources[f.Source]; ok {
				copy(row[3:], []string{s.URL, formula(s.Where), s.AsOf, s.Checked.Format("2006-01-02"), s.Confidence})
			}
			rows = append(rows, row)
		}
	}
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(rows) // a bytes.Buffer takes every write
	return b.String()
}

// formula keeps a spreadsheet from reading a value as one.
func formula(s string) string {
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

// clip shortens text to n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-3]) + "..."
}

// wrap breaks text into lines of Width, the first indented by head, the others
// by tail. A word that is too long stands on a line of its own.
func wrap(text, head, tail string) string {
	var b strings.Builder
	line := head
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > Width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, empty = tail, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	b.WriteString(strings.TrimRight(line, " ") + "\n")
	return b.String()
}
