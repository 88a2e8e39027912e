package verify

import (
	"cmp"
	"slices"
	"strings"

	"relayhost/internal/plural"
)

// routeByRoute is how many routes are shown one by one, and maxWords how many findings of
// one check with one cause are, where there are more routes.
const routeByRoute, maxWords = 10, 3

// class is what is found in the same words on several routes, about another sender each.
type class struct {
	Finding          // that on the first of them
	of      int      // how many routes there are; 0 where this is about one of a few, or about the server
	routes  []string // with the finding, in order
	own     bool     // each in words about its own sender
}

// fold joins the findings on many routes that say the same. Those on the server, and all
// of a few routes, stay as they are. Of what passes only the number of routes is told; of
// what does not the words of the first route and the names of all, and where each route has
// words of its own, those of maxWords routes.
func fold(findings []Finding, routes []Route) (list []class) {
	named := map[string]bool{}
	for _, f := range findings {
		if f.Route != "" {
			named[f.Route] = true
		}
	}
	subjects := map[string]*strings.Replacer{}
	for _, r := range routes {
		subjects[r.Name] = subject(r)
	}
	var many []class
	at := map[Finding]int{}
	for _, f := range findings {
		if f.Route == "" || len(named) <= routeByRoute {
			list = append(list, class{Finding: f})
			continue
		}
		words := wordsOf(f, subjects[f.Route])
		i, ok := at[words]
		if !ok {
			i = len(many)
			at[words] = i
			many = append(many, class{Finding: f, of: len(named), own: strings.Contains(words.Detail+words.Remedy+words.Command, itself)})
		}
		if names := many[i].routes; len(names) == 0 || names[len(names)-1] != f.Route { // sorted by route
			many[i].routes = append(names, f.Route)
		}
	}
	slices.SortStableFunc(many, func(a, b class) int { return slices.Index(order, a.Check) - slices.Index(order, b.Check) })
	return append(list, short(many)...)
}

// short counts the routes of what passes, and joins what is beyond maxWords.
func short(many []class) (list []class) {
	alike := map[Finding][]int{} // places in list
	for _, c := range many {
		key := Finding{Check: c.Check, Result: c.Result, Cause: c.Cause}
		switch places := alike[key]; {
		case c.Result == Pass && len(c.routes) > 1:
			c.Detail = plural.Of(len(c.routes), "route")
		case len(places) < maxWords:
		case len(places) == maxWords:
			c.Detail, c.Remedy, c.Command, c.own = "as above, with other details", "", "", false
		default:
			rest := &list[places[maxWords]]
			for _, name := range c.routes {
				if !slices.Contains(rest.routes, name) { // by another finding of that check
					rest.routes = append(rest.routes, name)
				}
			}
			continue
		}
		alike[key] = append(alike[key], len(list))
		list = append(list, c)
	}
	return list
}

// wordsOf is what f says of any route.
func wordsOf(f Finding, subject *strings.Replacer) Finding {
	words := Finding{Check: f.Check, Result: f.Result}
	if f.Result != Pass {
		words.Cause = f.Cause
		words.Detail, words.Remedy, words.Command = subject.Replace(f.Detail), subject.Replace(f.Remedy), subject.Replace(f.Command)
	}
	return words
}

// itself stands for a sender of the route that a finding is about.
const itself = "\x00"

// subject takes the route and its senders out of a text.
func subject(r Route) *strings.Replacer {
	names := append([]string{r.From}, r.Senders...)
	if _, domain, ok := strings.Cut(r.From, "@"); ok {
		names = append(names, domain)
	}
	names = slices.DeleteFunc(names, func(s string) bool { return !strings.ContainsAny(s, "@.") })
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // a.example in x@a.example
	pairs := []string{"route " + r.Name, "route", "--route " + r.Name, "--route"}
	for _, s := range names {
		pairs = append(pairs, s, itself)
	}
	return strings.NewReplacer(pairs...)
}
