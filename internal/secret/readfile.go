//go:build unix

package secret

import (
	"fmt"
	"os"
	"syscall"
)

// ReadFile reads a credentials file. A file that others than its owner can
// read is refused: its secret has to be taken for known.
func ReadFile(path string) (Credentials, error) {
	// Opening a FIFO without a writer must not hang.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Credentials{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Credentials{}, err
	}
	if !info.Mode().IsRegular() {
		return Credentials{}, fmt.Errorf("%s %w: it is not a regular file", path, ErrFormat)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return Credentials{}, fmt.Errorf("%s %w (mode %04o)", path, ErrReadableByOthers, info.Mode().Perm())
	}
	c, err := Read(f)
	if err != nil {
		return Credentials{}, fmt.Errorf("%s %w", path, err)
	}
	return c, nil
}
