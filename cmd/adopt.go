package cmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"relayhost/internal/adopt"
	"relayhost/internal/config"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

type adoptFlags struct {
	from         string
	write, force bool
}

func newAdoptCmd(a *app) *cobra.Command {
	var f adoptFlags
	cmd := &cobra.Command{
		Use:   "adopt",
		Short: "Write a configuration file for a relay setup made by hand",
		Long: `adopt reads the relay setup that is in Postfix (relayhost, sender tables, own
services in master.cf, password and TLS policy tables) and prints it as a
relayhost.toml on standard output. Standard error lists what setup will change
and why, what stays, what cannot be taken over, and what you have to decide.
adopt changes nothing in Postfix, sends nothing and connects to nothing.

--write writes it to ` + config.Path + `. It holds no secrets:
setup finds the passwords in Postfix's own tables. The next "relayhost setup"
makes the changes; "relayhost rollback" restores the setup made by hand.` + exitHelp(),
		Example: `  # Show what relayhost would take over
  relayhost adopt
  # Write relayhost.toml
  sudo relayhost adopt --from app@example.com --write
  # Print it as a JSON document
  relayhost adopt --json`,
		Args: noArgs,
		RunE: a.inTime(func(ctx context.Context) error { return a.adopt(ctx, f) }),
	}
	fs := cmd.Flags()
	fs.StringVar(&f.from, "from", "", "`address` that mail of this server is sent from")
	fs.BoolVar(&f.write, "write", false, "write "+config.Path)
	fs.BoolVar(&f.force, "force", false, "with --write: replace the file that is there")
	return cmd
}

// adoptDoc is the document that `adopt --json` prints.
type adoptDoc struct {
	Version   int           `json:"version"`
	Result    string        `json:"result"` // offered | written
	Path      string        `json:"path"`
	TOML      string        `json:"toml"`
	From      string        `json:"from"`
	Direct    []string      `json:"direct"`
	Routes    []adopt.Route `json:"routes"`
	Changes   []adopt.Point `json:"changes"`
	Kept      []adopt.Point `json:"kept"`
	Left      []adopt.Point `json:"left"`
	Questions []adopt.Point `json:"questions"`
	Next      string        `json:"next"`
}

// adopt reads, offers and, if asked to, writes.
func (a *app) adopt(ctx context.Context, f adoptFlags) error {
	if f.force && !f.write {
		return usage(errors.New("--force goes with --write"), "")
	}
	if err := checkAddressFlag("from", f.from); err != nil {
		return err
	}
	if f.write {
		if err := setup.MayWriteConfig(&a.host.Reader, f.force); err != nil {
			return err
		}
	}
	offer, err := setup.Adopt(ctx, a.deps(), f.from)
	if err != nil {
		return err
	}
	doc := adoptDoc{
		Version: 1, Result: "offered", Path: config.Path, TOML: string(offer.TOML()), From: offer.From, Direct: list(offer.Direct), Routes: offer.Routes,
		Changes: list(offer.Changes), Kept: list(offer.Kept), Left: list(offer.Left), Questions: list(offer.Questions), Next: a.here("relayhost adopt --write"),
	}
	if f.write {
		if err := setup.WriteConfig(a.host, offer.TOML(), f.force); err != nil {
			return err
		}
		doc.Result, doc.Next = "written", a.here("relayhost setup --dry-run")
	}
	if a.json {
		return a.printJSON(doc)
	}
	if _, err := a.io.Out.Write([]byte(doc.TOML)); err != nil {
		return err
	}
	showAdoption(a.io, doc)
	return nil
}

// list makes no elements an empty list of JSON.
func list[T any](values []T) []T { return append([]T{}, values...) }

// showAdoption tells what goes with the offer.
func showAdoption(io *ui.Streams, doc adoptDoc) {
	for _, part := range []struct {
		head   string
		points []adopt.Point
	}{
		{"changes: ", doc.Changes}, {"stays: ", doc.Kept}, {"not taken over: ", doc.Left}, {"open: ", doc.Questions},
	} {
		for _, p := range part.points {
			io.Tell(part.head, "%s: %s", smtpprobe.Sanitize(p.What), smtpprobe.Sanitize(p.Why))
		}
	}
	if doc.Result == "written" {
		io.Tell("", "written to %s", doc.Path)
	}
	io.Tell("next: ", "%s", doc.Next)
}
