package instance

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"relayhost/internal/host"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// stop ends the master and, through its process group, all its children. The
// signal is what "postfix stop" sends; that command itself goes to systemd on
// Debian 13.
func stop(h *host.Host, d directories) error {
	pid := masterPID(h, d)
	if pid == 0 {
		return nil
	}
	fd, err := unix.PidfdOpen(pid, 0)
	switch {
	case errors.Is(err, unix.ESRCH):
		return nil
	case err != nil: // Linux before 5.3, and runtimes of containers that refuse it
		return stopByNumber(h, d, pid)
	}
	defer unix.Close(fd)
	// The number may have been given to another process between the two.
	if masterPID(h, d) != pid {
		return nil
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if signal == unix.SIGKILL {
			// The master leads its own process group (setsid(2)).
			_ = unix.Kill(-pid, signal)
		}
		if err := unix.PidfdSendSignal(fd, signal, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("stop the private Postfix: %w", err)
		}
		if ended(fd, stopTime) {
			return endGroup(pid)
		}
	}
	return fmt.Errorf("the private Postfix (pid %d) does not end", pid)
}

// stopByNumber is stop without a descriptor of the process: what the number means
// is looked up each time.
func stopByNumber(h *host.Host, d directories, pid int) error {
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		if masterPID(h, d) != pid {
			return endGroup(pid)
		}
		to := pid
		if signal == unix.SIGKILL {
			to = -pid
		}
		if err := unix.Kill(to, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("stop the private Postfix: %w", err)
		}
		for end := time.Now().Add(stopTime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if masterPID(h, d) != pid {
				return endGroup(pid)
			}
		}
	}
	return fmt.Errorf("the private Postfix (pid %d) does not end", pid)
}

// endGroup waits for the children of a master that has ended: they get its
// SIGTERM too, and go a moment later. A zombie has ended: where PID 1 reaps
// nothing, as in most containers, it stays in the group for ever.
func endGroup(master int) error {
	for end := time.Now().Add(stopTime); time.Now().Before(end); {
		alive := living(master)
		if len(alive) == 0 {
			return nil
		}
		waitFor(alive[0], time.Until(end))
	}
	if err := unix.Kill(-master, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stop the children of the private Postfix: %w", err)
	}
	return nil
}

// living lists the processes of a group that have not ended, by number
// (proc_pid_stat(5): pid, command in parentheses, state, parent, group).
func living(group int) []int {
	if errors.Is(unix.Kill(-group, 0), unix.ESRCH) {
		return nil
	}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var pids []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(fields) < 3 || fields[2] != strconv.Itoa(group) || strings.Contains("ZXx", fields[0]) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// waitFor waits until the process ends, limit at most; without pidfd_open(2) it
// waits a moment.
func waitFor(pid int, limit time.Duration) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err == nil {
		defer unix.Close(fd)
		ended(fd, limit)
		return
	}
	if !errors.Is(err, unix.ESRCH) {
		time.Sleep(5 * time.Millisecond)
	}
}

// ended waits for the process of a pidfd, limit at most.
func ended(fd int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left.Milliseconds())+1)
		if n > 0 {
			return true
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
	}
}
