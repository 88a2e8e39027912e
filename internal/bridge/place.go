//go:build unix

package bridge

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/oauth"
)

// TokenPath is the token store of the bridge name, or of the hop of a bridge that
// conf.HopName names, where it is now.
func TokenPath(directory, name string) string {
	return conf.TokenPath(stateOf(directory, name), name)
}

// stateOf is the directory that the bridge name keeps its state in: its own, or the one
// for all bridges, where earlier versions had it and no Place has moved it yet.
func stateOf(directory, name string) string {
	own := conf.OwnDirectory(directory, name)
	if info, err := os.Lstat(own); err != nil || !info.IsDir() {
		return conf.StateDirectory(directory)
	}
	return own
}

// placeTime bounds the wait for a renewal that is on its way.
const placeTime = 30 * time.Second

// Place makes the directory that the bridge name has for itself, of the user and group
// with these numbers, and moves there what earlier versions kept in the one for all
// bridges. The former files count, and are whole, until the new directory gets its name,
// which is one step: a run that is killed loses nothing, and the next one goes on. From then
// on nothing is taken from the directory for all bridges, where another bridge could have put
// it; nor is it for a bridge that has no configuration yet. moved reports whether there was
// anything.
func Place(ctx context.Context, directory, name string, uid, gid int) (moved bool, err error) {
	return place(ctx, directory, name, uid, gid, func() {})
}

// place is Place; done is called after each change.
func place(ctx context.Context, directory, name string, uid, gid int, done func()) (moved bool, err error) {
	state, own := conf.StateDirectory(directory), conf.OwnDirectory(directory, name)
	former, err := formerState(state, name)
	if err != nil {
		return false, err
	}
	if _, err := os.Lstat(own); errors.Is(err, fs.ErrNotExist) {
		take := former
		if _, err := os.Lstat(conf.ConfigPath(directory, name)); err != nil {
			take = nil // of no bridge that was there
		}
		unlock, err := lockTokens(ctx, state, take)
		if err != nil {
			return false, err
		}
		defer unlock()
		if err := begin(state, own, take, uid, gid, done); err != nil {
			return false, err
		}
	} else if err != nil {
		return false, err
	}
	for _, file := range former {
		if err := os.Remove(filepath.Join(state, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		done()
	}
	return len(former) > 0, nil
}

// lockTokens waits for the renewals of the tokens among files that are on their way, and
// holds others off until unlock.
func lockTokens(ctx context.Context, state string, files []string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, placeTime)
	defer cancel()
	var held []func()
	unlock = func() {
		for _, release := range held {
			release()
		}
	}
	for _, file := range files {
		if !strings.HasSuffix(file, ".token") {
			continue
		}
		release, err := oauth.Lock(ctx, filepath.Join(state, file))
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, release)
	}
	return unlock, nil
}

// begin makes the directory own with the former files of state, complete or not at all.
// Its parent directory is root's, so only root can replace it.
func begin(state, own string, former []string, uid, gid int, done func()) error {
	begun := filepath.Join(filepath.Dir(own), "."+filepath.Base(own))
	if err := os.RemoveAll(begun); err != nil {
		return err
	}
	if err := os.Mkdir(begun, 0o700); err != nil {
		return err
	}
	done()
	for _, file := range former {
		if err := copyFile(filepath.Join(state, file), filepath.Join(begun, file), uid, gid); err != nil {
			return err
		}
		done()
	}
	if os.Geteuid() == 0 {
		if err := os.Lchown(begun, uid, gid); err != nil {
			return err
		}
	}
	// Both on the disk before the former files go.
	if err := oauth.SyncDirectory(begun); err != nil {
		return err
	}
	if err := os.Rename(begun, own); err != nil {
		return err
	}
	if err := oauth.SyncDirectory(filepath.Dir(own)); err != nil {
		return err
	}
	done()
	return nil
}

// maxState bounds a file of a bridge's state, in bytes; a token store is half as long.
const maxState = 256 << 10

// copyFile copies a private file of the user uid. One that a bridge would not read is not
// copied, nor one of somebody else or with a second name: the user could have linked a file
// of root's, which would be given to him.
func copyFile(from, to string, uid, gid int) error {
	text, info, err := readPrivate(from, maxState)
	if err != nil {
		return nil //nolint:nilerr // see above
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != uid || st.Nlink != 1 {
		return nil
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if os.Geteuid() == 0 {
		if err := f.Chown(uid, gid); err != nil {
			return err
		}
	}
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.Sync()
}

// formerState are the files of the bridge name in the directory for all bridges.
func formerState(state, name string) (files []string, err error) {
	entries, err := os.ReadDir(state)
	for _, e := range entries {
		if base, _, _ := strings.Cut(e.Name(), "."); base == name && e.Type().IsRegular() {
			files = append(files, e.Name())
		}
	}
	return files, err
}
