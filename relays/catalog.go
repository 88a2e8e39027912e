package relays

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

//go:embed catalog/*.toml
var catalogFiles embed.FS

var embedded = sync.OnceValues(readCatalog)

// Catalog gives every service that is built in, those of tier 1 first, then by
// name. It is read once; the list may be changed, what its entries point to
// may not.
func Catalog() ([]Relay, error) {
	all, err := embedded()
	return slices.Clone(all), err
}

func readCatalog() ([]Relay, error) {
	if _, err := generic(); err != nil {
		return nil, err
	}
	entries, err := catalogFiles.ReadDir("catalog")
	if err != nil {
		return nil, err
	}
	all, errs := make([]*Relay, len(entries)), make([]error, len(entries))
	var next atomic.Int64
	var done sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(entries); i = int(next.Add(1)) - 1 {
				all[i], errs[i] = readBuiltIn(entries[i].Name())
			}
		})
	}
	done.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	slices.SortFunc(all, func(a, b *Relay) int {
		return cmp.Or(cmp.Compare(tierRank(a), tierRank(b)), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	list := make([]Relay, len(all))
	for i, r := range all {
		list[i] = *r
	}
	return list, nil
}

func readBuiltIn(name string) (*Relay, error) {
	file := path.Join("catalog", name)
	data, err := catalogFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	r, err := Parse(file, data)
	if err == nil && r.ID+".toml" != name {
		err = &FileError{File: file, Key: "id", Message: "differs from the file's name"}
	}
	return &r, err
}

// tierRank puts services that name no tier last.
func tierRank(r *Relay) int {
	if r.Tier == 0 {
		return 99
	}
	return r.Tier
}

var single sync.Map // Relay by id, of those that Get has read

// Get finds a built-in service by its id, and reads no other. The error of an
// unknown one names those that come near.
func Get(id string) (Relay, error) {
	if r, ok := single.Load(id); ok {
		return r.(Relay), nil
	}
	if _, err := fs.Stat(catalogFiles, path.Join("catalog", id+".toml")); err == nil {
		r, err := readBuiltIn(id + ".toml")
		if err != nil {
			return Relay{}, err
		}
		single.Store(id, *r)
		return *r, nil
	}
	all, err := Catalog()
	if err != nil {
		return Relay{}, err
	}
	return Find(all, id)
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
