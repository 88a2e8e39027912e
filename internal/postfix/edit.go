package postfix

import (
	"maps"
	"slices"
	"strings"
)

// logical joins the logical line that starts at node i as Postfix does: the
// line feeds go, everything else stays.
func (d *document) logical(i int) string {
	first := strings.ReplaceAll(d.nodes[i].text, "\n", "")
	if i++; i == len(d.nodes) || d.nodes[i].kind == head {
		return first
	}
	var line strings.Builder
	line.WriteString(first)
	for ; i < len(d.nodes) && d.nodes[i].kind != head; i++ {
		if d.nodes[i].kind == cont {
			line.WriteString(strings.ReplaceAll(d.nodes[i].text, "\n", ""))
		}
	}
	return line.String()
}

// find returns the last head with this name before node end, or -1.
func (d *document) find(name string, end int) int {
	if d.heads[name] == 0 {
		return -1
	}
	for i := end - 1; i >= 0; i-- {
		if n := &d.nodes[i]; n.kind == head && n.name == name {
			return i
		}
	}
	return -1
}

// line is the number of the physical line at node i, from 1.
func (d *document) line(i int) int {
	line := 1
	for _, n := range d.nodes[:i] {
		line += strings.Count(n.text, "\n")
	}
	return line
}

// each calls f for every logical line, with its node and the number of its first
// physical line, from 1.
func (d *document) each(f func(i, line int)) {
	line := 1
	for i, n := range d.nodes {
		if n.kind == head {
			f(i, line)
		}
		line += strings.Count(n.text, "\n")
	}
}

// replace puts a rendered logical line, whose physical lines are separated by
// "\n", in the place of the one at node i. Comments between the old continuation
// lines stay.
func (d *document) replace(i int, text string) {
	n := &d.nodes[i]
	eol := d.eol
	switch {
	case !strings.HasSuffix(n.text, "\n"):
		eol = ""
	case !strings.HasSuffix(n.text, "\r\n"):
		eol = "\n"
	}
	n.text = strings.ReplaceAll(text, "\n", d.eol) + eol
	d.dropContinuations(i)
}

// dropContinuations takes the continuation lines of the head at i away, however
// far they are: what is left of them would continue another line.
func (d *document) dropContinuations(i int) {
	for i++; i < len(d.nodes) && d.nodes[i].kind != head; i++ {
		if d.nodes[i].kind == cont {
			d.nodes[i] = node{}
		}
	}
}

// remove deletes every logical line named name that starts before node end, and
// reports whether there was one.
func (d *document) remove(name string, end int) bool {
	if end < len(d.nodes) && d.heads[name] == 1 && d.nodes[end].name == name {
		return false // the usual case: the line at end is the only one
	}
	i := d.find(name, end)
	found := i >= 0
	for ; i >= 0; i = d.find(name, i) {
		d.drop(i)
	}
	return found
}

// drop deletes the logical line at node i.
func (d *document) drop(i int) {
	d.heads[d.nodes[i].name]--
	d.dropContinuations(i)
	d.nodes[i] = node{}
}

// add puts a new logical line behind what we added before, or at the end.
func (d *document) add(name, text string) {
	line := node{text: strings.ReplaceAll(text, "\n", d.eol) + d.eol, name: name, kind: head}
	at := d.marked()
	if at >= 0 {
		d.endLine(at)
		d.nodes = slices.Insert(d.nodes, at, line)
	} else {
		if d.endLine(len(d.nodes)) && !d.endsEmpty() {
			d.appendIgnored(d.eol)
		}
		d.nodes = append(d.nodes, node{text: Mark + d.eol, kind: mark}, line)
	}
	d.heads[name]++
}

// append puts a new logical line at the end, without a mark, and returns its node.
func (d *document) append(name, text string) int {
	d.endLine(len(d.nodes))
	d.nodes = append(d.nodes, node{text: strings.ReplaceAll(text, "\n", d.eol) + d.eol, name: name, kind: head})
	d.heads[name]++
	return len(d.nodes) - 1
}

// endsEmpty reports whether the last line is empty: entries that were removed have left
// the one that was above them.
func (d *document) endsEmpty() bool {
	for i := len(d.nodes) - 1; i >= 0; i-- {
		if n := d.nodes[i]; n.kind != gone {
			return n.kind == ignored && (n.text == d.eol || strings.HasSuffix(n.text, "\n"+d.eol))
		}
	}
	return false
}

// endLine ends the line before node end, in case it is the last of a file without
// a final newline, and reports whether there is one.
func (d *document) endLine(end int) bool {
	for i := end - 1; i >= 0; i-- {
		if n := &d.nodes[i]; n.kind != gone {
			if !strings.HasSuffix(n.text, "\n") {
				n.text += d.eol
			}
			return true
		}
	}
	return false
}

// marked returns the node before which the next line under our mark goes, or
// -1 where there is no mark, or no room: a line put between a logical line and
// its continuation would take that away from it, and so would the first logical
// line of a file with white space that continues nothing yet.
func (d *document) marked() int {
	at := len(d.nodes)
	for at > 0 && d.nodes[at-1].kind != mark {
		at--
	}
	if at == 0 {
		return -1
	}
	for at < len(d.nodes) && d.nodes[at].kind != ignored && d.nodes[at].kind != mark {
		at++
	}
	for _, n := range d.nodes[at:] {
		if n.kind == head {
			break
		}
		if n.kind == cont {
			return -1
		}
	}
	if at < len(d.nodes) && !slices.ContainsFunc(d.nodes[:at], func(n node) bool { return n.kind == head }) {
		return -1
	}
	return at
}

// underMark lists the names of what stands directly under our mark.
func (d *document) underMark() []string {
	var names []string
	ours := false
	for _, n := range d.nodes {
		switch n.kind {
		case mark:
			ours = true
		case ignored:
			ours = false
		case head:
			if ours {
				names = append(names, n.name)
			}
		}
	}
	return names
}

// dropEmptyMarks takes our comment away where nothing is under it any more.
func (d *document) dropEmptyMarks() {
	empty := true // nothing of a logical line since the last ignored one, read backwards
	for i := len(d.nodes) - 1; i >= 0; i-- {
		switch d.nodes[i].kind {
		case head, cont:
			empty = false
		case ignored:
			empty = true
		case mark:
			if empty {
				d.nodes[i] = node{}
			}
			empty = true
		}
	}
}

func (d *document) bytes() []byte {
	size := 0
	for _, n := range d.nodes {
		size += len(n.text)
	}
	out := make([]byte, 0, size)
	for _, n := range d.nodes {
		out = append(out, n.text...)
	}
	return out
}

func (d *document) clone() *document {
	return &document{slices.Clone(d.nodes), maps.Clone(d.heads), d.eol}
}

// LogicalLines are the lines of a text in the form that all files of Postfix have,
// without comments and blank lines, each with the lines that continue it. A text that
// Postfix cannot read has none.
func LogicalLines(data []byte) []string {
	doc, err := parseLines(data, func(string) string { return "" })
	if err != nil {
		return nil
	}
	var all []string
	for i := range doc.nodes {
		if doc.nodes[i].kind == head {
			all = append(all, strings.Join(strings.Fields(doc.logical(i)), " "))
		}
	}
	return all
}
