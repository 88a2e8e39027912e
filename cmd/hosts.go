package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"relayhost/detect"
)

func newHostsCmd(a *app) *cobra.Command {
	var csv bool
	cmd := &cobra.Command{
		Use:   "hosts [NAME]",
		Short: "List hosting providers and the mail ports they block",
		Long: `hosts lists hosting providers, which of the ports 25, 465, 587 and 2525 they
block by default, and whether they open them on request. With a NAME it prints
everything about one, with sources and dates. To probe the ports of this server:
relayhost detect.` + exitHelp(),
		Example: `  # List all hosting providers
  relayhost hosts
  # Show which ports one of them blocks
  relayhost hosts hetzner
  # Print the table for a spreadsheet
  relayhost hosts --csv`,
		Args: maxArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			hosts, err := detect.Hosts()
			if err != nil {
				return err
			}
			text := detect.HostsTable(hosts)
			if len(args) == 1 {
				h, err := findHost(hosts, args[0])
				if err != nil {
					return err
				}
				hosts, text = []detect.HostEntry{h}, h.Text()
			}
			switch {
			case a.json:
				return a.printJSON(map[string]any{"version": 1, "hosts": hosts})
			case csv:
				text = detect.HostsCSV(hosts)
			}
			_, err = fmt.Fprint(a.io.Out, text)
			return err
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return hostNames(len(args) > 0), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&csv, "csv", false, "print comma-separated values")
	return cmd
}

func findHost(hosts []detect.HostEntry, id string) (detect.HostEntry, error) {
	for _, h := range hosts {
		if h.ID == strings.ToLower(id) {
			return h, nil
		}
	}
	return detect.HostEntry{}, usage(fmt.Errorf("no hosting provider %q is known", id), "relayhost hosts lists them")
}

func hostNames(none bool) []string {
	hosts, err := detect.Hosts()
	if err != nil || none {
		return nil
	}
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.ID + "\t" + h.Name
	}
	return names
}
