package explain

import (
	"fmt"
)

// automaton finds all literals of all patterns in one pass over a text (Aho and
// Corasick, 1975), so that a line is tried against the few patterns that it can
// match and not against all. States are rows of a table with one column for
// each byte that occurs in a literal, and one for all others.
type automaton struct {
	column  [256]uint8
	columns int
	next    []uint16  // state*width + column -> state, with hitBit where it has hits
	hits    [][]entry // of each state, those of its suffixes included
}

const (
	width  = 128 // columns of a row, a power of two so that indexing is a shift
	hitBit = 1 << 15
)

// entry is a pattern that a literal points to. Markers have no failure.
type entry struct {
	failure int // index; -1 for a marker
	reply   bool
	pattern int
	marker  marker
}

// marker is a sign that a line tells of a problem, known or not.
type marker uint8

const (
	markNone    marker = iota
	markTrouble        // a status or a severity that is never good news
	markWarning        // may be harmless
	markReply          // the other side's words follow
)

// markers are looked for in a raw line, so they carry what surrounds them.
var markers = map[string]marker{
	"status=deferred": markTrouble, "status=bounced": markTrouble, "status=SOFTBOUNCE": markTrouble,
	"status=expired": markTrouble, "status=undeliverable": markTrouble,
	"]: fatal: ": markTrouble, "]: panic: ": markTrouble, "]: error: ": markTrouble,
	"]: warning: ": markWarning, ": reject: ": markWarning,
	" said: ": markReply, " refused to talk to me: ": markReply,
}

func newAutomaton(failures []*failure) (*automaton, error) {
	words := map[string][]entry{}
	for i, f := range failures {
		for _, list := range []struct {
			patterns []string
			reply    bool
		}{{f.Log, false}, {f.Reply, true}} {
			for j, pattern := range list.patterns {
				found := literals(pattern)
				if found == nil {
					return nil, fmt.Errorf("%q: the pattern %q has no literal of %d letters that each match contains", f.ID, pattern, minLiteral)
				}
				for _, word := range found {
					words[word] = append(words[word], entry{failure: i, reply: list.reply, pattern: j})
				}
			}
		}
	}
	for word, m := range markers {
		words[word] = append(words[word], entry{failure: -1, marker: m})
	}
	for _, word := range swallowing() {
		words[word] = []entry{{failure: -1, marker: markTrouble}}
	}
	a := &automaton{columns: 1}
	for word := range words {
		for _, c := range []byte(word) {
			if a.column[c] == 0 {
				a.column[c] = uint8(a.columns)
				a.columns++
			}
		}
	}
	if a.columns > width {
		return nil, fmt.Errorf("the patterns use %d different bytes, more than %d", a.columns-1, width-1)
	}
	a.build(words)
	if len(a.hits) >= hitBit {
		return nil, fmt.Errorf("the patterns need %d states, more than %d", len(a.hits), hitBit)
	}
	for i, state := range a.next {
		if len(a.hits[state]) > 0 {
			a.next[i] |= hitBit
		}
	}
	return a, nil
}

// build lays out the trie and turns it into the automaton, breadth first.
func (a *automaton) build(words map[string][]entry) {
	a.grow()
	for word, entries := range words {
		state := 0
		for _, c := range []byte(word) {
			at := state*width + int(a.column[c])
			if a.next[at] == 0 {
				a.next[at] = a.grow()
			}
			state = int(a.next[at])
		}
		a.hits[state] = append(a.hits[state], entries...)
	}
	fail := make([]uint16, len(a.hits))
	queue := []uint16{0}
	for len(queue) > 0 {
		state := queue[0]
		queue = queue[1:]
		a.hits[state] = append(a.hits[state], a.hits[fail[state]]...)
		for column := range a.columns {
			at := int(state)*width + column
			back := uint16(0)
			if state != 0 {
				back = a.next[int(fail[state])*width+column]
			}
			child := a.next[at]
			if child == 0 {
				a.next[at] = back
				continue
			}
			fail[child] = back
			queue = append(queue, child)
		}
	}
}

func (a *automaton) grow() uint16 {
	a.next = append(a.next, make([]uint16, width)...)
	a.hits = append(a.hits, nil)
	return uint16(len(a.hits) - 1)
}

// run calls found for each entry whose literal is in text.
func run[T string | []byte](a *automaton, text T, found func(entry)) {
	next := a.next
	state := 0
	for i := range len(text) {
		to := next[state*width+int(a.column[text[i]]&(width-1))]
		state = int(to &^ hitBit)
		if to&hitBit == 0 {
			continue
		}
		for _, e := range a.hits[state] {
			found(e)
		}
	}
}
