package apply

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// WatchMain is the watchdog: the body of the hidden command
// "watch-transaction", started by a run with its arguments. It waits until the
// run ends. When the run dies, or is not done by the deadline, it puts the old
// state back and writes down that it did. It returns an exit code.
func WatchMain(ctx context.Context, args []string) int {
	// The terminal and the session of the run may go; this stays.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	var h host.Host
	var o Options
	flags := flag.NewFlagSet("watch-transaction", flag.ContinueOnError)
	flags.StringVar(&o.StateDir, "state-dir", "", "state directory")
	flags.StringVar(&o.ConfigDir, "config-dir", "", "configuration directory of Postfix")
	flags.StringVar(&h.Root, "root", "", "put before every path")
	flags.StringVar(&h.Path, "path", "", "directories of programs")
	id := flags.String("id", "", "the change that is watched")
	deadline := flags.Duration("deadline", defaultDeadline, "when the run must have ended")
	pid := flags.Int("pid", 0, "process of the run")
	if err := flags.Parse(args); err != nil || *id == "" || *pid == 0 {
		return 64
	}
	lock, life, ready := os.NewFile(fdLock, "lock"), os.NewFile(fdLife, "life"), os.NewFile(fdReady, "ready")
	if lock == nil || life == nil || ready == nil {
		return 64
	}
	defer lock.Close()
	unix.CloseOnExec(fdLock) // Postfix must not inherit the lock
	unix.CloseOnExec(fdLife)
	if err := watch(life, ready, *pid, *deadline); err == nil {
		return 0
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	if err := restore(ctx, &h, o, lock, *id); err != nil {
		fmt.Fprintln(os.Stderr, "relayhost:", err)
		return 4
	}
	return 0
}

// watch returns nil when the run has said farewell, and an error when it is
// dead; one that is late is killed first, since two must not undo at once.
func watch(life, ready *os.File, pid int, deadline time.Duration) error {
	// The descriptor means this very process, also when its number is reused.
	run, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		defer unix.Close(run)
		unix.CloseOnExec(run)
	} else {
		run = -1
	}
	if _, err := ready.WriteString("."); err != nil {
		return fmt.Errorf("the run died at once: %w", err)
	}
	ready.Close()
	ended := make(chan string, 1)
	go func() {
		said, _ := io.ReadAll(io.LimitReader(life, 64))
		ended <- string(said)
	}()
	select {
	case said := <-ended:
		if strings.HasPrefix(said, farewell) {
			return nil
		}
		return fmt.Errorf("process %d died", pid)
	case <-time.After(deadline):
	}
	if run >= 0 {
		_ = unix.PidfdSendSignal(run, unix.SIGKILL, nil, 0)
	} else {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	select {
	case <-ended:
	case <-time.After(time.Second):
	}
	return fmt.Errorf("process %d did not finish within %s", pid, deadline)
}

// defaultDeadline is when the watchdog ends a run that does not end:
// the limit of a whole run (120 s) and time to undo by itself.
const defaultDeadline = 3 * time.Minute

// readyTime is how long the watch may take to say that it watches, more on a machine on
// which children take long.
var readyTime = max(5*time.Second, host.CommandTimeout/6)

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
		return nil, errors.Join(errors.New("it did not begin to watch"), err)
	}
	return w, nil
}

// stop tells the watch that the run has ended, not been killed, and waits for it.
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

// farewell is what a run that is not killed tells its watch at its end.
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
