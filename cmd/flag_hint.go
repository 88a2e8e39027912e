package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"relayhost/internal/lazy"
	"relayhost/relays"
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
		if d := relays.Distance(name, f.Name); d < least && !f.Hidden {
			best, least = f.Name, d
		}
	})
	if best == "" {
		return "see --help"
	}
	return "did you mean --" + best
}
