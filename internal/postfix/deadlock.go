//go:build unix

package postfix

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// With maillog_file set, every program of Postfix logs through a socket that
// postlogd(8) reads, and postlogd(8) itself logs to it what is wrong with main.cf
// when it starts. The socket holds few messages (net.unix.max_dgram_qlen): when it
// is full then, postlogd(8) waits for itself for ever, and all that logs with it,
// postfix(1) included. Nobody but master(8) can empty the socket, so that only a
// stop and a start end it.

// errDeadlock is the cause that a command of ours is ended for.
var errDeadlock = errors.New("Postfix waits for its own log")

// How long the log must be full while nothing moves, how often that is looked at,
// how long processes may take to end, and how often Postfix is started at most.
const (
	deadlockTime  = 3 * time.Second
	deadlockPause = 200 * time.Millisecond
	endTime       = 2 * time.Second
	startTries    = 3
)

// logQueue is the usual length of the socket's queue, where the kernel does not say.
const logQueue = 10

// LogQueue is how many messages the socket of postlogd(8) holds (unix(7),
// max_dgram_qlen): 512 where systemd has booted, 10 elsewhere and in containers.
func LogQueue(r *host.Reader) int {
	text, err := r.ReadFile("/proc/sys/net/unix/max_dgram_qlen")
	if err != nil {
		return logQueue
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return cmp.Or(n, logQueue)
}

// guarded runs a command of postfix(1) and ends it with errDeadlock when Postfix
// waits for its own log.
func (c Control) guarded(ctx context.Context, run func(context.Context) error) error {
	guarded, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() {
		select {
		case <-guarded.Done(): // the usual end
			return
		case <-time.After(deadlockPause):
		}
		if queue := c.queueDir(guarded); queue != "" && deadlocked(guarded, c.Host.Real(queue)) {
			end(errDeadlock)
		}
	}()
	return run(guarded)
}

// Reload has Postfix read its configuration again. Where it waits for its own log,
// it is stopped and started in place of that, and its queue stays as it is.
func (c Control) Reload(ctx context.Context) error {
	return c.orRestart(ctx, func(ctx context.Context) error { return c.Run(ctx, "reload") })
}

// orRestart is run, and a stop and a start where that meets a deadlock.
func (c Control) orRestart(ctx context.Context, run func(context.Context) error) error {
	err := c.guarded(ctx, run)
	for try := 0; errors.Is(err, errDeadlock) && try < startTries; try++ {
		if err := c.end(ctx); err != nil {
			return err
		}
		err = c.guarded(ctx, c.start)
	}
	return err
}

// Settle waits until postlogd(8) reads the log that Postfix writes itself: what
// starts from then on may warn as much as it wants. It writes one line to that log.
func (c Control) Settle(ctx context.Context) error {
	return c.orRestart(ctx, func(ctx context.Context) error {
		master := masterPID(c.Host.Real(c.queueDir(ctx)))
		if master == 0 {
			return nil
		}
		if err := c.run(ctx, host.WithConfig(c.dir(), "postlog", "-t", "postfix/relayhost", "the configuration has been read again")); err != nil {
			return err
		}
		for end := time.Now().Add(2 * deadlockTime); time.Now().Before(end); {
			if slices.ContainsFunc(group(master), process.reads) {
				return nil
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(10 * time.Millisecond):
			}
		}
		return nil // it has nothing to read, or /proc does not show it
	})
}

// queueDir is queue_directory, "" where main.cf does not say.
func (c Control) queueDir(ctx context.Context) string {
	dir, _ := QueueDir(ctx, c.Host, c.ConfigDir)
	return dir
}

// deadlocked reports true once Postfix has waited for its own log for deadlockTime,
// and false when ctx ends.
func deadlocked(ctx context.Context, queue string) bool {
	since, was := time.Now(), ""
	for {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(deadlockPause):
		}
		now := ""
		if logFull(queue) {
			now = asleep(masterPID(queue))
		}
		if now == "" || now != was {
			since, was = time.Now(), now
		} else if time.Since(since) >= deadlockTime {
			return true
		}
	}
}

// logFull reports whether the socket of postlogd(8) takes no message at this moment.
func logFull(queue string) bool {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(queue, "public/postlog")}); err != nil {
		return false
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, 0)
	return err == nil && n == 0
}

// masterPID is the process of the master(8) that holds the lock of queue, 0 where
// none does.
func masterPID(queue string) int {
	if !running(&host.Reader{}, queue) {
		return 0
	}
	text, err := os.ReadFile(filepath.Join(queue, "pid/master.pid"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// process is one of a group (proc_pid_stat(5)).
type process struct {
	pid  int
	name string
}

// reads reports whether p is a postlogd(8) that has started: it waits for events.
func (p process) reads() bool {
	if p.name != "postlogd" {
		return false
	}
	dir := fmt.Sprintf("/proc/%d/fd", p.pid)
	names, _ := os.ReadDir(dir)
	return slices.ContainsFunc(names, func(fd os.DirEntry) bool {
		to, err := os.Readlink(filepath.Join(dir, fd.Name()))
		return err == nil && to == "anon_inode:[eventpoll]"
	})
}

// group lists the processes of the group that master leads and that have not ended.
func group(master int) []process {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []process
	for _, path := range stats {
		text, err := os.ReadFile(path)
		begins, ends := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		if err != nil || begins < 0 || ends < begins {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(text[ends+1:]))
		if len(fields) < 3 || fields[2] != strconv.Itoa(master) || strings.Contains("ZXx", fields[0]) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			all = append(all, process{pid: pid, name: string(text[begins+1 : ends])})
		}
	}
	return all
}

// asleep describes the sleep of master(8) and postlogd(8), so that the same words
// a moment later mean that neither has run; "" when one is awake.
func asleep(master int) string {
	if master == 0 {
		return ""
	}
	var b strings.Builder
	for _, p := range group(master) {
		if p.name != "master" && p.name != "postlogd" {
			continue
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
		if err != nil {
			return ""
		}
		fmt.Fprint(&b, p.pid)
		for line := range strings.Lines(string(status)) {
			switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
			case "State":
				if !strings.HasPrefix(strings.TrimSpace(value), "S") {
					return ""
				}
			case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
				b.WriteString(value)
			}
		}
	}
	return b.String()
}

// end ends Postfix as "postfix abort" does, which would wait for the log itself.
func (c Control) end(ctx context.Context) error {
	queue := c.Host.Real(c.queueDir(ctx))
	master := masterPID(queue)
	members := group(master)
	if master <= 1 || !slices.Contains(members, process{master, "master"}) {
		return fmt.Errorf("%w, and relayhost did not start it: restart it", errDeadlock)
	}
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		// The master leads its own group (setsid(2)).
		if err := unix.Kill(-master, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("stop Postfix: %w", err)
		}
		for end := time.Now().Add(endTime); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if masterPID(queue) == 0 && len(group(master)) == 0 {
				return nil
			}
		}
	}
	return fmt.Errorf("Postfix (pid %d) does not end", master)
}
