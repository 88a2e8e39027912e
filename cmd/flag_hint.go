package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"relayhost/internal/lazy"
)

// exclusive is what cobra says of flags that exclude each other.
var exclusive = lazy.MustCompile(`; \[([^\]]+)\] were all set$`)

// excluded says which flags exclude each other.
func excluded(err error) error {
	m := exclusive.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	return fmt.Errorf("--%s exclude each other", strings.ReplaceAll(m[1], " ", " and --"))
}

// flagHint says what helps against a mistake in the flags: the flag that was meant.
func flagHint(cmd *cobra.Command, err error) string {
	if strings.Contains(err.Error(), "in duration") {
		return "give a duration with its unit, such as 30s or 2h"
	}
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return "see --help"
	}
	if strings.HasPrefix(name, "pas") || strings.HasPrefix(name, "token") || strings.HasPrefix(name, "secret") {
		return "a password is never passed on the command line: see relayhost help credentials"
	}
	best, least := "", 3
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if d := distance(name, f.Name); d < least && !f.Hidden {
			best, least = f.Name, d
		}
	})
	if best == "" {
		return "see --help"
	}
	return "did you mean --" + best
}

// distance is the number of letters that are added, dropped, replaced or swapped with
// their neighbour between a and b (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0 || j == 0:
				d[i][j] = i + j
			case a[i-1] == b[j-1]:
				d[i][j] = d[i-1][j-1]
			default:
				d[i][j] = 1 + min(d[i-1][j-1], d[i-1][j], d[i][j-1])
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], 1+d[i-2][j-2])
				}
			}
		}
	}
	return d[len(a)][len(b)]
}
