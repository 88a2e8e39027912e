//go:build unix

package maillog

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// recheck is how long a tail waits for an event at most. Some file systems
// (network, FUSE) report no changes, and the queue of events can overflow.
const recheck = time.Second

// tail reads what is appended to the file at path. The directory is watched, not
// the file, so that a rotated or new file of that name is noticed.
type tail struct {
	path    string
	current *growing // nil: the file does not exist
	rotated *growing // the file before, whose writer may not have noticed yet
	watch   *os.File // inotify(7); nil where there is none
}

// openTail places itself at the end of the file.
func openTail(path string) (*tail, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	t := &tail{path: path, watch: watchDirectory(filepath.Dir(path))}
	var err error
	if t.current, err = openGrowing(path, -1); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.close()
		return nil, err
	}
	return t, nil
}

func watchDirectory(path string) *os.File {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil // the limit of instances; wait then looks again and again
	}
	const events = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ATTRIB
	if _, err := unix.InotifyAddWatch(fd, path, events); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	return os.NewFile(uintptr(fd), "inotify")
}

func (t *tail) close() {
	for _, g := range []*growing{t.current, t.rotated} {
		if g != nil {
			_ = g.Close()
		}
	}
	if t.watch != nil {
		_ = t.watch.Close()
	}
}

// follow hands each new line to send until ctx ends or send fails.
func (t *tail) follow(ctx context.Context, send func([]byte) error) {
	if t.watch != nil {
		stop := context.AfterFunc(ctx, func() { _ = t.watch.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	for ctx.Err() == nil && t.catchUp(send) == nil {
		t.wait(ctx)
	}
}

// wait returns after a change in the directory, or after recheck.
func (t *tail) wait(ctx context.Context) {
	if t.watch == nil {
		select {
		case <-ctx.Done():
		case <-time.After(recheck / 10):
		}
		return
	}
	_ = t.watch.SetReadDeadline(time.Now().Add(recheck))
	if ctx.Err() != nil { // it ended before the new deadline was set
		return
	}
	var events [4096]byte
	_, _ = t.watch.Read(events[:])
}

// catchUp reads everything that is there.
func (t *tail) catchUp(send func([]byte) error) error {
	for _, g := range []*growing{t.rotated, t.current} {
		if g == nil {
			continue
		}
		if err := g.lines(send); err != nil {
			return err
		}
	}
	info, _ := os.Stat(t.path)
	if info == nil || !info.Mode().IsRegular() {
		return nil // between the two files of a rotation
	}
	switch {
	case t.current == nil || !t.current.is(info):
		return t.rotate(send)
	case info.Size() > t.current.offset:
		return t.reopen(send)
	}
	return nil
}

// rotate goes on with the new file at the path.
func (t *tail) rotate(send func([]byte) error) error {
	next, _ := openGrowing(t.path, 0)
	if next == nil {
		return nil // gone again, or not readable yet: the next event tells
	}
	if t.rotated != nil {
		_ = t.rotated.Close()
	}
	t.rotated, t.current = t.current, next
	return next.lines(send)
}

// reopen opens the same file again: on an overlay what is open may be the lower
// layer's, which stopped growing when the file was copied up.
func (t *tail) reopen(send func([]byte) error) error {
	again, _ := openGrowing(t.path, t.current.offset)
	if again == nil {
		return nil
	}
	again.partial, again.skip = t.current.partial, t.current.skip
	_ = t.current.Close()
	t.current = again
	return again.lines(send)
}
