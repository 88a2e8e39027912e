package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"relayhost/internal/host"
)

// defaultDeadline is when the watchdog ends a run that does not end:
// the limit of a whole run (120 s) and time to undo by itself.
const defaultDeadline = 3 * time.Minute

// readyTime is how long the watch may take to say that it watches.
const readyTime = 5 * time.Second

// The files that the watch inherits. The lock is held jointly: flock(2) belongs
// to the open file, so that no other run gets in between.
const (
	fdLock  = 3
	fdLife  = 4 // closes when the run dies
	fdReady = 5
)

// watchdog is the run's end of the watchdog.
type watchdog struct {
	cmd  *exec.Cmd
	life *os.File // held open as long as the run lives
}

// startWatchdog starts the watch. Where systemd is process 1 it gets a scope of
// its own, so that the end of the unit or session that the run belongs to does
// not end it; else, or where that fails, a session of its own must do.
func startWatchdog(ctx context.Context, t *transaction, id string) (*watchdog, error) {
	if len(t.o.Watchdog) == 0 {
		return nil, nil
	}
	deadline := t.o.Deadline
	if deadline == 0 {
		deadline = defaultDeadline
	}
	self := append(append([]string{}, t.o.Watchdog...),
		"--state-dir", t.store.dir, "--config-dir", t.o.configDir(), "--root", t.h.Root, "--path", t.h.Path,
		"--id", id, "--deadline", deadline.String(), "--pid", strconv.Itoa(os.Getpid()))
	if hasSystemd(t.h) {
		scope := []string{"systemd-run", "--scope", "--quiet", "--collect", "--property=TimeoutStopSec=10s",
			"--unit=relayhost-watch-" + id, "--"}
		if w, err := t.watchBy(ctx, append(scope, self...)); err == nil {
			return w, nil
		}
	}
	w, err := t.watchBy(ctx, self)
	if err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	return w, nil
}

// hasSystemd is sd_booted(3).
func hasSystemd(h *host.Host) bool {
	_, err := h.Lstat("/run/systemd/system")
	return err == nil && h.Root == "" && h.Has("systemd-run")
}

func (t *transaction) watchBy(ctx context.Context, args []string) (*watchdog, error) {
	lifeR, lifeW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer lifeR.Close()
	readyR, readyW, err := os.Pipe()
	if err != nil {
		lifeW.Close()
		return nil, err
	}
	defer readyR.Close()
	// It outlives this run, and so the context of this run, by design.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), args[0], args[1:]...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{t.lock, lifeR, readyW}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	readyW.Close()
	if err != nil {
		lifeW.Close()
		return nil, err
	}
	w := &watchdog{cmd: cmd, life: lifeW}
	_ = readyR.SetReadDeadline(time.Now().Add(readyTime))
	if n, err := readyR.Read(make([]byte, 1)); n != 1 {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		w.stop()
		return nil, errors.Join(errors.New("it does not start to watch"), err)
	}
	return w, nil
}

// stop tells the watch that the run has ended by itself, and waits for it.
func (w *watchdog) stop() {
	if w == nil || w.life == nil {
		return
	}
	_, _ = w.life.WriteString(farewell)
	w.life.Close()
	w.life = nil
	late := time.AfterFunc(readyTime, func() { _ = w.cmd.Process.Kill() })
	defer late.Stop()
	_ = w.cmd.Wait()
}

// farewell is what a run that ends by itself says to its watch.
const farewell = "done\n"

// restore is the watch's own work: it undoes the run id, if that has not
// committed.
func restore(ctx context.Context, h *host.Host, o Options, lock *os.File, id string) error {
	t := &transaction{h: h, o: o, store: store{h, o.stateDir()}, lock: lock, since: o.now()}
	j, err := readJournal(&h.Reader, filepath.Join(t.store.dir, inProgress))
	if errors.Is(err, os.ErrNotExist) || err == nil && j.Record.ID != id {
		return nil
	}
	if err := signLock(lock, 0, t.since, directories(j.Steps)); err != nil {
		return err
	}
	return t.undo(ctx, byWatch)
}
