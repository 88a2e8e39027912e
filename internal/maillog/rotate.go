//go:build unix

package maillog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// maxLogLine bounds a line of the log, in bytes; the rest of a longer one is
// dropped. Postfix itself writes 2 kB at most.
const maxLogLine = 64 << 10

// growing is a log file that is read as it grows.
type growing struct {
	*os.File
	offset  int64  // how far it has been read
	partial []byte // a line without its end so far
	skip    bool   // dropping the rest of a line that is too long
}

// openGrowing opens a file, and nothing that would block or not end, at offset;
// -1 is its end.
func openGrowing(path string, offset int64) (*growing, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: host.ErrNotRegular}
	}
	if err == nil && offset < 0 {
		offset = info.Size()
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("follow %s: %w", path, err), f.Close())
	}
	return &growing{File: f, offset: offset}, nil
}

// is reports whether g is the file that info describes.
func (g *growing) is(info fs.FileInfo) bool {
	own, err := g.Stat()
	return err == nil && os.SameFile(own, info)
}

// lines hands on the complete lines up to what is now the end. A file that is
// shorter than what was read of it has been truncated (logrotate's
// copytruncate) and is read from its start.
func (g *growing) lines(send func([]byte) error) error {
	if info, err := g.Stat(); err == nil && info.Size() < g.offset {
		if _, err := g.Seek(0, io.SeekStart); err != nil {
			return err
		}
		g.offset, g.partial, g.skip = 0, nil, false
	}
	buf := make([]byte, 32<<10)
	for {
		n, _ := g.Read(buf) // a disk that fails will say so again
		g.offset += int64(n)
		if sendErr := g.split(buf[:n], send); sendErr != nil {
			return sendErr
		}
		if n == 0 {
			return nil
		}
	}
}

func (g *growing) split(data []byte, send func([]byte) error) error {
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		line := data
		if end >= 0 {
			line = data[:end]
		}
		if !g.skip {
			room := maxLogLine - len(g.partial)
			g.partial = append(g.partial, line[:min(len(line), room)]...)
			g.skip = len(line) > room
		}
		if end < 0 {
			return nil
		}
		complete := g.partial
		g.partial, g.skip = g.partial[:0], false
		if err := send(complete); err != nil {
			return err
		}
		data = data[end+1:]
	}
	return nil
}
