package cmd

import (
	"fmt"

	"github.com/spf13/cobra"

	"relayhost/internal/setup"
	"relayhost/relays"
)

func newRelaysCmd(a *app) *cobra.Command {
	var csv bool
	cmd := &cobra.Command{
		Use:   "relays [NAME|FILE]",
		Short: "The catalogue of relay services, or one of them in full",
		Long: `relays lists the services that setup knows, with ports and host names; with a
NAME it prints everything about one, each fact with its source. Services of your
own in ` + setup.UserCatalog + `/*.toml are added, or replace one of the same id;
a FILE is checked and shown without being added.`,
		Example: `  relayhost relays
  relayhost relays ses
  relayhost relays --csv
  relayhost relays ./corp.toml`,
		Args: maxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				r, err := a.findRelay(args[0])
				if err != nil {
					return usage(err, "relayhost relays lists the services")
				}
				return a.showRelays([]relays.Relay{r}, csv, relays.Text(r))
			}
			all, err := setup.Catalog()
			if err != nil {
				return err
			}
			return a.showRelays(all, csv, relays.Table(all))
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return a.relayNames(), cobra.ShellCompDirectiveDefault
		},
	}
	cmd.Flags().BoolVar(&csv, "csv", false, "print comma-separated values")
	return cmd
}

func (a *app) showRelays(list []relays.Relay, csv bool, text string) error {
	switch {
	case a.json:
		return a.printJSON(map[string]any{"version": 1, "relays": list})
	case csv:
		text = relays.CSV(list)
	}
	_, err := fmt.Fprint(a.io.Out, text)
	return err
}

// relayNames are the ids of the catalogue, for completions.
func (a *app) relayNames() []string {
	all, err := setup.Catalog()
	if err != nil {
		return nil
	}
	names := make([]string, len(all))
	for i, r := range all {
		names[i] = r.ID + "\t" + r.Name
	}
	return names
}
