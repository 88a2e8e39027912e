package cmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"relayhost/detect"
	"relayhost/internal/mailaddr"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
)

type detectFlags struct {
	relay, region string
	targets       []string
	noProbe, asn  bool
}

func newDetectCmd(a *app) *cobra.Command {
	var f detectFlags
	cmd := &cobra.Command{
		Use:   "detect",
		Short: "Show the hosting provider and open mail ports",
		Long: `detect shows the hosting provider of this server, whether port 25 is blocked,
and which submission ports of a relay are reachable. It needs no root, and lists
what only root can see as missing. It sends no mail: it connects to at most
three mail exchangers and disconnects after the greeting.` + exitHelp(),
		Example: `  # Show the hosting provider, open ports and who blocks port 25
  relayhost detect
  # Check the ports of one relay
  relayhost detect --relay ses --region eu-west-1
  # Use local files only, for a script
  relayhost detect --no-probe --json`,
		Args: noArgs,
		RunE: a.inTime(func(ctx context.Context) error { return a.runDetect(ctx, f) }),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.relay, "relay", "", "`name` of the relay whose ports are probed in full, or a catalogue file")
	fs.StringVar(&f.region, "region", "", "region of the relay, e.g. eu-west-1")
	fs.StringArrayVar(&f.targets, "target", nil, "mail exchanger `host` to try on port 25 (repeatable, at most three)")
	fs.BoolVar(&f.noProbe, "no-probe", false, "identity of the host only, connect to nothing but its metadata service")
	fs.BoolVar(&f.asn, "asn", false, "ask Team Cymru over DNS which network an unknown host is in")
	return cmd
}

func (a *app) runDetect(ctx context.Context, f detectFlags) error {
	if len(f.targets) > 3 {
		return usage(fmt.Errorf("%d targets are too many", len(f.targets)), "at most three")
	}
	for _, target := range f.targets {
		if err := detect.CheckTarget(target); err != nil {
			return usage(fmt.Errorf("--target: %w", err), "name a mail exchanger, e.g. mx.example.net")
		}
	}
	o := detect.Options{Reader: &a.host.Reader, Targets: f.targets, NoProbe: f.noProbe, ASN: f.asn, Region: f.region}
	var err error
	if o.Catalog, err = setup.Catalog(); err != nil {
		return err
	}
	if f.relay != "" {
		r, err := findRelay(f.relay)
		if err != nil {
			return usage(err, "relayhost relays lists the relays")
		}
		if o.Host, err = r.Host(f.region); err != nil {
			return usage(err, "give --region")
		}
		o.Relay, o.Named, o.Resolver = &r, f.relay, setup.ResolverHere(ctx, &a.host.Reader, a.configDir)
	}
	if o.Roots, err = setup.Roots(&a.host.Reader, postfix.CABundle(&a.host.Reader)); err != nil {
		return err
	}
	o.HELO = postfix.HostFQDN(&a.host.Reader)
	stored, err := setup.Stored(&a.host.Reader)
	if err != nil {
		return err
	}
	o.Domain = mailaddr.Domain(stored.From())
	if a.verbose || ui.IsTerminal(a.io.Err) && !a.json {
		o.Advance = func(step string) { a.io.Step("%s", step) }
	}
	facts, err := detect.Run(ctx, o)
	a.io.Done()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(facts)
	}
	if _, err := fmt.Fprintln(a.io.Out, strings.Join(facts.Lines(), "\n")); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
