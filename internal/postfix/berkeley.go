//go:build unix

package postfix

import (
	"slices"
	"strings"

	"relayhost/internal/host"
)

// BerkeleyEnds says why tables of Berkeley DB (hash, btree) will not be read any more
// after an upgrade; "" where nothing is known of that. Postfix 3.11 warns of each
// (NON_BERKELEYDB_README, RELEASE_NOTES-3.11); RHEL 10 is built without it (Considerations
// in adopting RHEL 10, "libdb has been removed").
func (s State) BerkeleyEnds(r *host.Reader) string {
	switch {
	case !slices.Contains(s.MapTypes, "hash") && !slices.Contains(s.MapTypes, "btree"):
		return "" // they are gone: another finding says so
	case s.Version.AtLeast(3, 11):
		return "Postfix 3.11 and later warn of them, and later releases do without"
	case s.DefaultMap != "hash" && s.DefaultMap != "btree" && slices.Contains(s.MapTypes, s.DefaultMap):
		return "this Postfix makes new tables of type " + s.DefaultMap
	case family(r) == "rhel" && strings.HasPrefix(osVersion(r), "9"):
		return "RHEL 10 and its kin have a Postfix without them"
	}
	return ""
}

// osVersion is VERSION_ID of os-release(5).
func osVersion(r *host.Reader) string {
	data, _ := r.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(data)) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), "VERSION_ID="); is {
			return strings.Trim(value, `"'`)
		}
	}
	return ""
}
