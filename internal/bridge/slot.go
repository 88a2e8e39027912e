package bridge

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// slot is one of the connections that a server allows at once. It is a lock on a
// file, so that the processes of one host share the limit and a process that dies
// frees its slot.
type slot struct{ file *os.File }

// BusyError says that all connections that a server allows are in use.
type BusyError struct {
	Host        string
	Connections int
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s: all %d connections are in use", e.Host, e.Connections)
}

// takeSlot takes a free slot for a login at a server. It does not wait: Postfix
// tries again.
func takeSlot(directory string, s Server) (*slot, error) {
	if s.Connections == 0 {
		return nil, nil
	}
	sum := sha256.Sum256([]byte(s.Host + "\x00" + s.Username))
	base := filepath.Join(directory, "slot-"+hex.EncodeToString(sum[:6])+"-")
	for i := range s.Connections {
		f, err := os.OpenFile(base+strconv.Itoa(i), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
		if err != nil {
			return nil, fmt.Errorf("count the connections to %s: %w", s.Host, err)
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return &slot{f}, nil
		}
		_ = f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("count the connections to %s: %w", s.Host, err)
		}
	}
	return nil, &BusyError{s.Host, s.Connections}
}

// free gives the slot back; a nil slot was none.
func (s *slot) free() {
	if s != nil {
		_ = s.file.Close()
	}
}
