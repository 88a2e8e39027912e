package apply

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/host"
	"relayhost/internal/plan"
)

// unitTime bounds a command of systemctl(1).
const unitTime = 30 * time.Second

// units are the sockets of bridges among steps: those that are to be there, and those
// that go.
func units(steps []step) (come, gone []string) {
	for _, s := range steps {
		unit, ok := plan.IsUnit(s.Path)
		switch {
		case !ok || !strings.HasSuffix(unit, ".socket") || s.idle():
		case s.After.Exists:
			come = append(come, unit)
		default:
			gone = append(gone, unit)
		}
	}
	return come, gone
}

// altered reports whether steps hold a unit.
func altered(steps []step) bool {
	for _, s := range steps {
		if _, ok := plan.IsUnit(s.Path); ok && !s.idle() {
			return true
		}
	}
	return false
}

// startUnits opens the sockets of bridges that systemd runs, before mail goes there.
// One that changes is opened again, and its process ends.
func (x executor) startUnits(ctx context.Context, steps []step) error {
	come, _ := units(steps)
	if x.h.Root != "" {
		return nil
	}
	for _, s := range steps { // its process may not read another configuration than the one it has
		if conf.IsConfig(s.Path) && s.After.Exists && !s.idle() {
			name := strings.TrimSuffix(filepath.Base(s.Path), filepath.Ext(s.Path))
			x.o.warnOf(name, restartBridge(ctx, x.h, name))
		}
	}
	if !altered(steps) {
		return nil
	}
	if len(come) > 0 {
		x.o.say("starting " + strings.Join(come, ", "))
	}
	if err := x.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	for _, unit := range come {
		// A process of the program or the unit before would go on otherwise.
		if err := x.systemctl(ctx, "stop", strings.TrimSuffix(unit, ".socket")+".service"); err != nil {
			return err
		}
		if err := x.systemctl(ctx, "restart", unit); err != nil {
			return err
		}
	}
	return nil
}

// restartBridge ends the process that serves a bridge under systemd, where there is one:
// it finishes what it has in hand, for which its unit gives it ten minutes, and another is
// started. This waits for it no longer than unitTime.
func restartBridge(ctx context.Context, h *host.Host, name string) error {
	unit := plan.UnitName(name) + ".service"
	if _, err := h.Lstat(filepath.Join("/etc/systemd/system", unit)); err == nil && h.Root == "" {
		return executor{h: h}.systemctl(ctx, "try-restart", unit)
	}
	return nil
}

// warnOf says that the process of a bridge was not restarted. That ends no run: it ends by
// itself when it sees that its files have changed.
func (o Options) warnOf(bridge string, err error) {
	if err != nil {
		o.say(fmt.Sprintf("the process of the bridge %s was not restarted (%v): until it ends it may refuse mail, which stays in the queue", bridge, err))
	}
}

// stopUnits closes the sockets of bridges that go, and ends their processes: what they
// have in hand is finished first. That systemd cannot be told is no reason to keep
// files.
func (x executor) stopUnits(ctx context.Context, steps []step) {
	_, gone := units(steps)
	for _, unit := range gone {
		if x.h.Root != "" {
			return
		}
		x.o.say("stopping " + unit)
		_ = x.systemctl(ctx, "stop", unit, strings.TrimSuffix(unit, ".socket")+".service")
	}
}

// forgetUnits has systemd forget units whose files are gone.
func (x executor) forgetUnits(ctx context.Context, steps []step) {
	if _, gone := units(steps); len(gone) > 0 && x.h.Root == "" {
		_ = x.systemctl(ctx, "daemon-reload")
	}
}

// systemctl runs systemctl(1). An undoing goes on without: the files count.
func (x executor) systemctl(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, unitTime)
	defer cancel()
	out, err := x.h.Run(ctx, host.Command{Args: append([]string{"systemctl"}, args...)})
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("systemctl %s: exit code %d: %s", strings.Join(args, " "), out.Code, out.Fault())
	}
	if x.undoing {
		return nil
	}
	return err
}
