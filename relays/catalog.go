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
		d := Distance(word, r.ID)
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

// Distance is the number of letters that are added, dropped, replaced or swapped with
// their neighbour between a and b (optimal string alignment).
func Distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], 1+d[i-2][j-2])
				}
			}
		}
	}
	return d[len(a)][len(b)]
}
