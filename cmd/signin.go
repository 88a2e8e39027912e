package cmd

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/setup"
	"relayhost/internal/ui"
)

func newSignInCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "sign-in [ROUTE]",
		Short: "Renew the sign-in of a route that uses OAuth",
		Long: `sign-in gets a new token for the route's mailbox, logs in to the relay with it,
and stores it. It changes nothing else: mail that waits for the sign-in is
sent at the next try. Without a ROUTE it renews the sign-in of every route.

An application (client_credentials) needs no user; its token is fetched at once.
Give a new secret or certificate to setup:

  relayhost setup --credentials-file m365.txt` + exitHelp(meaning{exitProof, "the relay or the provider refuses the sign-in"}),
		Example: `  # Renew the sign-in of every route
  sudo relayhost sign-in
  # Renew that of one route
  sudo relayhost sign-in alerts
  # Print what was renewed as a JSON document
  sudo relayhost sign-in --json`,
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if os.Geteuid() != 0 {
				return hint(errors.New("sign-in writes the token of the bridge and must run as root"), "run it with sudo")
			}
			ctx, cancel := ui.WithLimit(cmd.Context(), a.timeout)
			defer cancel()
			route := ""
			if len(args) > 0 {
				route = args[0]
			}
			done, err := setup.SignInAgain(ctx, a.deps(), route, newQuestions(ctx, a.io, a.json, a.deps(), setup.Request{}, setupFlags{}))
			a.io.Done()
			switch {
			case a.json && err != nil:
				return err
			case a.json:
				return a.printJSON(struct {
					Version int             `json:"version"`
					Renewed []setup.Renewed `json:"renewed"`
				}{1, done})
			}
			for _, r := range done { // with an error too: those that were renewed before it
				fmt.Fprintf(a.io.Out, "signed in as %s; %s accepts it. The token is good until %s and renews itself.\n", r.Username, r.Host, r.Expiry.UTC().Format(time.RFC3339))
			}
			if err != nil {
				return err
			}
			a.io.Tell("", "Postfix tries waiting mail again on its own; postqueue -f tries it now")
			return nil
		},
	}
}
