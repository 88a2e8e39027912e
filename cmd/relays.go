package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"relayhost/detect"
	"relayhost/internal/host"
	"relayhost/internal/plural"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/relays"
)

func newRelaysCmd(a *app) *cobra.Command {
	var (
		csv       bool
		host      string
		reachable bool
		filter    relays.Filter
	)
	cmd := &cobra.Command{
		Use:   "relays [NAME|FILE]",
		Short: "List relays, or print everything about one",
		Long: `relays lists the relay services and mailbox providers that setup knows: what is
free, whether you need a domain of your own, and ports. With a NAME it prints
everything about one, each fact with its source. Relays of your own in
` + setup.UserCatalog + `/*.toml are added, or replace one of the same id;
a FILE is checked and shown without being added.

Each flag narrows the list down. --for leaves out the ports that a hosting
provider blocks (relayhost hosts), and relays without another port.
--reachable connects to every port of the relays from this server, up to
verified TLS, and leaves out those that do not answer.` + exitHelp(),
		Example: `  # List relays with a free amount that need no domain
  relayhost relays --free --no-domain
  # List relays that answer this server
  relayhost relays --reachable
  # Show all that is known about one relay
  relayhost relays ses`,
		Args: maxArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			narrowed := slices.ContainsFunc([]string{"for", "free", "no-domain", "mailbox", "https", "reachable"}, cmd.Flags().Changed)
			if len(args) == 1 {
				if narrowed {
					return usage(errors.New("a NAME and a filter exclude each other"), "leave one of them out")
				}
				r, err := findRelay(args[0])
				if err != nil {
					return usage(err, "relayhost relays lists the relays")
				}
				return a.showRelays([]relays.Relay{r}, csv, relays.Text(r))
			}
			all, err := a.choose(cmd.Context(), host, reachable, filter)
			if err != nil {
				return err
			}
			text := relays.Table(all)
			if len(all) == 0 {
				text = "No relay matches: leave a filter out.\n"
			}
			return a.showRelays(all, csv, text)
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return relayNames(), cobra.ShellCompDirectiveDefault
		},
	}
	f := cmd.Flags()
	f.BoolVar(&csv, "csv", false, "print comma-separated values")
	f.StringVar(&host, "for", "", "hosting `provider`: leave out ports that it blocks (relayhost hosts)")
	f.BoolVar(&filter.Free, "free", false, "only relays that send some mail for free")
	f.BoolVar(&filter.NoDomain, "no-domain", false, "only relays that need no domain of your own")
	f.BoolVar(&filter.Mailbox, "mailbox", false, "only mailbox providers")
	f.BoolVar(&filter.HTTPS, "https", false, "only relays whose API setup can send by (--via https)")
	f.BoolVar(&reachable, "reachable", false, "only relays and ports that answer this server, each of which is probed")
	_ = cmd.RegisterFlagCompletionFunc("for", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return hostNames(false), cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

// choose narrows the catalogue down: to what is reachable from the network of host, where
// that is not "", to what the filter says, and to what works from this server.
func (a *app) choose(ctx context.Context, host string, reachable bool, filter relays.Filter) ([]relays.Relay, error) {
	all, err := setup.Catalog()
	if err != nil {
		return nil, err
	}
	if host != "" {
		hosts, err := detect.Hosts()
		if err != nil {
			return nil, err
		}
		h, err := findHost(hosts, host)
		if err != nil {
			return nil, err
		}
		filter.Closed = h.Policy.Blocked
		a.io.Tell("note: ", "%s", h.GetsOut())
		if len(filter.Closed) == 4 && !filter.HTTPS {
			filter.HTTPS = true
			a.io.Tell("note: ", "it blocks all mail ports: setup sends by the API of these relays on port 443 (--via https)")
		}
	}
	all = relays.Choose(all, filter)
	if !reachable {
		return all, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return onlyReachable(ctx, a.io, a.host, a.configDir, all)
}

// onlyReachable leaves the relays and ports that work from this server.
func onlyReachable(ctx context.Context, io *ui.Streams, h *host.Host, configDir string, list []relays.Relay) ([]relays.Relay, error) {
	o := detect.Options{Reader: &h.Reader, HELO: postfix.HostFQDN(&h.Reader), Resolver: setup.ResolverHere(ctx, &h.Reader, configDir)}
	var err error
	if o.Roots, err = setup.Roots(&h.Reader, postfix.CABundle(&h.Reader)); err != nil {
		return nil, err
	}
	io.Step("probing the ports of %s", plural.Of(len(list), "relay"))
	open, err := detect.ProbeAll(ctx, o, list)
	io.Done()
	if err != nil {
		return nil, hint(fmt.Errorf("probe the relays: %w", err), "give a longer --timeout, or narrow the list down")
	}
	found := relays.Choose(list, relays.Filter{Open: open})
	io.Tell("note: ", "%d of %d relays have a port that works from here: connection, verified TLS and the offer of a login were tried", len(found), len(list))
	return found, nil
}

func (a *app) showRelays(list []relays.Relay, csv bool, text string) error {
	switch {
	case a.json:
		return a.printJSON(map[string]any{"version": 1, "relays": append([]relays.Relay{}, list...)}) // [] where none is left
	case csv:
		text = relays.CSV(list)
	}
	_, err := fmt.Fprint(a.io.Out, text)
	return err
}

// relayNames are the ids of the catalogue, for completions.
func relayNames() []string {
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
