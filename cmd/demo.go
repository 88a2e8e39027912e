package cmd

import (
	"errors"

	"github.com/spf13/cobra"

	"relayhost/internal/ask"
	"relayhost/internal/demo"
	"relayhost/internal/setup"
)

func newDemoCmd(a *app) *cobra.Command {
	var withInstall, keep bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Try everything safely on this machine, without internet",
		Long: `demo runs a complete setup without a relay service and without the internet: an
embedded relay on 127.0.0.1, a private Postfix with its own configuration, queue
and log in a temporary directory, the plan, the difference, the transaction, the
proof of delivery, the message as it arrived, and the rollback. It neither
changes nor uses the system's Postfix, asks no metadata service and probes
nothing.` + exitHelp(
			meaning{exitProof, "the proof failed (relay, TLS, login, sender or delivery)"},
			meaning{exitIncomplete, "rollback incomplete; repair the named files by hand"}),
		Example: `  # Run the demo; Postfix must be installed
  sudo relayhost demo
  # Install Postfix first
  sudo relayhost demo --install
  # Look at the files afterwards
  sudo relayhost demo --keep`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.json {
				return usage(errors.New("demo prints no JSON document"), "leave --json out")
			}
			return demo.Run(cmd.Context(), demo.Options{
				Host: a.host, Out: a.io.Out, Color: a.io.Color, Verbose: a.verbose, Keep: keep, Install: withInstall, Timeout: a.timeout,
				Report: &setupReport{app: a},
				Card: func(s setup.Setup) string {
					return ask.Card(s, a.io.Width(), map[string]string{
						"Test": "one message to " + s.Config.To + ", which the relay of this demo keeps", "Undo": "at the end of this demo",
					})
				},
				Delivered: func(to string, proven []setup.Delivered) {
					a.io.Done()
					tellProven(a.io, "", to, proven)
				},
			})
		},
	}
	cmd.Flags().BoolVar(&withInstall, "install", false, "install Postfix first: loopback only, not started")
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the temporary directory")
	return cmd
}
