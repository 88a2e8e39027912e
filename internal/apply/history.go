package apply

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"relayhost/internal/host"
)

// store is the state directory: the change in progress and those that can be undone.
type store struct {
	h   *host.Host
	dir string
}

// keepChanges is how many changes can be undone one by one; older ones are
// folded into one, so that all of them can still be undone together: of several instances
// of Postfix, those that follow each other and are of the same one.
const keepChanges = 10

// History lists the changes that can be undone, newest first.
func History(r *host.Reader, o Options) ([]Record, error) {
	past, err := readHistory(r, o.stateDir())
	var list []Record
	for _, j := range past {
		list = append(list, j.Record)
	}
	return list, err
}

func (st store) history() ([]journal, error) { return readHistory(&st.h.Reader, st.dir) }

// readHistory reads the committed changes, newest first. Those that a finished
// rollback has ended, or that are folded into another, are left out.
func readHistory(r *host.Reader, stateDir string) ([]journal, error) {
	names, err := r.ReadDir(filepath.Join(stateDir, historyDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var past []journal
	gone, err := endedBy(r, stateDir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if host.IsTemp(name) {
			continue
		}
		j, err := readJournal(r, filepath.Join(stateDir, historyDir, name))
		if err != nil {
			return nil, err
		}
		gone = append(gone, j.Replaces...)
		past = append(past, j)
	}
	past = slices.DeleteFunc(past, func(j journal) bool { return slices.Contains(gone, j.Record.ID) })
	slices.SortFunc(past, func(a, b journal) int { return b.Seq - a.Seq })
	return past, nil
}

// endedBy lists the changes that finished rollbacks have ended.
func endedBy(r *host.Reader, stateDir string) ([]string, error) {
	names, err := r.ReadDir(stateDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	for _, name := range names {
		if !strings.HasPrefix(name, donePrefix) {
			continue
		}
		done, readErr := readJournal(r, filepath.Join(stateDir, name))
		if errors.Is(readErr, fs.ErrNotExist) { // half removed, its changes are gone by now
			continue
		}
		if readErr != nil {
			return nil, readErr
		}
		ids = append(ids, done.Undoes...)
	}
	return ids, err
}

// clearDone takes the changes that finished rollbacks have ended out of the
// history.
func (st store) clearDone() error {
	names, err := st.h.ReadDir(st.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !strings.HasPrefix(name, donePrefix) {
			continue
		}
		done := filepath.Join(st.dir, name)
		j, err := readJournal(&st.h.Reader, done)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, id := range j.Undoes {
			if err := discard(st.h, filepath.Join(st.dir, historyDir, id)); err != nil {
				return err
			}
		}
		if err := discard(st.h, done); err != nil {
			return err
		}
	}
	return st.dropEmptyHistory()
}

func (st store) dropEmptyHistory() error {
	dir := filepath.Join(st.dir, historyDir)
	names, err := st.h.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || len(names) > 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return st.h.Remove(dir, "")
}
