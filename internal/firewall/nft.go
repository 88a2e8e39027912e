package firewall

import (
	"encoding/json"
	"slices"
	"strings"
)

// nftChain is a chain with its rules in order.
type nftChain struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Type   string `json:"type"`
	Hook   string `json:"hook"`
	Policy string `json:"policy"`
	rules  [][]map[string]any
}

func (c *nftChain) String() string { return clean(c.Family + " " + c.Table + " " + c.Name) }

type nftKey struct{ family, table, name string }

// nftRules is what libnftables-json(5) prints, as far as it is needed here.
type nftRules struct {
	chains map[nftKey]*nftChain
	order  []*nftChain
	sets   map[nftKey][]any
}

// nftSet is a set or a map.
type nftSet struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Elem   []any  `json:"elem"`
}

func (s *nftSet) key() nftKey { return nftKey{s.Family, s.Table, s.Name} }

func parseNft(data []byte) nftRules {
	rules := nftRules{chains: map[nftKey]*nftChain{}, sets: map[nftKey][]any{}}
	var doc struct {
		Nftables []struct {
			Chain *nftChain `json:"chain"`
			Set   *nftSet   `json:"set"`
			Map   *nftSet   `json:"map"`
			Rule  *struct {
				Family string           `json:"family"`
				Table  string           `json:"table"`
				Chain  string           `json:"chain"`
				Expr   []map[string]any `json:"expr"`
			} `json:"rule"`
		} `json:"nftables"`
	}
	if json.Unmarshal(data, &doc) != nil {
		return rules
	}
	for _, o := range doc.Nftables {
		switch {
		case o.Chain != nil:
			rules.chains[nftKey{o.Chain.Family, o.Chain.Table, o.Chain.Name}] = o.Chain
			rules.order = append(rules.order, o.Chain)
		case o.Set != nil:
			rules.sets[o.Set.key()] = o.Set.Elem
		case o.Map != nil:
			rules.sets[o.Map.key()] = o.Map.Elem
		}
	}
	for _, o := range doc.Nftables {
		if o.Rule == nil {
			continue
		}
		if c := rules.chains[nftKey{o.Rule.Family, o.Rule.Table, o.Rule.Chain}]; c != nil {
			c.rules = append(c.rules, o.Rule.Expr)
		}
	}
	return rules
}

// findNft follows every base chain of the output hook as the packet would go.
// An accept ends one base chain only; a drop in any of them is final.
func findNft(data []byte, p Packet) *Rule {
	rules := parseNft(data)
	var guess *Rule
	for _, c := range rules.order {
		if c.Hook != "output" && c.Hook != "postrouting" || !concerns(c.Family, p.IPv6) {
			continue
		}
		w := nftWalk{rules: rules, packet: p}
		found, final := w.chain(c, 0)
		if !final && c.Policy == "drop" {
			found = &Rule{Text: "chain " + c.String() + ": policy drop", Action: Drop}
		}
		for _, r := range []*Rule{found, w.guess} {
			if r != nil {
				r.Tool = "nft"
			}
		}
		if found != nil && found.Action != DNAT {
			return found
		}
		if guess == nil {
			guess = w.guess
		}
		if guess == nil {
			guess = found
		}
	}
	return guess
}

func concerns(family string, ipv6 bool) bool {
	return family == "inet" || family == "ip6" && ipv6 || family == "ip" && !ipv6
}

type nftWalk struct {
	rules  nftRules
	packet Packet
	guess  *Rule
}

// chain returns the rule that stops the packet; final is true when the packet's
// fate in this base chain is decided.
func (w *nftWalk) chain(c *nftChain, depth int) (found *Rule, final bool) {
	if depth > maxJumps {
		return nil, false
	}
	for _, expr := range c.rules {
		match, names := w.match(c, expr)
		if match == no {
			continue
		}
		verdict, target := w.verdict(c, expr)
		act := map[string]Action{"drop": Drop, "reject": Reject, "dnat": DNAT, "redirect": DNAT}[verdict]
		switch {
		case act != "" && match == yes:
			return &Rule{Text: c.String() + ": " + nftText(expr), Action: act}, true
		case act != "" && names && w.guess == nil:
			w.guess = &Rule{Text: c.String() + ": " + nftText(expr), Action: act}
		case match != yes:
		case verdict == "accept":
			return nil, true
		case verdict == "return":
			return nil, false
		case verdict == "jump" || verdict == "goto":
			next := w.rules.chains[nftKey{c.Family, c.Table, target}]
			if next == nil {
				continue
			}
			if found, final := w.chain(next, depth+1); final || verdict == "goto" {
				return found, final
			}
		}
	}
	return nil, false
}

// match evaluates the conditions of a rule; names tells whether the port asked about is
// among them.
func (w *nftWalk) match(c *nftChain, expr []map[string]any) (result truth, names bool) {
	result = yes
	for _, e := range expr {
		if m, ok := e["match"].(map[string]any); ok {
			t, port := w.condition(c, m)
			names = names || port && t != no
			result = min(result, t)
		}
		for _, unknown := range []string{"limit", "quota", "xt", "ct count"} {
			if _, ok := e[unknown]; ok {
				result = min(result, maybe)
			}
		}
	}
	return result, names
}

