//go:build unix

package bridge

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
)

// ConfigError is a configuration that cannot work.
type ConfigError struct {
	Path string
	Err  error
}

func (e *ConfigError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *ConfigError) Unwrap() error { return e.Err }

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 64 << 10

// load reads the configuration of the bridge name in directory. A file that others than
// its owner can read is refused, but for one that root lets our group read.
func load(directory, name string) (conf.Config, error) {
	path := conf.ConfigPath(directory, name)
	data, _, err := readPrivate(path, maxConfig)
	if err == nil {
		var c conf.Config
		if c, err = conf.Parse(data); err == nil {
			return c, nil
		}
	}
	return conf.Config{}, &ConfigError{path, err}
}

// readPrivate reads a file that is for nobody but its owner; info is of what was read.
func readPrivate(path string, limit int64) (data []byte, info fs.FileInfo, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return nil, nil, failed.Err
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err = f.Stat()
	switch {
	case err != nil:
		return nil, nil, err
	case !info.Mode().IsRegular():
		return nil, nil, errors.New("not a regular file")
	case info.Mode().Perm()&0o077 != 0 && !forOurGroup(info):
		return nil, nil, secret.ErrReadableByOthers
	case info.Size() > limit:
		return nil, nil, fmt.Errorf("longer than %d bytes", limit)
	}
	data, err = io.ReadAll(io.LimitReader(f, limit))
	return data, info, err
}

// forOurGroup reports whether a file is root's and readable by the group of this
// process alone.
func forOurGroup(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().Perm()&0o037 == 0 && st.Uid == 0 && (int(st.Gid) == os.Getegid() || os.Geteuid() == 0)
}
