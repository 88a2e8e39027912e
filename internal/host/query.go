//go:build unix

package host

import (
	"iter"
	"strconv"
	"strings"
	"time"
)

// Query is one of the commands that only look. The constructors here are the
// closed list of them.
type Query struct{ command Command }

// String returns the command line as an administrator would type it.
func (q Query) String() string { return strings.Join(q.command.Args, " ") }

func query(args ...string) Query { return Query{Command{Args: args}} }

// Postconf asks postconf(1) about the configuration in dir ("" for the default
// one). Only options that print are passed by our callers: -h, -n, -x, -d, -m,
// -M, -A, -p and names.
func Postconf(dir string, args ...string) Query {
	return query(WithConfig(dir, "postconf", args...)...)
}

// PostmapGet looks keys up in table ("type:path"). The keys go in by standard
// input; each hit is printed as "key<TAB>value" (postmap(1), -q -).
func PostmapGet(dir, table string, keys ...string) Query {
	q := query(WithConfig(dir, "postmap", "-q", "-", table)...)
	q.command.Stdin = []byte(strings.Join(keys, "\n") + "\n")
	return q
}

// PostmapEntries are what PostmapGet and PostmapList have printed, in its order.
func PostmapEntries(stdout []byte) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for line := range strings.Lines(string(stdout)) {
			if key, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t"); ok && !yield(key, value) {
				return
			}
		}
	}
}

// PostmapList prints all entries of table ("type:path") as "key<TAB>value"
// (postmap(1), -s).
func PostmapList(dir, table string) Query {
	return query(WithConfig(dir, "postmap", "-s", table)...)
}

// PostqueueJSON lists the queue, one JSON object a line (postqueue(1), -j).
func PostqueueJSON(dir string) Query {
	return query(WithConfig(dir, "postqueue", "-j")...)
}

// Journal reads journald from since on, as JSON lines, for the identifiers of
// Postfix.
func Journal(since time.Time, args ...string) Query {
	return query(append([]string{"journalctl", "--output=json", "--no-pager", "--quiet",
		"--since=@" + strconv.FormatInt(since.Unix(), 10)}, args...)...)
}

// NftRuleset prints the nftables ruleset as JSON (nft(8)); it needs root.
func NftRuleset() Query { return query("nft", "-j", "list", "ruleset") }

// IptablesSave prints the rules of iptables or, for six, ip6tables.
func IptablesSave(six bool) Query {
	if six {
		return query("ip6tables-save")
	}
	return query("iptables-save")
}

// IptablesLegacySave prints the rules that were made through the kernel's old
// interface, which an iptables of today does not see.
func IptablesLegacySave(six bool) Query {
	if six {
		return query("ip6tables-legacy-save")
	}
	return query("iptables-legacy-save")
}

// UfwStatus prints ufw's own view of the rules.
func UfwStatus() Query { return query("ufw", "status", "verbose") }

// SystemdUnits lists the units that systemd has loaded and whose names match a pattern
// (systemctl(1), list-units).
func SystemdUnits(pattern string) Query {
	return query("systemctl", "list-units", "--all", "--plain", "--no-legend", pattern)
}

// WithConfig is a command line of a program of Postfix (not of sendmail(1), which takes -C)
// for the configuration in dir, "" for the default one.
func WithConfig(dir, program string, args ...string) []string {
	if dir == "" {
		return append([]string{program}, args...)
	}
	return append([]string{program, "-c", dir}, args...)
}
