package cmd

import (
	"github.com/spf13/cobra"

	"relayhost/internal/setup"
	"relayhost/relays"
)

// completeValues tells the shells which values the flags take that have a
// closed list. Other values are completed as file names.
func completeValues(root *cobra.Command) {
	values := map[string]func() []string{
		"relay":   relayNames,
		"host":    func() []string { return hostNames(false) },
		"port":    func() []string { return []string{"auto", "587", "465", "2525"} },
		"sign-in": func() []string { return []string{"client_credentials", "device", "url", "password"} },
		"queue":   func() []string { return []string{"ask", "send", "hold"} },
	}
	for _, c := range root.Commands() {
		for flag, list := range values {
			if c.Flags().Lookup(flag) != nil {
				_ = c.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
					return list(), cobra.ShellCompDirectiveDefault
				})
			}
		}
		if c.Flags().Lookup("region") != nil {
			_ = c.RegisterFlagCompletionFunc("region", completeRegion)
		}
	}
}

// completeRegion offers the regions of the service that --relay names.
func completeRegion(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	name, _ := c.Flags().GetString("relay")
	all, err := setup.Catalog()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	r, err := relays.Find(all, name)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	regions := r.Hosts.Regions()
	if len(regions) == 0 && r.Hosts.Example != "" {
		regions = []string{r.Hosts.Example}
	}
	return regions, cobra.ShellCompDirectiveNoFileComp
}
