package cmd

import (
	"github.com/spf13/cobra"

	"relayhost/internal/bridge"
	"relayhost/internal/bridge/conf"
)

// newBridgeCmd is what Postfix's spawn(8) starts, one process for each connection;
// with --listen, what a socket unit of systemd starts, one process for all. Nobody
// types it.
func newBridgeCmd() *cobra.Command {
	var listen bool
	c := &cobra.Command{
		Use:    "bridge NAME",
		Short:  "Carry mail from Postfix to a relay that Postfix cannot log in to",
		Hidden: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !conf.ValidName(args[0]) {
				return usagef("bridge takes the name of one bridge")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if listen {
				return bridge.RunService(cmd.Context(), conf.Directory, args[0])
			}
			return bridge.Run(cmd.Context(), conf.Directory, args[0])
		},
	}
	c.Flags().BoolVar(&listen, "listen", false, "serve all connections of a socket that systemd hands over")
	return c
}
