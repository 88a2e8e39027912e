package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
)

// resolver asks DNS as smtp(8) does: /etc/hosts counts only where
// smtp_host_lookup names "native".
func (a *app) resolver(s postfix.State) (*resolve.Resolver, error) {
	system, err := resolve.System(&a.host.Reader)
	if err != nil || strings.Contains(s.Params["smtp_host_lookup"], "native") {
		return system, err
	}
	return system.WithoutHosts(), nil
}

// running asks Postfix itself: Debian's unit is active even when the daemon
// has failed.
func (a *app) running(ctx context.Context) (bool, error) {
	out, err := a.host.Query(ctx, host.PostfixStatus(a.instance()))
	if err != nil {
		return false, err
	}
	return out.Code == 0, nil
}

// instance is the folder to name to postfix(1): without one it speaks of all
// instances, and of a stopped one as if none ran (postmulti(1)).
func (a *app) instance() string {
	if _, err := a.host.Stat(filepath.Join(postfix.DefaultConfigDir, "main.cf")); a.configDir == "" && err == nil {
		return postfix.DefaultConfigDir
	}
	return a.configDir
}

// postfixCommand runs postfix(1) with the words given.
func (a *app) postfixCommand(ctx context.Context, words ...string) error {
	args := []string{"postfix"}
	if dir := a.instance(); dir != "" {
		args = append(args, "-c", dir)
	}
	return a.runPostfix(ctx, host.Command{Args: append(args, words...)})
}

func (a *app) runPostfix(ctx context.Context, c host.Command) error {
	out, err := a.host.Run(ctx, c)
	if err != nil {
		return err
	}
	if out.Code != 0 {
		// Before 3.8 postfix prints nothing on a stderr that is no
		// terminal: the reason is in the log only.
		reason := strings.TrimSpace(string(out.Stderr))
		if reason == "" {
			reason = "its reason is in the mail log"
		}
		return fmt.Errorf("%s: exit code %d: %s", strings.Join(c.Args, " "), out.Code, reason)
	}
	return nil
}

// reloadIfRunning is what a rollback does: a Postfix that is stopped stays so.
func (a *app) reloadIfRunning(ctx context.Context) error {
	on, err := a.running(ctx)
	if errors.Is(err, host.ErrNoProgram) || err == nil && !on {
		return nil
	}
	if err != nil {
		return err
	}
	return a.postfixCommand(ctx, "reload")
}

// start brings Postfix up, through systemd where it is PID 1, so that the
// service manager knows of it.
func (a *app) start(ctx context.Context) error {
	if _, err := a.host.Stat("/run/systemd/system"); err == nil {
		if unit := a.unit(ctx); unit != "" {
			return a.runPostfix(ctx, host.Command{Args: []string{"systemctl", "start", unit}})
		}
	}
	return a.postfixCommand(ctx, "start")
}

// unit is the systemd unit of this instance, "" where systemd knows of none. That
// of the default one is postfix.service everywhere: where Debian 9 to 12 run it
// in postfix@-.service, starting the former starts the latter.
func (a *app) unit(ctx context.Context) string {
	dir := filepath.Clean(a.configDir)
	if a.configDir == "" || dir == postfix.DefaultConfigDir {
		return "postfix.service"
	}
	// Debian up to 12 names the unit as postmulti(1) names the instance, which is
	// postfix-NAME; later ones leave "postfix-" out.
	name := strings.TrimPrefix(filepath.Base(dir), "postfix-")
	out, err := a.host.Run(ctx, host.Command{Args: []string{"systemctl", "list-units", "--all", "--plain", "--no-legend", "postfix@*.service"}})
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(out.Stdout)) {
		for _, unit := range strings.Fields(line) {
			// systemd-escape(1) writes a hyphen as \x2d where it is no separator.
			if id := strings.ReplaceAll(unit, `\x2d`, "-"); id == "postfix@"+name+".service" || id == "postfix@postfix-"+name+".service" {
				return unit
			}
		}
	}
	return ""
}