func (w *nftWalk) condition(c *nftChain, m map[string]any) (t truth, port bool) {
	left, _ := m["left"].(map[string]any)
	right := m["right"]
	t = maybe
	switch protocol := field(left, "payload", "protocol"); {
	case protocol == "ip" && w.packet.IPv6, protocol == "ip6" && !w.packet.IPv6:
		return no, false // it has no such header, whatever is asked of that
	case left["concat"] != nil:
		t, port = w.joined(c, left["concat"], right)
	case field(left, "payload", "field") == "dport":
		t, port = w.holds(c, right, w.packet.Port), true
	case field(left, "payload", "field") == "daddr" || field(left, "payload", "field") == "saddr":
		t = maybe
	case field(left, "meta", "key") == "skuid":
		t = w.holds(c, right, w.packet.UID)
	case field(left, "meta", "key") == "oifname" && right == "lo":
		t = no
	case field(left, "meta", "key") == "l4proto":
		t = truthOf(contains(right, "tcp"))
	case field(left, "meta", "key") == "nfproto":
		t = truthOf(contains(right, map[bool]string{true: "ipv6", false: "ipv4"}[w.packet.IPv6]))
	case field(left, "ct", "key") == "state":
		t = truthOf(contains(right, "new"))
	}
	if m["op"] == "!=" {
		t = t.not()
	}
	return t, port
}

// joined looks the port up in a set of several fields ("meta l4proto . th dport"),
// of which the others are not looked at.
func (w *nftWalk) joined(c *nftChain, fields, right any) (t truth, port bool) {
	list, _ := fields.([]any)
	at := slices.IndexFunc(list, func(f any) bool {
		m, _ := f.(map[string]any)
		return field(m, "payload", "field") == "dport"
	})
	elems, known := w.elements(c, right)
	if at < 0 || !known {
		return maybe, false
	}
	for _, e := range elems {
		m, _ := e.(map[string]any)
		parts, _ := m["concat"].([]any)
		if at < len(parts) && w.holds(c, parts[at], w.packet.Port) != no {
			return maybe, true
		}
	}
	return no, true
}

func field(left map[string]any, kind, key string) string {
	inner, _ := left[kind].(map[string]any)
	text, _ := inner[key].(string)
	return text
}

// elements spreads a value, a set, or the name of a set.
func (w *nftWalk) elements(c *nftChain, right any) ([]any, bool) {
	switch v := right.(type) {
	case string:
		if name, ok := strings.CutPrefix(v, "@"); ok {
			elems, known := w.rules.sets[nftKey{c.Family, c.Table, name}]
			return elems, known
		}
	case map[string]any:
		if set, ok := v["set"].([]any); ok {
			return set, true
		}
	case []any:
		return v, true
	}
	return []any{right}, true
}

// holds reports whether the number n is in right.
func (w *nftWalk) holds(c *nftChain, right any, n int) truth {
	elems, known := w.elements(c, right)
	if !known {
		return maybe
	}
	for _, e := range elems {
		switch v := e.(type) {
		case float64:
			if int(v) == n {
				return yes
			}
		case string:
			if portIn(v, n) || v == "root" && n == 0 {
				return yes
			}
		case map[string]any:
			if r, ok := v["range"].([]any); ok && len(r) == 2 {
				low, ok1 := r[0].(float64)
				high, ok2 := r[1].(float64)
				if ok1 && ok2 && int(low) <= n && n <= int(high) {
					return yes
				}
			}
		}
	}
	return no
}

func contains(right any, word string) bool {
	switch v := right.(type) {
	case string:
		return v == word
	case float64:
		return word == "tcp" && v == 6
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return contains(e, word) })
	case map[string]any:
		return contains(v["set"], word)
	}
	return false
}

// verdict returns what the rule does, and the chain that it jumps to.
func (w *nftWalk) verdict(c *nftChain, expr []map[string]any) (verdict, target string) {
	for _, e := range expr {
		for _, word := range []string{"drop", "reject", "accept", "return", "dnat", "redirect"} {
			if _, ok := e[word]; ok {
				return word, ""
			}
		}
		for _, word := range []string{"jump", "goto"} {
			if to, ok := e[word].(map[string]any); ok {
				name, _ := to["target"].(string)
				return word, name
			}
		}
		if vmap, ok := e["vmap"].(map[string]any); ok {
			return w.mapped(c, vmap)
		}
	}
	return "", ""
}

// mapped looks the port up in a verdict map.
func (w *nftWalk) mapped(c *nftChain, vmap map[string]any) (verdict, target string) {
	key, _ := vmap["key"].(map[string]any)
	data, _ := vmap["data"].(map[string]any)
	set, ok := data["set"].([]any)
	if !ok {
		set, _ = w.elements(c, vmap["data"])
	}
	if field(key, "payload", "field") != "dport" {
		return "", ""
	}
	for _, pair := range set {
		p, ok := pair.([]any)
		if !ok || len(p) != 2 || w.holds(c, p[0], w.packet.Port) != yes {
			continue
		}
		if act, ok := p[1].(map[string]any); ok {
			return w.verdict(c, []map[string]any{act})
		}
	}
	return "", ""
}
