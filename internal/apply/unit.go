package apply

import (
	"context"
	"fmt"
	"strings"
	"time"

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
// One that changes is opened anew, and its process ends.
func (x executor) startUnits(ctx context.Context, steps []step) error {
	come, _ := units(steps)
	if !altered(steps) || x.h.Root != "" {
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
		err = fmt.Errorf("systemctl %s: exit code %d: %s", strings.Join(args, " "), out.Code, firstLine(out.Stderr))
	}
	if x.undoing {
		return nil
	}
	return err
}
