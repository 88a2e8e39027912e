package plan

import (
	"path/filepath"
	"strings"

	"relayhost/internal/postfix"
)

// Rewriting says which senders of a server leave with the address of --from.
type Rewriting int

// The kinds of Rewriting.
const (
	RewriteNone  Rewriting = iota // none: the server's own accounts leave as they are
	RewriteOwn                    // the server's own accounts (root, www-data, cron)
	RewriteEvery                  // every sender
)

// Rewritten reads out of p which senders become from, on the server s: all by
// "static:" in sender_canonical_maps, or those of its own domain (myorigin) by a table
// that p writes.
func Rewritten(s postfix.State, p Plan, from string) Rewriting {
	own := false
	for _, f := range p.Files {
		switch base := filepath.Base(f.Path); {
		case base == "main.cf":
			main, err := postfix.ParseMain(f.After)
			if err != nil {
				continue
			}
			value, _ := main.Get("sender_canonical_maps")
			for _, table := range postfix.ParseTables(value, s.DefaultMap) {
				if strings.EqualFold(table.String(), "static:"+from) {
					return RewriteEvery
				}
			}
		case strings.HasPrefix(base, genericFile) || base == senderFile:
			table, err := postfix.ParseSource(f.After)
			if err != nil {
				continue
			}
			origin := strings.ToLower(Origin(s))
			for _, key := range []string{"@" + origin, "root@" + origin} {
				to, ok := table.Get(key)
				own = own || ok && strings.EqualFold(to, from)
			}
		}
	}
	if own {
		return RewriteOwn
	}
	return RewriteNone
}
