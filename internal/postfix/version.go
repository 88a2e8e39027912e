package postfix

import (
	"fmt"
	"strconv"
	"strings"
)

// Version of Postfix: 3.7.11 is {3, 7, 11}. A snapshot (3.12-20260821) has no
// patch level.
type Version struct{ Major, Minor, Patch int }

// AtLeast reports whether v is major.minor or later.
func (v Version) AtLeast(major, minor int) bool {
	return v.Major > major || v.Major == major && v.Minor >= minor
}

// String prints v as mail_version does.
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch) }

// MarshalText prints v as String does.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// ParseVersion reads mail_version: "3.7.11", "3.12-20260821", "3.9-RC1".
func ParseVersion(text string) (Version, error) {
	release, _, _ := strings.Cut(strings.TrimSpace(text), "-")
	parts := strings.Split(release, ".")
	if len(parts) < 2 || len(parts) > 3 {
		return Version{}, fmt.Errorf("%q is no Postfix version", text)
	}
	var n [3]int
	for i, part := range parts {
		number, err := strconv.Atoi(part)
		if err != nil || number < 0 {
			return Version{}, fmt.Errorf("%q is no Postfix version", text)
		}
		n[i] = number
	}
	return Version{n[0], n[1], n[2]}, nil
}
