package cmd

import (
	"github.com/spf13/cobra"

	"relayhost/internal/apply"
	"relayhost/internal/setup"
)

func newWatchCmd(*app) *cobra.Command {
	return &cobra.Command{
		Use:                setup.WatchdogCommand,
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
