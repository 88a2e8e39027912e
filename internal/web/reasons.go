package web

import (
	"strings"
	"sync"

	"relayhost/docs"
)

// Reason is why a parameter is set, and the manual page that describes it.
type Reason struct {
	Parameter string `json:"parameter"`
	Why       string `json:"why"` // Markdown: text and `code`
	Manual    string `json:"manual"`
}

// reasons are the rows by file ("main.cf", "master.cf") and parameter; a parameter
// named after the service begins with "<service>".
var reasons = sync.OnceValue(func() map[string]map[string]Reason {
	mainPart, masterPart, _ := strings.Cut(docs.Parameters, "\n## master.cf")
	all := map[string]map[string]Reason{"main.cf": {}, "master.cf": {}}
	for name, part := range map[string]string{"main.cf": mainPart, "master.cf": masterPart} {
		for line := range strings.Lines(part) { // | `parameter` | value | why | manual page |
			cells := strings.Split(line, " | ")
			if parameter, ok := strings.CutPrefix(cells[0], "| `"); ok && len(cells) == 4 {
				parameter = strings.TrimSuffix(parameter, "`")
				all[name][parameter] = Reason{parameter, strings.TrimSpace(cells[2]), strings.TrimRight(cells[3], "| \n")}
			}
		}
	}
	return all
})

// parameter is the name that an added line of a file sets, "" for none.
func parameter(file, line string) string {
	if file == "master.cf" {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "-o ")
		if !ok {
			return ""
		}
		line = strings.TrimPrefix(strings.TrimSpace(rest), "{")
	} else if line == "" || strings.ContainsAny(line[:1], "# \t") {
		return ""
	}
	name, _, ok := strings.Cut(line, "=")
	if !ok {
		return ""
	}
	return strings.TrimSpace(name)
}

// reasonOf finds why an added line stands in a file.
func reasonOf(file, line string, services []string) *Reason {
	name := parameter(file, line)
	if name == "" {
		return nil
	}
	if r, ok := reasons()[file][name]; ok {
		return &r
	}
	for _, s := range services {
		if rest, ok := strings.CutPrefix(name, s); ok {
			if r, ok := reasons()[file]["<service>"+rest]; ok {
				return &r
			}
		}
	}
	return nil
}
