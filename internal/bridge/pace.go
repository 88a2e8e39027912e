package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// pace keeps the messages of one account below what its relay takes in a minute, over
// all processes. A burst up to that number goes out at once, and what is more waits
// its turn here: Postfix's own measure, one delivery in so many seconds
// (transport_destination_rate_delay of postconf(5)), would send every message alone.
//
// The file holds the times of the last messages, in nanoseconds, as a ring: the place
// of the next is the first number of the file.
type pace struct {
	path      string
	perMinute int
}

// maxPace bounds the wait for a turn: below lmtp_mail_timeout, 300 s.
const maxPace = 2 * time.Minute

func paceOf(directory string, s Server) *pace {
	if s.PerMinute < 1 {
		return nil
	}
	sum := sha256.Sum256([]byte(s.Host + "\x00" + s.Username))
	return &pace{filepath.Join(directory, "slot-"+hex.EncodeToString(sum[:6])+"-minute"), s.PerMinute}
}

// wait returns when the account may send another message, which is counted then. A nil
// pace has no limit.
func (p *pace) wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	for end := time.Now().Add(maxPace); ; {
		left, err := p.take(time.Now())
		if err != nil {
			return fmt.Errorf("count the messages of a minute: %w", err)
		}
		if left <= 0 {
			return nil
		}
		if time.Now().Add(left).After(end) {
			return fmt.Errorf("more than %d messages a minute wait", p.perMinute)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(left):
		}
	}
}

// take counts a message at now, or says how long it is until one may be sent.
func (p *pace) take(now time.Time) (left time.Duration, err error) {
	f, err := os.OpenFile(p.path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for { // held for the moment of this function alone
		if err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR { //nolint:errorlint // an errno
			break
		}
	}
	if err != nil {
		return 0, err
	}
	ring := make([]byte, 8*(p.perMinute+1))
	if _, err := io.ReadFull(f, ring); err != nil {
		clear(ring) // new, or of another size
	}
	next := int(binary.LittleEndian.Uint64(ring) % uint64(p.perMinute)) //nolint:gosec // below perMinute
	place := ring[8*(next+1) : 8*(next+2)]
	oldest := time.Unix(0, int64(binary.LittleEndian.Uint64(place))) //nolint:gosec // a time
	if left = oldest.Add(time.Minute).Sub(now); left > 0 && left <= time.Minute {
		return left, nil
	}
	binary.LittleEndian.PutUint64(place, uint64(now.UnixNano()))            //nolint:gosec // a time after 1970
	binary.LittleEndian.PutUint64(ring, uint64(next+1)%uint64(p.perMinute)) //nolint:gosec // not negative
	_, err = f.WriteAt(ring, 0)
	return 0, err
}
