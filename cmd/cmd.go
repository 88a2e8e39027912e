// Package cmd is the command line: one file a command. It composes the parts
// and decides nothing itself about mail.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// app is what every command shares.
type app struct {
	io        *ui.Streams
	host      *host.Host
	json      bool
	printed   bool // the document of --json is out
	configDir string
	timeout   time.Duration
	verbose   bool
	noColor   bool
}

// runTimeout bounds a whole run, installing aside.
const runTimeout = 120 * time.Second

// Main runs the command line and returns the exit code.
func Main(args []string) int {
	// Whatever the caller's environment says, certificates are verified
	// against the file that Postfix uses, and TLS stays as strict as Go's
	// defaults are.
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "GODEBUG"} {
		_ = os.Unsetenv(name)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// A file size limit (ulimit -f) is an error like a full disk, not the end.
	signal.Ignore(syscall.SIGXFSZ)
	a := &app{io: ui.System(false), host: &host.Host{}}
	root := newRootCmd(a)
	root.SetArgs(args)
	root.SetIn(a.io.In)
	root.SetOut(a.io.Out)
	root.SetErr(a.io.Err)
	err := root.ExecuteContext(ctx)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(setup.ErrInterrupted, err)
	}
	if err == nil {
		err = a.io.Lost()
	}
	// A mistake in the flags ends their reading, maybe before --json.
	a.json = a.json || slices.Contains(args, "--json")
	return a.report(err)
}

func newRootCmd(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "relayhost",
		Short: "Get mail out of a server whose outbound port 25 is blocked",
		Long: `relayhost gets mail out of a server whose outbound port 25 is blocked, through a
relay service (SES, SendGrid, Mailgun, Postmark, Brevo and more), with Postfix.

It detects what is blocked and where it runs, chooses a relay and a port that
are reachable, shows what it would change, applies that as one transaction,
tests delivery through Postfix itself, and restores everything on failure.

On a new server begin with: sudo relayhost setup`,
		Example: `  # Find out what blocks mail
  relayhost detect
  # Set up a relay
  sudo relayhost setup
  # Check that mail is sent
  sudo relayhost verify`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		DisableAutoGenTag:          true,
		SuggestionsMinimumDistance: 2,
		Args:                       cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			out := a.io.Out // which knows whether all of it was written
			a.io = ui.System(a.noColor)
			a.io.Out = out
			// Lines of the dialogue come between.
			a.io.Live = a.io.Live && !a.verbose
			if err := cmd.ValidateFlagGroups(); err != nil {
				return usage(excluded(err), "see --help")
			}
			if a.timeout <= 0 {
				return usage(fmt.Errorf("--timeout %s leaves no time", a.timeout), "give a duration such as 2m")
			}
			if a.configDir == "" {
				return nil
			}
			var err error
			a.configDir, err = postfix.InstanceDir(a.configDir) // children run in another directory, and rollback in any
			return err
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	cobra.AddTemplateFunc("flagUsages", flagUsages)
	usageText := strings.Replace(root.UsageTemplate(), "Flags:\n{{.LocalFlags.FlagUsages | ", "{{flagUsages . | ", 1)
	root.SetUsageTemplate(strings.ReplaceAll(usageText, ".FlagUsages", ".FlagUsagesWrapped 80"))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usage(err, flagHint(cmd, err)) })
	root.Version = version
	root.SetVersionTemplate(versionLine() + "\n")
	f := root.PersistentFlags()
	f.BoolVar(&a.json, "json", false, "print one JSON document on standard output and nothing else")
	f.StringVar(&a.configDir, "config-dir", "", "Postfix configuration directory (default: what postconf config_directory says)")
	f.DurationVar(&a.timeout, "timeout", runTimeout, "limit for the whole run, without installing packages")
	f.BoolVar(&a.verbose, "verbose", false, "show more: the SMTP dialogue (logins masked), every line that changes, checks that were skipped")
	f.BoolVar(&a.noColor, "no-color", false, "print without colours (as NO_COLOR does)")
	root.AddCommand(
		newDetectCmd(a), newRelaysCmd(a), newHostsCmd(a), newUnblockCmd(a),
		newSetupCmd(a), newSignInCmd(a), newVerifyCmd(a), newStatusCmd(a), newRollbackCmd(a),
		newExplainCmd(a), newAdoptCmd(a), newDemoCmd(a), newVersionCmd(a), newWatchCmd(a), newBridgeCmd(),
		newExitCodesTopic(), newCredentialsTopic(),
	)
	completeValues(root)
	return root
}

// Command is the command line as a whole, for manual pages and for tests that
// hold documents against it.
func Command() *cobra.Command {
	root := newRootCmd(&app{io: ui.System(true), host: &host.Host{}})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	help := "relayhost --help lists the commands"
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		help = "did you mean: relayhost " + near[0]
	}
	return usage(fmt.Errorf("there is no command %q", name), help)
}

// inTime is a command without arguments that ends after --timeout.
func (a *app) inTime(run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), a.timeout)
		defer cancel()
		return run(ctx)
	}
}

// noArgs and maxArgs are cobra's checks as errors of the command line.
func noArgs(cmd *cobra.Command, args []string) error { return maxArgs(0)(cmd, args) }

func maxArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.MaximumNArgs(n)(cmd, args); err != nil {
			help := "see --help"
			if f := cmd.Flags().Lookup("relay"); f != nil { // the likeliest slip
				help = "name the relay by a flag: " + cmd.CommandPath() + " --relay NAME"
			}
			return usage(fmt.Errorf("%s does not know what to do with %q", cmd.CommandPath(), args[n]), help)
		}
		return nil
	}
}

// findRelay takes a path to a catalogue file, or the ID of a relay of the catalogue.
func findRelay(name string) (relays.Relay, error) {
	all, err := setup.Catalog()
	if err != nil {
		return relays.Relay{}, err
	}
	return setup.FindRelay(all, name)
}
