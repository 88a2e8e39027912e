package firewall

import (
	"fmt"
	"slices"
	"strings"
)

// nftText writes a rule much as `nft list ruleset` would: the ruleset is read once, as
// JSON, and the words of nft itself would be those of a second reading, which other
// rules may have been added before.
func nftText(expr []map[string]any) string {
	var parts []string
	for _, e := range expr {
		for kind, value := range e {
			parts = append(parts, nftStatement(kind, value))
		}
	}
	return clean(strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "))
}

func nftStatement(kind string, value any) string {
	v, _ := value.(map[string]any)
	switch kind {
	case "match":
		op := ""
		if v["op"] == "!=" {
			op = "!= "
		}
		left, _ := v["left"].(map[string]any)
		return nftLeft(left) + " " + op + nftValue(v["right"])
	case "reject":
		if v == nil {
			return kind
		}
		how := fmt.Sprint(v["type"])
		if v["expr"] != nil {
			how += " " + fmt.Sprint(v["expr"])
		}
		return "reject with " + how
	case "dnat":
		return fmt.Sprintf("dnat to %v", v["addr"])
	case "redirect":
		return fmt.Sprintf("redirect to :%v", v["port"])
	case "jump", "goto":
		return fmt.Sprintf("%s %v", kind, v["target"])
	case "xt":
		return fmt.Sprintf("xt %v %v", v["type"], v["name"])
	default: // counter, log, limit, drop, accept, ...
		return kind
	}
}

func nftLeft(left map[string]any) string {
	for kind, value := range left {
		v, _ := value.(map[string]any)
		switch kind {
		case "payload":
			return fmt.Sprintf("%v %v", v["protocol"], v["field"])
		case "meta", "ct":
			return fmt.Sprintf("%s %v", kind, v["key"])
		default:
			return kind
		}
	}
	return "?"
}

func nftValue(value any) string {
	switch v := value.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = nftValue(e)
		}
		return strings.Join(parts, ", ")
	case map[string]any:
		if set, ok := v["set"].([]any); ok {
			return "{ " + nftValue(set) + " }"
		}
		if r, ok := v["range"].([]any); ok && len(r) == 2 {
			return nftValue(r[0]) + "-" + nftValue(r[1])
		}
		if p, ok := v["prefix"].(map[string]any); ok {
			return fmt.Sprintf("%v/%v", p["addr"], p["len"])
		}
		return "..."
	default:
		return fmt.Sprint(v)
	}
}
