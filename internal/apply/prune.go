package apply

import (
	"path/filepath"
	"slices"

	"relayhost/internal/host"
)

// prune keeps the state directory small and poor in secrets: ten changes, and
// copies of files with secrets only where nothing else could bring them back.
// The change itself is committed by now: what fails here is done by the next
// run, and is no error of this one.
func (st store) prune() {
	past, err := st.history()
	if err != nil {
		return
	}
	_ = st.h.Remove(filepath.Join(st.dir, undoneName), "")
	for i := range past {
		if st.forgetBetween(&past[i]) != nil {
			return
		}
	}
	for i := len(past) - 1; i >= keepChanges; i-- { // the oldest first
		if past[i].ConfigDir != past[i-1].ConfigDir { // a change is of one instance of Postfix
			continue
		}
		folded, err := st.fold(past[i], past[i-1])
		if err != nil {
			return
		}
		past = slices.Replace(past, i-1, i+1, folded)
	}
	for i := 1; i < len(past); i++ {
		if st.forget(&past[i], past[i+1:]) != nil {
			return
		}
	}
	_ = st.dropFolded(past)
}

// forget removes the copies of secrets from an older change. What was there
// before relayhost first touched the file stays, or it could not be restored.
func (st store) forget(j *journal, older []journal) error {
	dir := filepath.Join(st.dir, historyDir, j.Record.ID)
	var names []string
	for i := range j.Steps {
		s := &j.Steps[i]
		if s.Secret && s.Before.Copy != "" && touches(older, s.Target) {
			names = append(names, s.Before.Copy)
			s.Before.Copy, s.Before.data = "", nil
		}
	}
	if len(names) == 0 {
		return nil
	}
	return st.drop(j, dir, names)
}

// forgetBetween removes what a change has held in between: it is final by now, and the tables of that time have two passwords in them.
func (st store) forgetBetween(j *journal) error {
	dir := filepath.Join(st.dir, historyDir, j.Record.ID)
	var names []string
	had := false
	for i := range j.Steps {
		s := &j.Steps[i]
		if s.Between == nil {
			continue
		}
		had = true
		if s.Between.Copy != "" {
			names = append(names, s.Between.Copy)
		}
		s.Between = nil
	}
	if !had {
		return nil
	}
	return st.drop(j, dir, names)
}

// drop removes copies that j does not name any more. The journal comes first:
// one that names a copy which is gone would not read.
func (st store) drop(j *journal, dir string, names []string) error {
	if err := j.save(st.h, dir); err != nil {
		return err
	}
	for _, name := range names {
		if err := st.h.Remove(filepath.Join(dir, name), ""); err != nil {
			return err
		}
	}
	return nil
}

func touches(past []journal, target string) bool {
	for _, j := range past {
		for _, s := range j.Steps {
			if s.Target == target {
				return true
			}
		}
	}
	return false
}

// fold makes one change of the two oldest.
func (st store) fold(older, newer journal) (journal, error) {
	j := newer
	j.Steps = compose([]journal{newer, older})
	j.Record.ID = newer.Record.ID + "-and-earlier"
	j.Record.Files = changes(j.Steps)
	j.Held = append(append([]string{}, older.Held...), newer.Held...)
	j.Record.Held = len(j.Held)
	j.Record.Packages = slices.Concat(older.Record.Packages, newer.Record.Packages)
	j.Replaces = []string{older.Record.ID, newer.Record.ID}
	if err := discard(st.h, filepath.Join(st.dir, historyDir, j.Record.ID)); err != nil {
		return j, err
	}
	if err := j.write(st.h, filepath.Join(st.dir, historyDir), j.Record.ID); err != nil {
		return j, err
	}
	return j, st.dropFolded([]journal{j})
}

// dropFolded removes changes that live on in a folded one.
func (st store) dropFolded(past []journal) error {
	for _, j := range past {
		for _, id := range j.Replaces {
			if id == "" || host.IsTemp(id) {
				continue
			}
			if err := discard(st.h, filepath.Join(st.dir, historyDir, id)); err != nil {
				return err
			}
		}
	}
	return nil
}
