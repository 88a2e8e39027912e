//go:build unix

package host

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// lookPath finds a program in the fixed path, not in the caller's $PATH.
func (r *Reader) lookPath(program string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	for _, dir := range filepath.SplitList(r.path()) {
		full := filepath.Join(dir, program)
		if unix.Access(full, unix.X_OK) == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s: %w", program, ErrNoProgram)
}

// Has reports whether program is installed.
func (r *Reader) Has(program string) bool {
	_, err := r.lookPath(program)
	return err == nil
}

func (r *Reader) path() string {
	if r.Path != "" {
		return r.Path
	}
	return defaultPath
}
