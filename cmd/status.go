package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/setup"
)

func newStatusCmd(a *app) *cobra.Command {
	var prometheus string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the relay in use, drift, queue and last check",
		Long: `status shows how mail leaves this server now, whether relayhost set that up,
what was changed since, how many messages are queued, and how the last
verification ended. It changes nothing and connects to nothing. Without root it
lists what it could not read.` + exitHelp(meaning{exitDifferences, "drift: a file was changed since setup"}),
		Example: `  # Show the relay in use, drift and the queue
  sudo relayhost status
  # The same for a script
  sudo relayhost status --json
  # Print metrics for Prometheus
  sudo relayhost status --prometheus -`,
		Args: noArgs,
		RunE: a.inTime(func(ctx context.Context) error { return a.runStatus(ctx, prometheus) }),
	}
	metricsFlag(cmd.Flags(), &prometheus)
	return cmd
}

func (a *app) runStatus(ctx context.Context, prometheus string) error {
	if err := checkMetrics(a.json, prometheus); err != nil {
		return err
	}
	doc, err := setup.ReadStatus(ctx, a.deps())
	if err != nil {
		return err
	}
	switch {
	case a.json:
		err = a.printJSON(doc)
	case prometheus != "-":
		_, err = fmt.Fprint(a.io.Out, doc.Text())
	}
	if prometheus != "" {
		err = errors.Join(err, writeMetrics(a.io, a.host, prometheus, setup.StatusMetrics(doc, version, time.Now())))
	}
	if err == nil && doc.Drifted() {
		return codeError(exitDifferences)
	}
	return err
}
