package apply

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// addBetween gives the tables and master.cf among steps a state in between, which
// holds the entries of the old and the new configuration: whatever main.cf a
// process of Postfix has read, it finds its service, its password and its TLS
// policy. Without it a message that is under way during the change would be deferred
// for minutes, or in rare cases sent twice: that no mail is touched is what it is for.
// Where main.cf and master.cf stay as they are nothing is added.
func (s *stage) addBetween(ctx context.Context, steps []step) error {
	if !slices.ContainsFunc(steps, s.o.isConfig) {
		return nil
	}
	for i := range steps {
		if text, ok := s.o.joined(steps[i], steps); ok && !bytes.Equal(text, steps[i].After.data) {
			between := steps[i].After
			between.data, between.Sum = text, host.Sum(text)
			steps[i].Between = &between
		}
	}
	for i := range steps {
		if err := s.addBetweenMap(ctx, &steps[i], steps); err != nil {
			return err
		}
	}
	return nil
}

// addBetweenMap builds the map that goes with a source in between.
func (s *stage) addBetweenMap(ctx context.Context, m *step, steps []step) error {
	at := slices.IndexFunc(steps, func(s step) bool { return m.Source != "" && s.Path == m.Source })
	if at < 0 || steps[at].Between == nil || m.Map == "" || !m.Before.Exists || !m.After.Exists {
		return nil
	}
	source := steps[at]
	if source.Between.same(source.Before) {
		same := m.Before
		m.Between = &same
		return nil
	}
	if err := s.open(steps); err != nil {
		return err
	}
	f := plan.File{Path: source.Path, After: source.Between.data, Map: m.Map}
	built, err := s.compile(ctx, f, m.After)
	if err != nil {
		return err
	}
	built.Mode, built.UID, built.GID, built.Xattrs = m.After.Mode, m.After.UID, m.After.GID, m.After.Xattrs
	m.Between = &built
	return nil
}

// hasBetween reports whether s is one of those that addBetween gives a state in between,
// unless the new state serves as such.
func (o Options) hasBetween(s step, steps []step) bool {
	if !s.Before.Exists || !s.After.Exists || s.Before.Dir || s.After.Dir || o.isMain(s) {
		return false
	}
	return o.isConfig(s) || s.Map != "" || s.Source == "" && isTable(s, steps)
}

// joined is the text of s that holds the entries of before and after, if there
// is such a thing.
func (o Options) joined(s step, steps []step) ([]byte, bool) {
	switch {
	case !o.hasBetween(s, steps) || s.Source != "":
		return nil, false
	case o.isConfig(s):
		return joinServices(s.Before.data, s.After.data)
	}
	return joinTables(s.Before.data, s.After.data)
}

// isTable reports whether s is a lookup table that Postfix reads: one that is
// compiled by postmap(1), one with passwords, or one of ours.
func isTable(s step, steps []step) bool {
	for _, m := range steps {
		if m.Source == s.Path {
			return m.Map != ""
		}
	}
	return s.Secret && !conf.IsConfig(s.Path) || strings.HasPrefix(filepath.Base(s.Path), "relayhost_")
}

// joinServices adds to the new master.cf the services of ours that it does not
// have any more. An old one that has all of the new one's serves as it is.
func joinServices(before, after []byte) ([]byte, bool) {
	was, err1 := postfix.ParseMaster(before)
	both, err2 := postfix.ParseMaster(after)
	if err1 != nil || err2 != nil {
		return nil, false
	}
	if hasAll(was, both) {
		return before, true
	}
	for _, s := range was.Services() {
		if !strings.HasPrefix(s.Name, plan.ServicePrefix) {
			continue
		}
		if will, stays := both.Get(s.Name, s.Type); !stays || private(s) && !private(will) {
			both.Set(s)
		}
	}
	return both.Bytes(), true
}

// private reports whether an smtp(8) service of ours says itself how it logs in and
// speaks TLS, whatever main.cf says. One that an earlier release has written does
// not: with a main.cf of today it would speak in the clear.
func private(s postfix.Service) bool {
	_, own := s.Option("smtp_tls_security_level")
	return own || s.Command != "smtp"
}

// becomesPrivate reports whether a service of ours in before relies on main.cf and
// does not in after.
func becomesPrivate(before, after []byte) bool {
	was, err1 := postfix.ParseMaster(before)
	will, err2 := postfix.ParseMaster(after)
	if err1 != nil || err2 != nil {
		return false
	}
	return slices.ContainsFunc(will.Services(), func(s postfix.Service) bool {
		old, found := was.Get(s.Name, s.Type)
		return found && strings.HasPrefix(s.Name, plan.ServicePrefix) && private(s) && !private(old)
	})
}

func hasAll(was, will *postfix.Master) bool {
	return !slices.ContainsFunc(will.Services(), func(s postfix.Service) bool {
		old, found := was.Get(s.Name, s.Type)
		return !found || old.String() != s.String()
	})
}

// joinTables adds to the new table the entries of the old one whose keys it does
// not have. In a table of patterns the first match counts, the new one's.
func joinTables(before, after []byte) ([]byte, bool) {
	if isPatterns(before) || isPatterns(after) {
		if bytes.Equal(before, after) {
			return after, true
		}
		return slices.Concat(bytes.TrimRight(after, "\n"), []byte("\n"), before), true
	}
	was, err1 := postfix.ParseSource(before)
	both, err2 := postfix.ParseSource(after)
	if err1 != nil || err2 != nil {
		return nil, false
	}
	keys, values := both.All()
	oldKeys, oldValues := was.All()
	all := true // the old table has all of the new one, and nothing that gets in its way
	bare := make(map[string]bool)
	for _, key := range keys {
		old, found := oldValues[key]
		all = all && found && old == values[key]
		// smtp(8) looks the bare host up first, so that an old entry for it
		// would win over the new one for the next hop.
		if host, _, found := strings.Cut(key, "]:"); found {
			bare[strings.TrimPrefix(host, "[")] = true
		}
	}
	joined := bytes.Clone(after)
	if len(joined) > 0 && joined[len(joined)-1] != '\n' {
		joined = append(joined, '\n')
	}
	for _, key := range oldKeys {
		_, stays := values[key]
		// "*" of transport(5) would win over the new relayhost.
		if bare[key] || key == "*" && !stays {
			all = false
			continue
		}
		if !stays {
			joined = append(joined, key+" "+oldValues[key]+"\n"...)
		}
	}
	if all {
		return before, true
	}
	return joined, true
}

// isPatterns reports whether text is of a regexp or pcre table.
func isPatterns(text []byte) bool {
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return line[0] == '/' || line[0] == '!'
		}
	}
	return false
}
