package cmd

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/flow"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/secret"
	"relayhost/internal/ui"
)

func newSetupCmd(a *app) *cobra.Command {
	var f setupFlags
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Detect, choose, show, apply, prove, or put everything back",
		Long: `setup points Postfix at a relay service. It asks what it was not told; on a host
that is set up already it keeps all answers that are not given anew, so

  relayhost setup --credentials-file -

rotates the password. Nothing is written before the relay has accepted log-in,
sender and recipient, and a private Postfix has delivered a test message with
exactly the planned configuration. If the proof through the server's own Postfix
fails afterwards, everything is put back.

Several relays, by sender or one in place of another, stand in
/etc/relayhost/relayhost.toml; setup without flags does what the file says.` + exitHelp,
		Example: setupExample,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := withLimit(cmd.Context(), a.timeout)
			defer cancel()
			s := &setup{app: a, flags: f, given: cmd.Flags().Changed, limit: ctx}
			return s.finish(s.run(ctx))
		},
	}
	f.register(cmd.Flags())
	cmd.MarkFlagsMutuallyExclusive("relay", "smarthost")
	cmd.MarkFlagsMutuallyExclusive("install", "no-install")
	return cmd
}

// setup is one run of the command. The fields are filled from top to bottom.
type setup struct {
	*app
	flags setupFlags
	given func(flag string) bool

	resolver *resolve.Resolver
	state    postfix.State
	file     plan.Answers // relayhost.toml as it is; zero when there is none
	before   plan.Answers // the same with what it leaves out
	hops     *plan.Resolver
	answers  plan.Options
	creds    secret.Credentials // as given; what is missing may be stored or asked for
	// credFiles are those that relayhost.toml names, read once.
	credFiles map[string]secret.Credentials
	askAnew   bool            // --credentials-file - on a terminal: what is stored does not count
	asked     bool            // a part of the credentials was typed at a question
	typedUser string          // the user name that stands there already when it is asked for again
	refused   bool            // the relay has refused the log-in
	doubted   map[string]bool // what has been said of them
	facts     *detect.Facts
	plan      plan.Plan
	flow      flow.Table
	prompter  ui.Prompter
	limit     *limit // nil in the demo, which asks nothing
	waiting   []postfix.QueuedMessage
	started   bool // Postfix did not run and was started by us
	installed []string

	demo     bool         // of the demo: nothing stays
	stateDir string       // of the transaction; "" is apply.StateDir
	log      *maillog.Log // nil finds the log of the live Postfix
	trial    *maillog.Log // the log that it keeps for the proof only; nil where another can be read

	doc setupDoc
}

// run goes the whole way. --dry-run is the same way, stopped after the
// difference.
func (s *setup) run(ctx context.Context) error {
	if err := s.checkFlags(); err != nil {
		return err
	}
	s.flags.dryRun = s.flags.dryRun || s.flags.printConf
	if !s.flags.dryRun {
		if os.Geteuid() != 0 {
			return hint(errNotRoot, "run it with sudo, or look first: relayhost setup --dry-run")
		}
		debug.SetMemoryLimit(max(debug.SetMemoryLimit(-1), memoryToApply))
		if err := s.recover(ctx); err != nil {
			return err
		}
	}
	steps := []func(context.Context) error{
		s.readPostfix, s.readRelay, s.takeCredentials, s.look, s.chooseRelay, s.choosePort, s.readCredentials, s.readAddresses, s.readRoutes, s.build, s.preview, s.flows,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.io.Done()
	switch {
	case s.flags.printConf:
		return s.printConfig()
	case s.flags.dryRun:
		return s.showDryRun()
	case !s.plan.Changed():
		return s.unchanged(ctx)
	}
	for _, step := range []func(context.Context) error{s.confirm, s.probeOrAsk, s.rehearse, s.apply} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// recover finishes the undoing of a run that died.
func (s *setup) recover(ctx context.Context) error {
	o := apply.Options{ConfigDir: s.configDir, Reload: s.reloadIfRunning} // nobody has consented to a start yet
	undone, err := apply.Recover(ctx, s.host, o)
	if undone {
		s.io.Say("an earlier run was broken off; what it had changed has been put back")
	}
	if err != nil {
		return err
	}
	return s.sweepRehearsal(ctx, o)
}
