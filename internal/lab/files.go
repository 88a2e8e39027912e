package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ReadFile reads a file of the server. A failure fails the test.
func (s *Server) ReadFile(path string) string {
	s.t.Helper()
	var data []byte
	err := s.enter(func() error {
		var err error
		data, err = os.ReadFile(path)
		return err
	})
	if err != nil {
		s.t.Fatalf("lab: %s: %v", s.cfg.hostname, err)
	}
	return string(data)
}

// WriteFile writes a file of the server, with exactly this mode, making the
// directories that are missing. A failure fails the test.
func (s *Server) WriteFile(path, data string, mode fs.FileMode) {
	s.t.Helper()
	if err := s.write(path, []byte(data), mode); err != nil {
		s.t.Fatalf("lab: %s: %v", s.cfg.hostname, err)
	}
}

// write keeps other tests from forking meanwhile: their child would hold the
// file open for writing, and running it would be ETXTBSY.
func (s *Server) write(path string, data []byte, mode fs.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return s.enter(func() error { return writeFile(path, data, mode) })
}

// Exists tells whether the server has something of this name.
func (s *Server) Exists(path string) bool {
	s.t.Helper()
	err := s.enter(func() error { _, err := os.Lstat(path); return err })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatalf("lab: %s: %v", s.cfg.hostname, err)
	}
	return err == nil
}

// In runs f with the server's file system and network as its own, on a thread
// of its own. f must not start goroutines that need them.
func (s *Server) In(f func() error) error { return s.enter(f) }

// writeFile writes a file on this thread's root, whatever the umask is. A link
// is replaced, not followed: no test writes where a link of Debian's points.
func writeFile(path string, data []byte, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if fi, err := os.Lstat(path); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
