// Package host is the machine that relayhost works on: a Reader that looks and
// a Host that may also change. It knows nothing of mail.
package host

import (
	"errors"
	"io/fs"
	"time"
)

// ErrNotRegular is returned for FIFOs, devices, sockets and directories, which
// are never opened: opening a FIFO would block for ever.
var ErrNotRegular = errors.New("not a regular file")

// Meta is what a file is apart from its content.
type Meta struct {
	Mode  fs.FileMode // type and permission bits
	UID   int
	GID   int
	Size  int64
	Nlink uint64
	Mtime time.Time
	Ctime time.Time // of the last change of any kind, which nobody can set
	Link  string    // target, for a symbolic link
}
