//go:build unix

package postfix

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/host"
)

// Control starts, stops and reloads one instance of Postfix.
type Control struct {
	Host      *host.Host
	ConfigDir string // "" is the default instance
}

// dir is the directory to name to postfix(1): without one it speaks of all
// instances, and of a stopped one as if none ran (postmulti(1)).
func (c Control) dir() string {
	if _, err := c.Host.Stat(filepath.Join(DefaultConfigDir, "main.cf")); c.ConfigDir == "" && err == nil {
		return DefaultConfigDir
	}
	return c.ConfigDir
}

// Running asks the lock that master(8) holds: Debian's unit is active even when the
// daemon has failed, and "postfix status" logs a line each time it is asked. A
// configuration that cannot be read runs nowhere.
func (c Control) Running(ctx context.Context) (bool, error) {
	dir, err := QueueDir(ctx, c.Host, c.ConfigDir)
	return dir != "" && running(&c.Host.Reader, dir), err
}

// Run runs postfix(1) with the words given, such as "reload".
func (c Control) Run(ctx context.Context, words ...string) error {
	return c.run(ctx, host.WithConfig(c.dir(), "postfix", words...))
}

func (c Control) run(ctx context.Context, args []string) error {
	out, err := c.Host.Run(ctx, host.Command{Args: args})
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
		return fmt.Errorf("%s: exit code %d: %s", strings.Join(args, " "), out.Code, reason)
	}
	return nil
}

// ReloadIfRunning is what a rollback does: a Postfix that is stopped stays so.
func (c Control) ReloadIfRunning(ctx context.Context) error {
	on, err := c.Running(ctx)
	if errors.Is(err, host.ErrNoProgram) || err == nil && !on {
		return nil
	}
	if err != nil {
		return err
	}
	return c.Reload(ctx)
}

// Start brings Postfix up, through systemd where it is PID 1, so that the service
// manager knows of it.
func (c Control) Start(ctx context.Context) error { return c.orRestart(ctx, c.start) }

func (c Control) start(ctx context.Context) error {
	if _, err := c.Host.Stat("/run/systemd/system"); err == nil {
		if unit := unit(ctx, &c.Host.Reader, c.ConfigDir); unit != "" {
			return c.run(ctx, []string{"systemctl", "start", unit})
		}
	}
	return c.Run(ctx, "start")
}

// unit is the systemd unit of this instance, "" where systemd knows of none. That
// of the default one is postfix.service everywhere: where Debian 9 to 12 run it
// in postfix@-.service, starting the former starts the latter.
func unit(ctx context.Context, r *host.Reader, configDir string) string {
	dir := filepath.Clean(configDir)
	if configDir == "" || dir == DefaultConfigDir {
		return "postfix.service"
	}
	// Debian up to 12 names the unit as postmulti(1) names the instance, which is
	// postfix-NAME; later ones leave "postfix-" out.
	name := strings.TrimPrefix(filepath.Base(dir), "postfix-")
	out, err := r.Query(ctx, host.SystemdUnits("postfix@*.service"))
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

// ByHand is the command with which an administrator has this instance of Postfix do
// verb: "start", "restart", or "flush" (the queue). The service manager starts what it
// knows of; postfix(1) and postqueue(1) would start the default instance without -c.
func ByHand(ctx context.Context, r *host.Reader, configDir, verb string) string {
	here := ""
	if configDir != "" && filepath.Clean(configDir) != DefaultConfigDir {
		here = "-c " + configDir + " "
	}
	if verb == "flush" {
		return "postqueue " + here + "-f"
	}
	has := func(path string) bool { _, err := r.Stat(path); return err == nil }
	if has("/run/systemd/system") { // sd_booted(3)
		if unit := strings.TrimSuffix(unit(ctx, r, configDir), ".service"); strings.Contains(unit, `\`) {
			return "systemctl " + verb + " '" + unit + "'"
		} else if unit != "" {
			return "systemctl " + verb + " " + unit
		}
	}
	if here == "" && has("/run/openrc/softlevel") {
		return "rc-service postfix " + verb
	}
	if verb == "restart" {
		return "postfix " + here + "stop; postfix " + here + "start"
	}
	return "postfix " + here + verb
}
