package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// undoTime bounds an undoing, which no signal ends.
const undoTime = 60 * time.Second

// transaction is one run that holds the lock.
type transaction struct {
	h     *host.Host
	o     Options
	store store
	lock  *os.File
	dog   *watchdog
	pid   int // 0 for the watch
	since time.Time
	used  []string // directories that temporary files may lie in

	cleared bool // of a rollback: its changes are out of the history
}

// begin takes the lock and clears away what runs that died have left behind.
func begin(ctx context.Context, h *host.Host, o Options) (*transaction, error) {
	f, err := lock(ctx, h, o)
	if err != nil {
		return nil, err
	}
	t := &transaction{h: h, o: o, store: store{h, o.stateDir()}, lock: f, pid: os.Getpid(), since: o.now()}
	left := readLock(f)[1:]
	err = sweep(t.h, append(left, t.store.dir, filepath.Join(t.store.dir, historyDir))...)
	if err == nil {
		err = t.uses(o.configDir())
	}
	if err != nil {
		t.end()
		return nil, err
	}
	return t, nil
}

// uses notes directories that files are going to be written in, so that the next
// run finds what this one may leave there, and clears what is there already.
func (t *transaction) uses(dirs ...string) error {
	t.used = append(t.used, dirs...)
	if err := signLock(t.lock, t.pid, t.since, t.used); err != nil {
		return err
	}
	return sweep(t.h, dirs...)
}

// end gives the lock back. A state directory that holds nothing is removed, so
// that a failed first run leaves nothing of its own.
func (t *transaction) end() {
	t.dog.stop()
	// Usually nothing: a temporary file stays only if removing it has failed.
	_ = sweep(t.h, t.used...)
	names, err := t.h.ReadDir(t.store.dir)
	if err == nil && slices.Equal(names, []string{lockName}) {
		// The lock file goes while it is still held: who has it open sees
		// that the name is gone and starts again (tryLock).
		if t.h.Remove(filepath.Join(t.store.dir, lockName), "") == nil {
			_ = t.h.Remove(t.store.dir, "") // fails when another run is already in it
		}
	}
	// Unlocked first: a child that another goroutine is just starting has it open as well.
	_ = unix.Flock(int(t.lock.Fd()), unix.LOCK_UN)
	t.lock.Close()
}

// sweep removes the temporary files of a run that was killed.
func sweep(h *host.Host, dirs ...string) error {
	for _, dir := range dirs {
		names, err := h.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, name := range names {
			if !host.IsTemp(name) {
				continue
			}
			if err := h.RemoveAll(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// discard removes a journal at once: half of one would read as damaged. What is
// left under the temporary name is swept by the next run.
func discard(h *host.Host, dir string) error {
	if _, err := h.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	temp := filepath.Join(filepath.Dir(dir), host.TempName())
	if err := h.Rename(dir, temp); err != nil {
		return err
	}
	return h.RemoveAll(temp)
}

// fileSteps turns the plan into steps, and refuses a plan that was made from
// another text than the one on disk. Directories that are missing come first.
func fileSteps(ctx context.Context, h *host.Host, o Options, p plan.Plan) ([]step, error) {
	var steps []step
	var dirs []string
	for _, f := range p.Files {
		s, err := stepAt(h, f.Path)
		if err != nil {
			return nil, err
		}
		if s.Before.Exists != (f.Before != nil) || s.Before.Exists && s.Before.Sum != host.Sum(f.Before) {
			return nil, fmt.Errorf("%s: %w", f.Path, ErrStale)
		}
		s.Secret = f.Secret
		s.After = planned(f, s.Before)
		if s.Before.alike(s.After) {
			continue
		}
		for _, dir := range missingDirs(h, filepath.Dir(s.Target)) {
			if !conf.IsConfig(s.Path) && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
		steps = append(steps, s)
	}
	if err := forBridges(ctx, h, o, steps); err != nil {
		return nil, err
	}
	var all []step
	for _, dir := range dirs {
		all = append(all, step{Path: dir, Target: dir,
			After: state{Exists: true, Dir: true, Mode: 0o755, UID: os.Geteuid(), GID: os.Getegid()}})
	}
	return append(all, steps...), nil
}

// stepAt looks at path as it is now.
func stepAt(h *host.Host, path string) (step, error) {
	s := step{Path: path}
	if m, err := h.Lstat(path); err == nil {
		s.Link = m.Link
	}
	var err error
	if s.Target, err = h.Follow(path); err != nil {
		return s, err
	}
	s.Before, err = look(&h.Reader, s.Target)
	return s, err
}

// planned is what f will be. What is replaced keeps its labels; a secret is
// root's alone, whatever it was before.
func planned(f plan.File, before state) state {
	if f.Action == plan.Remove {
		return state{}
	}
	s := state{Exists: true, Sum: host.Sum(f.After), data: f.After,
		Mode: f.Mode.Perm(), UID: f.UID, GID: f.GID, Xattrs: before.Xattrs}
	if f.Action == plan.Unchanged {
		s = before
	}
	if f.Secret {
		s.seal()
		if f.Group != "" {
			s.Mode, s.GID = f.Mode.Perm()&0o640, f.GID
		}
	}
	return s
}

// seal makes a state readable for root alone: an access list could name others.
func (s *state) seal() {
	s.Mode &= 0o600
	s.UID, s.GID = os.Geteuid(), os.Getegid()
	labels := map[string][]byte{}
	for name, value := range s.Xattrs {
		if name != "system.posix_acl_access" {
			labels[name] = value
		}
	}
	s.Xattrs = labels
}

// missingDirs lists dir and the directories above it that do not exist, topmost first.
func missingDirs(h *host.Host, dir string) []string {
	if _, err := h.Stat(dir); err == nil || dir == "/" {
		return nil
	}
	return append(missingDirs(h, filepath.Dir(dir)), dir)
}

// indexNeeds are the compiled maps of what changes. They are compiled later, and have
// to be replaceable.
func indexNeeds(h *host.Host, p plan.Plan, files []step) ([]host.Need, error) {
	var needs []host.Need
	for _, f := range p.Files {
		mapType, _ := f.Compiled()
		index := postfix.Table{Type: mapType, Path: f.Path}.Index()
		if index == "" || !slices.ContainsFunc(files, func(s step) bool { return s.Path == f.Path }) {
			continue
		}
		s, err := stepAt(h, index)
		if err != nil {
			return nil, err
		}
		n := host.Need{Path: s.Target, Bytes: int64(len(s.Before.data) + len(f.After)), UID: f.UID, GID: f.GID}
		if s.Before.Exists && !f.Secret {
			n.UID, n.GID = s.Before.UID, s.Before.GID
		}
		needs = append(needs, n)
	}
	return needs, nil
}

// preflight finds out whether every step can be done, and undone.
func preflight(h *host.Host, o Options, steps []step, more ...host.Need) error {
	o.say("checking that everything can be written")
	var total int64
	needs := more
	for _, s := range steps {
		size := int64(len(s.Before.data) + len(s.After.data))
		total += size
		if !s.After.Dir && !s.Before.Dir {
			owner := s.After
			if !owner.Exists {
				owner = s.Before
			}
			needs = append(needs, host.Need{Path: s.Target, Bytes: size, UID: owner.UID, GID: owner.GID, Secret: s.Secret})
		}
	}
	// Journal and copies, as one file to reckon with.
	needs = append(needs, host.Need{Path: filepath.Join(o.stateDir(), inProgress, journalName),
		Bytes: total, UID: os.Geteuid(), GID: os.Getegid()})
	return h.Preflight(needs)
}
