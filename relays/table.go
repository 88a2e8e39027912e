package relays

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Width is the terminal width that Table and Text keep to; only an address on a
// line of its own may be longer, since a broken one cannot be opened.
const Width = 80

const (
	idWidth     = 13
	nameWidth   = 21
	freeWidth   = 14
	domainWidth = 7
	portsWidth  = Width - idWidth - nameWidth - freeWidth - domainWidth - 8 // four gaps of two
)

// domainWords says in a word what a domain of one's own is needed for.
var domainWords = map[string]string{"needed": "own", "address": "address", "none": "no"}

// Table lists relays, one a line: services, then mailboxes, and below them what
// ends soon.
func Table(list []Relay) string {
	var b strings.Builder
	row := func(id, name, free, domain, ports string) {
		line := fmt.Sprintf("%-*s  %-*s  %-*s  %-*s  %s", idWidth, clip(id, idWidth), nameWidth, clip(name, nameWidth),
			freeWidth, clip(free, freeWidth), domainWidth, domain, clip(ports, portsWidth))
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	var ends []Relay
	rows := func(head string, mailbox bool) {
		empty := true
		for _, r := range list {
			if r.IsMailbox() != mailbox {
				continue
			}
			if empty {
				if b.Len() > 0 {
					b.WriteByte('\n')
				}
				row("NAME", head, "FREE, AS OF", "DOMAIN", "PORTS")
				empty = false
			}
			name, free, ports := r.Name, "", joinPorts(r.PortOrder(), " ")
			if r.Ends != nil {
				ends = append(ends, r)
				name = clip(name, nameWidth-2) + " *"
			}
			if f := r.Free; f != nil {
				free = fmt.Sprintf("%d/%s %s", f.Messages, f.Per[:1], cmp.Or(r.freeAsOf(), "?"))
			}
			if !r.TakesPassword() && r.SignsIn() {
				ports += ", OAuth"
			} else if !r.TakesPassword() {
				ports = "OAuth only"
			} else if ports == "" && r.ViaHTTPS() {
				ports = "HTTPS"
			}
			row(r.ID, name, free, domainWords[r.Sender.NeedsDomain()], ports)
		}
	}
	rows("RELAY SERVICE", false)
	rows("MAILBOX PROVIDER", true)
	if len(list) > 1 {
		b.WriteString("\n" + wrap("FREE: messages a day (d) or month (m); ?: from general knowledge. DOMAIN: own: you need a domain; address: one verified address is enough; no: none needed. "+
			"PORTS: the first to try first. relayhost relays NAME tells all about one.", "", ""))
	}
	b.WriteString(asks(list))
	for _, r := range ends {
		b.WriteString("\n" + wrap("* "+r.Name+": "+r.Notice(today())+r.Mark(r.Ends.Source), "", "  "))
	}
	return b.String()
}

// asks tells what relays want to see before mail goes out, where that is known.
func asks(list []Relay) string {
	var b strings.Builder
	for _, r := range list {
		if r.Asks == nil {
			continue
		}
		if b.Len() == 0 {
			b.WriteString("\n" + wrap("WHAT THEY ASK FOR before mail goes out:", "", ""))
		}
		b.WriteString(wrap(r.Asks.Text+r.Mark(r.Asks.Source), fmt.Sprintf("%-*s  ", idWidth, clip(r.ID, idWidth)), strings.Repeat(" ", idWidth+2)))
	}
	return b.String()
}

// Row is a relay in the table to choose one by, in words for people.
type Row struct {
	ID, Name string
	Free     string // "300 a day (2026-07)"; "" where nothing is, or no source says so
	Domain   string // what is said of a domain of one's own
	Ports    string // in the order they are tried
	Asks     string // what has to be done before mail goes out
}

// Head is the head of a table of rows.
func Head() Row {
	return Row{"--relay", "name", "free, as of", "your own domain", "ports, in the order they are tried", "what they ask for"}
}

// Rows is the table to choose a relay by.
func Rows(list []Relay) []Row {
	day := lastRead(list)
	rows := make([]Row, len(list))
	for i, r := range list {
		rows[i] = r.row(func(source string) string {
			if mark := r.markOn(day, source); mark != "" {
				return " (" + mark + ")"
			}
			return ""
		})
	}
	return rows
}

func (r Relay) row(mark func(source string) string) Row {
	row := Row{ID: r.ID, Name: r.Name, Ports: joinPorts(r.PortOrder(), ", "),
		Domain: map[string]string{"needed": "needed", "address": "or one address", "none": "no"}[r.Sender.NeedsDomain()]}
	if r.Free != nil {
		row.Free = r.Free.String() + mark(r.Free.Source)
		if month := r.freeAsOf(); month != "" {
			row.Free = fmt.Sprintf("%s (%s)", r.Free, month)
		}
	}
	if r.Asks != nil {
		row.Asks = r.Asks.Text + mark(r.Asks.Source)
	}
	switch {
	case !r.TakesPassword() && r.SignsIn():
		row.Ports += ", by OAuth alone"
	case !r.TakesPassword():
		row.Ports = "OAuth only: not set up"
	}
	if r.ViaHTTPS() {
		row.Ports += ", HTTPS"
	}
	return row
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
