package relays

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

var embedded = sync.OnceValue(readCatalog)

// Catalog gives every service that is built in, those of tier 1 first, then by
// name. It is made once; the list may be changed, what its entries point to
// may not. The error is nil: the tests hold every file of catalog/ to the rules of
// [Parse], and the program to the files.
func Catalog() ([]Relay, error) { return slices.Clone(embedded()), nil }

func readCatalog() []Relay {
	list := builtIn()
	for i := range list {
		list[i].inherit()
	}
	return list
}

// Get finds a built-in service by its id. The error of an unknown one names
// those that come near.
func Get(id string) (Relay, error) {
	return Find(embedded(), id)
}

// Find is Get in a list that may hold services of the user's.
func Find(list []Relay, id string) (Relay, error) {
	for _, r := range list {
		if r.ID == id {
			return r, nil
		}
	}
	near := Near(list, id)
	if len(near) == 0 {
		return Relay{}, fmt.Errorf("no relay service %q: see relayhost relays", id)
	}
	return Relay{}, fmt.Errorf("no relay service %q: did you mean %s", id, strings.Join(near, ", "))
}

// Near gives the ids of at most three services that somebody who typed word may
// have meant: by spelling, by a part of the name, by a part of the host.
func Near(list []Relay, word string) []string {
	word = strings.ToLower(strings.TrimSpace(word))
	if word == "" || len(word) > 64 {
		return nil
	}
	type hit struct {
		id   string
		rank int
	}
	var hits []hit
	for _, r := range list {
		d := distance(word, r.ID)
		switch text := strings.ToLower(r.Name + " " + strings.Join(r.Hosts.all(), " ")); {
		case d <= 1 || d == 2 && len(word) > 4:
			hits = append(hits, hit{r.ID, d})
		case len(word) > 2 && (strings.Contains(r.ID, word) || strings.Contains(word, r.ID)):
			hits = append(hits, hit{r.ID, 3})
		case len(word) > 2 && strings.Contains(text, word):
			hits = append(hits, hit{r.ID, 4})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(a.rank, b.rank) })
	var ids []string
	for _, h := range hits[:min(3, len(hits))] {
		ids = append(ids, h.id)
	}
	return ids
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diagonal, row[j] = row[j], min(row[j]+1, row[j-1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
