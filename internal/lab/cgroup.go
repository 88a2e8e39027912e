package lab

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// newCgroup makes a control group below this process's own, where a systemd
// can keep its units. It is closed by the caller and removed with the server.
func (s *Server) newCgroup() (*os.File, error) {
	own, err := ownCgroup()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(own, "relayhost-lab-")
	if err != nil {
		return nil, fmt.Errorf("control group: %w", err)
	}
	s.cgroup = dir
	return os.Open(dir)
}

// ownCgroup finds this process's directory in the unified hierarchy (cgroups(7)),
// wherever that is mounted.
func ownCgroup() (string, error) {
	mount := ""
	err := lines("/proc/self/mountinfo", func(l string) {
		// proc_pid_mountinfo(5): the type follows a lone hyphen.
		left, right, ok := strings.Cut(l, " - ")
		if f := strings.Fields(left); ok && len(f) > 4 && strings.HasPrefix(right, "cgroup2 ") && mount == "" {
			mount = f[4]
		}
	})
	if err != nil {
		return "", err
	}
	if mount == "" {
		return "", errors.New("control groups: no cgroup2 is mounted, which systemd needs")
	}
	path := "/"
	err = lines("/proc/self/cgroup", func(l string) {
		if p, ok := strings.CutPrefix(l, "0::"); ok {
			path = p
		}
	})
	return filepath.Join(mount, path), err
}

func lines(path string, f func(string)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	for sc.Scan() {
		f(sc.Text())
	}
	return sc.Err()
}

// removeCgroup removes a group and those below it. The last processes may
// still be on their way out.
func removeCgroup(dir string) error {
	var err error
	for range 100 {
		var dirs []string
		err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, p)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			err = errors.Join(err, unix.Rmdir(dirs[i]))
		}
		if err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("remove control group %s: %w", dir, err)
}
