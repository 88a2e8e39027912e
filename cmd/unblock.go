package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"relayhost/detect"
	"relayhost/internal/mailaddr"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
)

type unblockFlags struct {
	host, domain, purpose, volume string
}

func newUnblockCmd(a *app) *cobra.Command {
	var f unblockFlags
	cmd := &cobra.Command{
		Use:   "unblock",
		Short: "Show how to get port 25 opened, and write the request",
		Long: `unblock shows how, and whether, this server's hosting provider opens port 25,
lists what you need before asking, and writes the request with this server's
facts. Where the provider does not open it, unblock names a relay and a port to
use instead.` + exitHelp(),
		Example: `  # Write the request for this server
  relayhost unblock --domain example.com --purpose "order confirmations"
  # Write it for a server elsewhere
  relayhost unblock --host hetzner --volume "200 a day"
  # Print it as a JSON document
  relayhost unblock --domain example.com --json`,
		Args: noArgs,
		RunE: a.inTime(func(ctx context.Context) error { return a.runUnblock(ctx, f) }),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.host, "host", "", "hosting provider (default: the one that is detected)")
	fs.StringVar(&f.domain, "domain", "", "`domain` that mail is sent from (default: the setup's)")
	fs.StringVar(&f.purpose, "purpose", "", "what the mail is for, in your words")
	fs.StringVar(&f.volume, "volume", "", "how much mail, in your words, e.g. \"200 a day\"")
	return cmd
}

func (a *app) runUnblock(ctx context.Context, f unblockFlags) error {
	r := &a.host.Reader
	facts, err := detect.Run(ctx, detect.Options{Reader: r, NoProbe: true})
	if err != nil {
		return err
	}
	id := cmp.Or(f.host, facts.Host.Provider)
	if id == "" {
		return hint(errors.New("the hosting provider of this server is not known"), "name it with --host; relayhost hosts lists them")
	}
	hosts, err := detect.Hosts()
	if err != nil {
		return err
	}
	entry, err := findHost(hosts, id)
	if err != nil {
		return err
	}
	if f.host != "" && facts.Host.Provider != entry.ID {
		// What this machine's metadata says belongs to another provider.
		facts.Host = detect.Host{Provider: entry.ID, Name: entry.Name, PublicIPv4: facts.Host.PublicIPv4}
	}
	stored, err := setup.Stored(&a.host.Reader)
	if err != nil {
		return err
	}
	u := detect.UnblockFacts{
		Facts: facts, Entry: entry, Hostname: postfix.HostFQDN(r), Purpose: f.purpose, Volume: f.volume,
		Domain: cmp.Or(f.domain, mailaddr.Domain(stored.From())),
	}
	if u.Catalog, err = setup.Catalog(); err != nil {
		return err
	}
	if u.Findings, err = setup.DomainFindings(ctx, &a.host.Reader, u); err != nil {
		return err
	}
	text, err := detect.UnblockRequest(u)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(text)
	}
	_, err = fmt.Fprint(a.io.Out, text.Text())
	return err
}
