package apply

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// lockName is the file in the state directory that one run at a time holds by
// flock(2). Its first line says who: process id and time. The others are the
// directories in which a killed run may have left temporary files.
const lockName = "lock"

// watchGrace is how long a run waits for the watchdog of a run that
// died: it restores within five seconds.
const watchGrace = 10 * time.Second

// lock makes the state directory and takes the lock in it. A live holder is
// reported at once; for a dead one, whose watch is still undoing, it waits.
func lock(ctx context.Context, h *host.Host, o Options) (*os.File, error) {
	made, err := makeStateDir(h, o.stateDir())
	if err != nil {
		return nil, err
	}
	give := time.Now().Add(watchGrace)
	for {
		f, err := tryLock(h, o)
		var holder *Locked
		if !errors.As(err, &holder) {
			if err != nil && made { // there is no lock to be had, and nothing else in it
				_ = h.RemoveAll(o.stateDir())
			}
			return f, err
		}
		if holder.PID != 0 && alive(holder.PID) || time.Now().After(give) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Lock takes the lock for what belongs to a run but comes before Run: two
// rehearsals at once would be in each other's way. release gives it back. It
// fails where this process may not do what Postfix does.
func Lock(ctx context.Context, h *host.Host, o Options) (release func(), err error) {
	t, err := begin(ctx, h, o)
	if err != nil {
		return nil, host.Denied(err)
	}
	if err := mayTell(ctx, t.h, queueDir(ctx, t.h, t.o)); err != nil {
		t.end()
		return nil, err
	}
	return t.end, nil
}

func tryLock(h *host.Host, o Options) (*os.File, error) {
	path := filepath.Join(o.stateDir(), lockName)
	for {
		f, err := os.OpenFile(h.Real(path), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if errors.Is(err, os.ErrNotExist) { // the last run has just removed the directory
			if _, err := makeStateDir(h, o.stateDir()); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("lock: %w", host.Denied(err))
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			holder := readHolder(f)
			f.Close()
			return nil, holder
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		if sameFile(f, h.Real(path)) {
			return f, nil
		}
		f.Close() // a run that ended removed the file that we have locked
	}
}

// signLock writes into the lock who holds it, and which directories it works in.
// The watch of a dead run signs as 0: it is worth waiting for.
func signLock(f *os.File, pid int, since time.Time, directories []string) error {
	text := fmt.Sprintf("%d %s\n%s\n", pid, since.UTC().Format(time.RFC3339), strings.Join(directories, "\n"))
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return f.Truncate(int64(len(text)))
}

// readLock returns the lines of the lock file.
func readLock(f *os.File) []string {
	data, _ := io.ReadAll(io.NewSectionReader(f, 0, 64<<10))
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

func readHolder(f *os.File) *Locked {
	pid, since, _ := strings.Cut(readLock(f)[0], " ")
	holder := &Locked{}
	holder.PID, _ = strconv.Atoi(pid)
	holder.Since, _ = time.Parse(time.RFC3339, since)
	return holder
}

func sameFile(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Lstat(path)
	return err == nil && os.SameFile(a, b)
}

func alive(pid int) bool { return !errors.Is(unix.Kill(pid, 0), unix.ESRCH) }

// makeStateDir makes the state directory and those above it, unless it is there.
func makeStateDir(h *host.Host, dir string) (made bool, err error) {
	if m, err := h.Stat(dir); err == nil {
		if !m.Mode.IsDir() {
			return false, &host.Refusal{Path: dir, Why: "is not a directory", Fix: "move it away"}
		}
		if m.UID != os.Geteuid() || m.Mode.Perm()&0o077 != 0 {
			return false, &host.Refusal{Path: dir, Why: "is not private", Fix: fmt.Sprintf("chown root:root %[1]s && chmod 0700 %[1]s", dir)}
		}
		return false, nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if _, err := h.Stat(parent); errors.Is(err, os.ErrNotExist) {
			if err := makeDirectories(h, parent); err != nil {
				return false, err
			}
		}
	}
	err = h.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	if err != nil { // it may have been made, and then not been synced
		_ = h.Remove(dir, "")
	}
	return err == nil, err
}

func makeDirectories(h *host.Host, dir string) error {
	if _, err := h.Stat(dir); err == nil || dir == "/" {
		return err
	}
	if err := makeDirectories(h, filepath.Dir(dir)); err != nil {
		return err
	}
	if err := h.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
