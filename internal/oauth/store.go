//go:build unix

package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"relayhost/internal/secret"
)

// Token is what an identity provider gave.
type Token struct {
	Access   secret.Value
	Refresh  secret.Value // "" for ClientCredentials
	Expiry   time.Time    // of Access
	Obtained time.Time
}

// fresh reports whether the access token holds for another while.
func (t Token) fresh(now time.Time, early time.Duration) bool {
	return !t.Access.IsZero() && now.Add(early).Before(t.Expiry)
}

// stored is a Token in its file: the one place where its secrets are written.
type stored struct {
	Version  int       `json:"version"`
	Client   string    `json:"client"` // client id and token endpoint that it is of
	Access   string    `json:"access_token"`
	Refresh  string    `json:"refresh_token,omitempty"`
	Expiry   time.Time `json:"expiry"`
	Obtained time.Time `json:"obtained"`
}

const (
	storeVersion = 1
	// room is what a store is made of before the endpoint is asked, so that a full
	// disk is found while the old token still holds.
	room = 2*maxToken + 8<<10
)

// owner tells the stores of two registrations apart: a token of one is of no use
// to the other.
func (c Client) owner() string { return strings.TrimSpace(c.ID + " " + c.TokenURL + " " + c.Account) }

// before is where the store of another registration or account is kept: the change to
// this one may yet be rolled back.
func before(path string) string { return path + ".before" }

// Load reads the token of client c from path. No file is no error and no token;
// a token of another registration or account counts as none.
func Load(path string, c Client) (Token, error) {
	t, owned, err := load(path, c)
	if err == nil && !owned {
		t, _, err = load(before(path), c)
	}
	return t, err
}

// load reads one file; owned reports whether it is there, and of c.
func load(path string, c Client) (t Token, owned bool, err error) {
	s, err := readStored(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Token{}, false, nil
	}
	if err != nil || s.Client != c.owner() {
		return Token{}, false, err
	}
	return Token{Access: secret.New(s.Access), Refresh: secret.New(s.Refresh), Expiry: s.Expiry, Obtained: s.Obtained}, true, nil
}

func readStored(path string) (s stored, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return s, err
	case !info.Mode().IsRegular():
		return s, fmt.Errorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return s, fmt.Errorf("%s is readable by other users", path)
	case info.Size() > room:
		return s, fmt.Errorf("%s is longer than %d bytes", path, room)
	}
	if err := json.NewDecoder(f).Decode(&s); err != nil || s.Version != storeVersion {
		return s, fmt.Errorf("%s is not a token store of this version", path)
	}
	return s, nil
}

// writing is a store that is about to be replaced: its room on the disk is taken.
type writing struct {
	file *os.File
	path string
}

// begin takes the room for a new store beside path. The caller holds the lock, so that
// another's beginning is one of a process that was killed, and goes.
func begin(path string) (*writing, error) {
	prefix := "." + filepath.Base(path) + "."
	names, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	for _, e := range names {
		if strings.HasPrefix(e.Name(), prefix) {
			_ = os.Remove(filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), prefix+"*") // 0600
	if err != nil {
		return nil, err
	}
	w := &writing{f, path}
	if err := handOver(f, path); err != nil {
		w.drop()
		return nil, err
	}
	blank := []byte(strings.Repeat(" ", room-1) + "\n")
	if _, err := f.Write(blank); err != nil {
		w.drop()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.Sync(); err != nil {
		w.drop()
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return w, nil
}

// drop forgets the new store.
func (w *writing) drop() {
	_ = w.file.Close()
	_ = os.Remove(w.file.Name())
}

// commit puts t in place of the old store: complete, or not at all.
func (w *writing) commit(c Client, t Token) error {
	data, err := json.Marshal(stored{storeVersion, c.owner(), t.Access.Reveal(), t.Refresh.Reveal(), t.Expiry, t.Obtained})
	if err == nil && len(data) >= room {
		err = fmt.Errorf("the token is longer than %d bytes", room)
	}
	if err == nil {
		_, err = w.file.WriteAt(append(data, '\n'), 0)
	}
	if err == nil {
		err = w.file.Truncate(int64(len(data)) + 1)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		err = keepOther(w.path, c)
	}
	if err == nil {
		err = os.Rename(w.file.Name(), w.path)
	}
	if err != nil {
		w.drop()
		return fmt.Errorf("write %s: %w", w.path, err)
	}
	_ = w.file.Close()
	return syncDirectory(filepath.Dir(w.path))
}

// keepOther keeps a store that is about to be replaced by one of another registration
// or account.
func keepOther(path string, c Client) error {
	s, err := readStored(path)
	if err != nil || s.Client == c.owner() {
		return nil //nolint:nilerr // no store, or one that nobody can use
	}
	return os.Rename(path, before(path))
}

func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// handOver gives a file that root has made beside path to the owner of the
// directory, who is to read it.
func handOver(f *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: its owner is not known", filepath.Dir(path))
	}
	return f.Chown(int(owner.Uid), int(owner.Gid))
}

// openLock opens a lock file. Only one that this process has made is handed over: the
// owner of the directory may have put another file's name there.
func openLock(path string) (*os.File, error) {
	const flags = os.O_RDWR | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	f, err := os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return os.OpenFile(path, flags, 0o600)
	}
	if err != nil {
		return nil, err
	}
	if err := handOver(f, path); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// lockPoll is how often a lock that is taken is tried again.
const lockPoll = 20 * time.Millisecond

// lock takes the lock beside path, which holds renewals of the store there off until
// unlock; it is a file of its own, since a lock on the store would be lost with each
// rename. It is gone with the process.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := openLock(path + ".lock")
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s.lock: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("lock %s.lock: %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}
