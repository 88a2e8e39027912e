package lint

import (
	"fmt"
	"strings"
)

// duplicate finds parameters that are defined more than once; the last
// definition counts. Blocks that were pasted twice become one finding.
func duplicate(v *View) (found []Finding) {
	first := map[string]int{}
	var names []string
	lines, line := []string{}, 0
	for _, p := range v.Defined {
		at, seen := first[p.Name]
		if !seen {
			first[p.Name] = p.Line
			continue
		}
		if line == 0 {
			line = p.Line
		}
		names = append(names, p.Name)
		lines = append(lines, fmt.Sprintf("%s in lines %d and %d", p.Name, at, p.Line))
	}
	if len(names) == 0 {
		return nil
	}
	const most = 6
	if more := len(lines) - most; more > 0 {
		lines = append(lines[:most], fmt.Sprintf("%d more", more))
	}
	return []Finding{{File: v.Main, Line: line, Parameter: names[0], Detail: "parameters are defined more than once, and only the last definition counts: " + strings.Join(lines, ", "),
		Remedy: "Remove all definitions but the one that is meant."}}
}
