package apply

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	return fmt.Errorf("process %d was not done within %s", pid, deadline)
}
