package adopt

import (
	"fmt"
	"strings"
)

// maxDirect bounds how many domains are named: the table itself stays.
const maxDirect = 100

// recipients reads transport_maps, which stay as they are.
func (a *reading) recipients() {
	maps := a.r.Param("transport_maps")
	if maps == "" {
		return
	}
	others := 0
	for _, key := range a.r.Keys(maps) {
		value, _, _ := a.r.Get(maps, key)
		transport, hop, _ := strings.Cut(value, ":")
		domain := strings.TrimPrefix(key, ".")
		switch {
		case key == "*":
		case transport == "smtp" && (hop == "" || hop == key) && !strings.ContainsAny(domain, "@*[]: ") && strings.Contains(domain, "."):
			a.out.Direct = append(a.out.Direct, key)
		default:
			others++
		}
	}
	what := setting("transport_maps", maps)
	a.out.keep(what, "%s and %s stay in the table; setup shows which way their mail goes", count(len(a.out.Direct), "domain that goes directly", "domains that go directly"), count(others, "other entry", "other entries"))
	if n := len(a.out.Direct); n > maxDirect {
		a.out.Direct = nil
		a.out.keep("the table in place of direct = [...]", "%d domains would make the file long", n)
	}
	tables, why := a.r.Closed(maps)
	for i, t := range tables {
		a.out.keep("transport_maps = "+t.String(), "%s: whether it sends mail past the relay is not known", why[i])
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
