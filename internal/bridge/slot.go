//go:build unix

package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
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

// The wait for a slot: a connection that Postfix keeps for another message ends
// within two seconds of idling (smtp_connection_cache_time_limit of postconf(5)), so
// that a slot comes free soon, while a refusal would put the message off for minutes.
const (
	slotWait = 30 * time.Second
	slotPoll = 25 * time.Millisecond
)

// takeSlot takes a free slot for a login at a server, and waits a while for one.
func takeSlot(ctx context.Context, directory string, s Server) (*slot, error) {
	if s.Connections == 0 {
		return nil, nil
	}
	sum := sha256.Sum256([]byte(s.Host + "\x00" + s.Username))
	base := filepath.Join(directory, "slot-"+hex.EncodeToString(sum[:6])+"-")
	tick := time.NewTicker(slotPoll)
	defer tick.Stop()
	for end := time.Now().Add(slotWait); ; {
		for i := range s.Connections {
			taken, err := try(base + strconv.Itoa(i))
			if err != nil {
				return nil, fmt.Errorf("count the connections to %s: %w", s.Host, err)
			}
			if taken != nil {
				return taken, nil
			}
		}
		if time.Now().After(end) {
			return nil, &BusyError{s.Host, s.Connections}
		}
		select {
		case <-ctx.Done():
			return nil, &BusyError{s.Host, s.Connections}
		case <-tick.C:
		}
	}
}

// try takes one slot, or returns nil when somebody has it.
func try(path string) (*slot, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return &slot{f}, nil
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, err
}

// free gives the slot back; a nil slot was none.
func (s *slot) free() {
	if s != nil {
		_ = s.file.Close()
	}
}
