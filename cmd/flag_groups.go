package cmd

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the headings under which setup's flags are listed, in this order.
var flagGroups = []struct {
	heading string
	flags   []string
}{
	{"Relay", []string{"relay", "region", "smarthost", "port", "via", "username", "credentials-file", "sign-in", "tenant", "client-id"}},
	{"Sender", []string{"from", "to", "root-to", "direct"}},
	{"Safety", []string{"dry-run", "detailed-exitcode", "print-config", "yes", "queue", "no-verify", "keep-on-failure", "force"}},
	{"Advanced", []string{"ca-file", "fingerprint", "insecure-no-verify-certificate", "insecure-plaintext", "no-probe", "https-proxy", "connections", "map-type", "install", "no-install", "replace-mta"}},
}

// flagUsages lists the flags of a command, those of setup in groups.
func flagUsages(cmd *cobra.Command) string {
	if cmd.Name() != "setup" {
		return "Flags:\n" + cmd.LocalFlags().FlagUsagesWrapped(80)
	}
	var b strings.Builder
	add := func(heading string, wanted func(name string) bool) {
		group := pflag.NewFlagSet(heading, pflag.ContinueOnError)
		group.SortFlags = false
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if wanted(f.Name) {
				group.AddFlag(f)
			}
		})
		if text := group.FlagUsagesWrapped(80); text != "" {
			b.WriteString(heading + ":\n" + text + "\n")
		}
	}
	var grouped []string
	for _, g := range flagGroups {
		add(g.heading, func(name string) bool { return slices.Contains(g.flags, name) })
		grouped = append(grouped, g.flags...)
	}
	add("Other flags", func(name string) bool { return !slices.Contains(grouped, name) })
	return strings.TrimRight(b.String(), "\n")
}
