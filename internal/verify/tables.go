package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/postfix"
)

// mapParams name the tables that the way to the relay goes through.
var mapParams = []string{"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "transport_maps"}

// maps asks the tables that Postfix asks, as Postfix would.
func (r *run) maps(ctx context.Context, checks []*routeCheck) []Finding {
	if !r.State.Installed {
		return skip("maps", "there is no Postfix")
	}
	var findings []Finding
	var unread []string // tables that are no files, or none that are here
	seen := map[string]bool{}
	for _, t := range checks {
		configured := t.asConfigured()
		for _, param := range mapParams {
			for _, table := range postfix.ParseTables(r.State.Param(configured.Service, param), r.State.DefaultMap) {
				if key := param + " " + table.String(); !seen[key] {
					seen[key] = true
					findings = append(findings, tableFaults(r.Reader, param, table)...)
					if !onDisk(r.Reader, table) {
						unread = append(unread, table.String())
					}
				}
			}
		}
	}
	if len(findings) == 0 {
		findings = r.keys(ctx, checks)
	}
	findings = append(findings, berkeley(r.Reader, r.State, seen)...)
	switch {
	case len(findings) > 0:
		return findings
	case len(seen) == 0:
		return skip("maps", "mail to the relay uses no lookup table")
	case len(unread) == len(seen):
		return skip("maps", "not files that can be checked here: "+some(unread))
	case len(unread) > 0:
		return pass("maps", "the tables in files are sound; not checked: "+some(unread))
	}
	return pass("maps", "compiled, up to date, and readable by root alone where they hold a password")
}

// berkeley warns of tables on the way to the relay whose type goes with an upgrade.
func berkeley(r *host.Reader, state postfix.State, seen map[string]bool) []Finding {
	var tables []string
	for _, key := range slices.Sorted(maps.Keys(seen)) {
		if _, table, _ := strings.Cut(key, " "); (strings.HasPrefix(table, "hash:") || strings.HasPrefix(table, "btree:")) && !slices.Contains(tables, table) {
			tables = append(tables, table)
		}
	}
	why := state.BerkeleyEnds(r)
	if len(tables) == 0 || why == "" {
		return nil
	}
	f := Finding{Check: "maps", Result: Warn, Cause: "map_type_ends", Detail: "tables of Berkeley DB: " + some(tables) + "; " + why}
	switch typ := state.DefaultMap; {
	case typ != "hash" && typ != "btree":
		f.Remedy, f.Command = "Run setup: it moves the tables of the relay to the type "+typ+".", "relayhost setup"
	case slices.Contains(state.MapTypes, "lmdb"):
		f.Remedy, f.Command = "Move the tables of the relay to another type before the upgrade.", "relayhost setup --map-type lmdb"
	default:
		f.Remedy, f.Command = "Install the package postfix-lmdb before the upgrade, and move the tables of the relay: relayhost setup --map-type lmdb. After it, relayhost setup moves what is left.", "dnf install postfix-lmdb"
		if !r.Has("dnf") && r.Has("apt-get") {
			f.Command = "apt-get install postfix-lmdb"
		}
	}
	return []Finding{f}
}

// onDisk reports whether a table is a file, or compiled into one, that table checks.
func onDisk(r *host.Reader, t postfix.Table) bool {
	if !strings.HasPrefix(t.Path, "/") {
		return false
	}
	_, err := r.Stat(t.Path)
	if index := t.Index(); err != nil && index != "" {
		_, err = r.Stat(index)
	}
	return err == nil
}

// asConfigured is the route as master.cf has it.
func (t *routeCheck) asConfigured() postfix.Route {
	if t.number <= 1 {
		return postfix.RouteOf(t.State)
	}
	return postfix.NewRouting(t.State).By(t.route.Service, t.route.Hops[0].nextHop())
}

// about is a fault of a table that a parameter names; table is "" where it is one of
// several.
func about(id, param, table, detail string) Finding {
	f := Finding{Check: "maps", Result: Fail, Detail: detail}.known(id)
	f.about = lint.Subject{Rule: id, Parameter: param, Table: table}
	return f
}

// tableFaults checks one table on disk: compiled, not older than its source, closed.
func tableFaults(r *host.Reader, param string, t postfix.Table) []Finding {
	secret := param == "smtp_sasl_password_maps"
	source, err := r.Stat(t.Path)
	if !strings.HasPrefix(t.Path, "/") || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var findings []Finding
	files := []string{}
	if err == nil {
		files = append(files, t.Path)
	}
	if index := t.Index(); index != "" {
		m, ierr := r.Stat(index)
		switch {
		case errors.Is(ierr, fs.ErrNotExist):
			f := about("map_db_missing", param, t.String(), index+" is missing")
			f.Command = "postmap " + t.String()
			return []Finding{f}
		case ierr == nil && err == nil && source.Mtime.Sub(m.Mtime) > postfix.StaleAfter:
			f := about("map_db_stale", param, t.String(), index+" is older than "+t.Path)
			f.Command = "postmap " + t.String()
			findings = append(findings, f)
		}
		files = append(files, index)
	}
	for _, file := range files {
		m, err := r.Stat(file)
		if secret && err == nil && (m.Mode.Perm()&0o077 != 0 || m.UID != 0) {
			f := about("secret_world_readable", param, t.String(), fmt.Sprintf("%s has mode %04o and owner %d", file, m.Mode.Perm(), m.UID))
			f.Command = "chown root " + file + " && chmod 600 " + file
			findings = append(findings, f)
		}
	}
	return findings
}

// keys asks the password tables for every hop, with postmap(1): what counts is
// what the compiled table says. The answers are compared, never shown.
func (r *run) keys(ctx context.Context, checks []*routeCheck) (findings []Finding) {
	asked := map[string][]*lookup{} // by the list of tables
	var lists []string
	for _, t := range checks {
		for i := range t.route.Hops {
			l := t.lookup(i)
			if l == nil {
				continue
			}
			if asked[l.maps] == nil {
				lists = append(lists, l.maps)
			}
			asked[l.maps] = append(asked[l.maps], l)
		}
	}
	for _, maps := range lists {
		findings = append(findings, askTables(ctx, r.Reader, r.State, maps, asked[maps])...)
	}
	return findings
}

// lookup is one question to a password table.
type lookup struct {
	*routeCheck
	hop     Hop
	nextHop string   // as it is written in Postfix
	maps    string   // value of smtp_sasl_password_maps
	keys    []string // in the order in which smtp(8) asks (smtp_sasl_glue.c): sender, host, next hop
}

// lookup is the question for a hop of the route; nil where no password is meant.
func (t *routeCheck) lookup(i int) *lookup {
	configured, hop := t.asConfigured(), t.route.Hops[i]
	if hop.Socket != "" {
		return nil // the bridge has it in a file of its own
	}
	l := &lookup{routeCheck: t, hop: hop, nextHop: hop.nextHop(), maps: t.State.Param(configured.Service, "smtp_sasl_password_maps")}
	if i == 0 && t.number <= 1 {
		l.nextHop = configured.First().Text
	}
	if i == 0 && t.number <= 1 && hop.elsewhere(configured) {
		return nil // a password for another next hop is not what is wrong
	}
	if l.maps == "" || l.nextHop == "" || hop.Username == "" && hop.Password.IsZero() && len(hop.Relay.Auth.Mechanisms) == 0 {
		return nil
	}
	if strings.EqualFold(t.State.Param(configured.Service, "smtp_sender_dependent_authentication"), "yes") {
		l.keys = postfix.SenderKeys(strings.ToLower(t.route.From))
	}
	host := hop.Host
	if i == 0 && t.number <= 1 {
		host = configured.First().Host
	}
	l.keys = append(l.keys, strings.ToLower(host), strings.ToLower(l.nextHop))
	return l
}

// maxKeys is how many keys one postmap(1) is asked for.
const maxKeys = 5000

// askTables asks the tables of one list.
func askTables(ctx context.Context, r *host.Reader, state postfix.State, maps string, questions []*lookup) (findings []Finding) {
	var keys []string
	for _, l := range questions {
		keys = append(keys, l.keys...)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	tables := postfix.ParseTables(maps, state.DefaultMap)
	answers := make([]map[string]string, len(tables))
	for i, t := range tables {
		answers[i] = map[string]string{}
		for some := range slices.Chunk(keys, maxKeys) {
			out, err := r.Query(ctx, host.PostmapGet(state.ConfigDir, t.String(), some...))
			// postmap(1) ends with 1 also where it may not open a table.
			if err != nil || out.Code > 1 || bytes.Contains(out.Stderr, []byte("fatal: ")) {
				return []Finding{notRead(out.Stderr)}
			}
			for key, value := range host.PostmapEntries(out.Stdout) {
				answers[i][strings.ToLower(key)] = value
			}
		}
	}
	for _, l := range questions {
		if f := l.judge(tables, answers); f != nil {
			findings = append(findings, l.of(*f))
		}
	}
	return findings
}

// notRead is the finding on a password table that postmap(1) could not ask, by what it
// says: for want of root, of a server behind the table, or of a fault. Its words may hold a
// password (static:).
func notRead(stderr []byte) Finding {
	causes := explain.Text(string(stderr), nil)
	if i := slices.IndexFunc(causes, func(c explain.Cause) bool { return c.ID == "table_server_down" }); i >= 0 {
		// smtp(8) gets no answer either.
		return Finding{Check: "maps", Result: Fail, Detail: "the server behind the password table does not answer"}.because(causes[i:])
	}
	f := Finding{Check: "maps", Result: Warn, Detail: "the password table could not be read"}.known("map_lookup_error")
	if bytes.Contains(stderr, []byte("Permission denied")) {
		f.Detail, f.Remedy, f.Command = "the password table may be read by root only", "Run verify as root.", "sudo relayhost verify"
	}
	return f
}

// judge looks at the answer that smtp(8) would take: each key is asked of every
// table before the next key is.
func (l *lookup) judge(tables []postfix.Table, answers []map[string]string) *Finding {
	for _, key := range l.keys {
		for i, t := range tables {
			value, ok := answers[i][key]
			if !ok {
				continue
			}
			want := l.hop.Username + string(l.State.PasswordDelimiter()) + l.hop.Password.Reveal()
			if l.State.Maps[t.Path] == nil || l.hop.Password.IsZero() || value == want {
				return nil
			}
			f := about("map_db_stale", "smtp_sasl_password_maps", t.String(), "the compiled entry for "+key+" differs from the source file")
			f.Command = "postmap " + t.String()
			return &f
		}
	}
	id := "map_key_mismatch"
	if l.sourceHasKey(tables) {
		id = "map_db_truncated"
	}
	table := ""
	if len(tables) == 1 {
		table = tables[0].String()
	}
	f := about(id, "smtp_sasl_password_maps", table, "the password table has no entry for "+l.nextHop)
	return &f
}

func (l *lookup) sourceHasKey(tables []postfix.Table) bool {
	for _, t := range tables {
		source, err := postfix.ParseSource(l.State.Maps[t.Path])
		if err == nil && slices.ContainsFunc(l.keys, func(key string) bool { _, ok := source.Get(key); return ok }) {
			return true
		}
	}
	return false
}
