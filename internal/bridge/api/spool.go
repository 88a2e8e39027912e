//go:build unix

package api

import (
	"io"
	"os"
	"sync"
)

// inMemory is how many bytes of a message are held in memory; the rest is in a file
// without a name, which ends with the process.
const inMemory = 256 << 10

// Spool holds a message while it is sent: the API is told its length and digest
// first, and a connection that turned out to be closed costs nothing. It implements
// io.Writer and io.ReaderAt.
type Spool struct {
	// mu: an API that answers before it has read a request leaves a reader behind,
	// which may meet the Close of the message.
	mu sync.RWMutex

	Directory string // of the file, if one is needed

	mem  []byte
	file *os.File
	size int64
}

// Size is the number of bytes written.
func (s *Spool) Size() int64 { return s.size }

func (s *Spool) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil && len(s.mem)+len(p) <= inMemory {
		s.mem = append(s.mem, p...)
		s.size += int64(len(p))
		return len(p), nil
	}
	if s.file == nil {
		f, err := os.CreateTemp(s.Directory, ".message.*") // 0600
		if err != nil {
			return 0, err
		}
		if err := os.Remove(f.Name()); err != nil {
			_ = f.Close()
			return 0, err
		}
		s.file = f
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, err
}

// ReadAt implements io.ReaderAt.
func (s *Spool) ReadAt(p []byte, off int64) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	held := int64(len(s.mem))
	n := 0
	if off < held {
		n = copy(p, s.mem[off:])
	}
	if n == len(p) {
		return n, nil
	}
	if s.file == nil || off+int64(n) >= s.size {
		return n, io.EOF
	}
	more, err := s.file.ReadAt(p[n:], off+int64(n)-held)
	return n + more, err
}

// Close frees file and memory.
func (s *Spool) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil {
		_ = s.file.Close()
	}
	s.file, s.mem, s.size = nil, nil, 0
}
