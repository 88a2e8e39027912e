package explain

import (
	"fmt"
	"strings"

	"relayhost/internal/lint"
)

// blamed are the rules of internal/lint that may be behind a cause: what the log says
// is the same, and only the files show it.
var blamed = map[string][]string{
	"auth_535_generic": {"table_dollar", "table_no_colon", "table_empty_entry"},
	"tls_not_offered":  {"tls_level_starves_filter", "tls_wrappermode_global"},
}

// blame puts the fault in this host's files that a cause comes of into its words.
func (g *Group) blame(faults []lint.Finding) {
	for _, rule := range blamed[g.Cause.ID] {
		for _, f := range faults {
			if f.Rule != rule || g.Past {
				continue
			}
			where := f.File
			if f.Line > 0 {
				where = fmt.Sprintf("%s, line %d", f.File, f.Line)
			}
			g.Cause.Meaning = where + ": " + strings.TrimSuffix(f.Detail, ".") + "."
			g.Cause.Remedy, g.Cause.Command, g.Cause.Confirmed = f.Remedy, f.Command, true
			return
		}
	}
}
