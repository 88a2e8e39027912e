package cmd

import (
	"github.com/spf13/cobra"

	"relayhost/internal/apply"
)

// watchCommand is the dead-man's watch: a process of our own that puts the old
// state back when the run that started it dies.
const watchCommand = "watch-transaction"

func newWatchCmd(*app) *cobra.Command {
	return &cobra.Command{
		Use:                watchCommand,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := apply.WatchMain(cmd.Context(), args); code != 0 {
				return codeError(code)
			}
			return nil
		},
	}
}
