package apply

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// The directories and files in the state directory.
const (
	inProgress  = "in-progress" // the journal of a run; its rename to history is the commit
	historyDir  = "history"
	donePrefix  = "done-" // the journal of a finished rollback, until its changes are out of the history
	journalName = "journal.json"
	undoneName  = "last-undo.json"
)

// The kinds of journal.
const (
	kindChange   = "change"
	kindRollback = "rollback"
)

// journal is what is needed to undo a run, and nothing else is: no Postfix, no
// parseable configuration.
type journal struct {
	Version   int      `json:"version"`
	Kind      string   `json:"kind"`
	Seq       int      `json:"seq"` // orders changes, whatever the clock did
	Record    Record   `json:"record"`
	ConfigDir string   `json:"config_dir"`
	Steps     []step   `json:"steps"`              // in the order in which they are done
	Undoes    []string `json:"undoes,omitempty"`   // a rollback: the ids of the changes that end with it
	Replaces  []string `json:"replaces,omitempty"` // two old changes folded into this one
	Held      []string `json:"held,omitempty"`     // queue ids that the run puts on hold before it writes
	Released  []string `json:"released,omitempty"` // queue ids that a rollback releases after it has written
	// Others are what a rollback does in other instances of Postfix than that in ConfigDir,
	// and does first.
	Others  []otherPart `json:"others,omitempty"`
	failure error       // of the proof, when the change is kept all the same
}

// otherPart is the part of a rollback in one other instance of Postfix.
type otherPart struct {
	ConfigDir string   `json:"config_dir"`
	Steps     int      `json:"steps"` // how many of those of the journal, which follow those of the part before
	Released  []string `json:"released,omitempty"`
}

// parts are what j does in each instance of Postfix, in order.
func (j journal) parts() []journal {
	var list []journal
	for _, p := range j.Others {
		list = append(list, journal{ConfigDir: p.ConfigDir, Steps: j.Steps[:p.Steps:p.Steps], Released: p.Released})
		j.Steps = j.Steps[p.Steps:]
	}
	j.Others = nil
	return append(list, j)
}

// step is one file that changes.
type step struct {
	Path     string `json:"path"`           // as the plan names it
	Target   string `json:"target"`         // what is replaced: Path, its links resolved
	Link     string `json:"link,omitempty"` // where Path points, when it is a link
	Secret   bool   `json:"secret,omitempty"`
	Source   string `json:"source,omitempty"` // of a compiled map: the text that it was made from
	Map      string `json:"map,omitempty"`    // of a compiled map: its type, where postmap(1) makes it
	Before   state  `json:"before"`
	After    state  `json:"after"`
	Override *state `json:"trial,omitempty"` // what it is during the proof, when that is not After
	// Between holds the entries of both; it is there from the first write until
	// the new configuration has proven itself. nil where After does.
	Between *state `json:"between,omitempty"`
	// Edit is, in a step of several changes, what somebody has written between
	// two of them and Before does not have.
	Edit *Difference `json:"edit,omitempty"`
}

// state is a file, a directory or its absence at one moment.
type state struct {
	Exists bool              `json:"exists"`
	Dir    bool              `json:"dir,omitempty"`
	Sum    string            `json:"sha256,omitempty"`
	Mode   fs.FileMode       `json:"mode,omitempty"` // permission bits
	UID    int               `json:"uid"`
	GID    int               `json:"gid"`
	Mtime  time.Time         `json:"mtime,omitzero"`
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
	Anew   bool              `json:"anew,omitempty"` // to be written although nothing but its time differs
	Copy   string            `json:"copy,omitempty"` // the content, a file beside the journal; "" when it is not kept
	data   []byte
}

// same reports whether both have the same content (not mode or owner).
func (s state) same(o state) bool {
	return s.Exists == o.Exists && s.Dir == o.Dir && s.Sum == o.Sum
}

// alike reports whether mode and owner are the same too, and neither is to be
// written for its time alone.
func (s state) alike(o state) bool {
	return s.same(o) && s.Anew == o.Anew && (!s.Exists || s.Mode == o.Mode && s.UID == o.UID && s.GID == o.GID)
}

// expect is s as host.Spec.Expect says it.
func (s state) expect() string {
	if !s.Exists {
		return host.Absent
	}
	return s.Sum
}

// look reads what is at path now, the content included.
func look(r *host.Reader, path string) (state, error) {
	m, err := r.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	s := state{Exists: true, Mode: m.Mode.Perm(), UID: m.UID, GID: m.GID, Mtime: m.Mtime}
	if m.Mode.IsDir() {
		s.Dir = true
		return s, nil
	}
	if !m.Mode.IsRegular() {
		return state{}, &host.Refusal{Path: path, Why: "is not a regular file", Fix: "move it away"}
	}
	if s.data, err = r.ReadFile(path); err != nil {
		return state{}, err
	}
	s.Sum = host.Sum(s.data)
	s.Xattrs, err = r.Xattrs(path)
	return s, err
}

// write puts the journal and its copies on disk as one: a directory that is made
// aside, synced and renamed. Before that rename there is no journal.
func (j *journal) write(h *host.Host, stateDir, as string) error {
	temp := filepath.Join(stateDir, host.TempName())
	if err := h.Mkdir(temp, 0o700); err != nil {
		return err
	}
	err := j.fill(h, temp)
	if err == nil {
		err = h.Rename(temp, filepath.Join(stateDir, as))
	}
	if err != nil {
		return fmt.Errorf("journal: %w", errors.Join(err, h.RemoveAll(temp)))
	}
	return nil
}

func (j *journal) fill(h *host.Host, dir string) error {
	own := host.Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}
	for i := range j.Steps {
		s := &j.Steps[i]
		for _, c := range []struct {
			state *state
			name  string
			keep  bool
		}{
			{&s.Before, "before", true},
			// What was written is kept to merge and to show differences.
			{&s.After, "after", !s.Secret && s.Source == ""},
			{s.Override, "trial", true},
			{s.Between, "between", s.Between != nil && !s.Between.same(s.Before)},
		} {
			if c.state == nil {
				continue
			}
			c.state.Copy = ""
			if !c.keep || !c.state.Exists || c.state.Dir || c.state.data == nil {
				continue
			}
			c.state.Copy = strconv.Itoa(i) + "." + c.name
			if err := h.WriteFile(filepath.Join(dir, c.state.Copy), c.state.data, own); err != nil {
				return err
			}
		}
	}
	return j.save(h, dir)
}

// save writes journal.json in dir.
func (j *journal) save(h *host.Host, dir string) error {
	text, err := json.MarshalIndent(j, "", "\t")
	if err != nil {
		return err
	}
	return h.WriteFile(filepath.Join(dir, journalName), append(text, '\n'),
		host.Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()})
}

// readJournal reads the journal in dir with its copies, each checked against
// its hash. A directory without a journal is fs.ErrNotExist.
func readJournal(r *host.Reader, dir string) (journal, error) {
	var j journal
	text, err := r.ReadFile(filepath.Join(dir, journalName))
	if err != nil {
		return j, err
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return j, fmt.Errorf("%s: %w", filepath.Join(dir, journalName), err)
	}
	if j.Version != journalVersion {
		return j, fmt.Errorf("%s: version %d, this relayhost reads version %d",
			filepath.Join(dir, journalName), j.Version, journalVersion)
	}
	j.Record.ConfigDir = filepath.Clean(cmp.Or(j.ConfigDir, postfix.DefaultConfigDir)) // earlier releases wrote it here alone
	left := len(j.Steps)
	for _, p := range j.Others {
		if left -= p.Steps; p.Steps < 0 || left < 0 {
			return j, fmt.Errorf("%s is damaged: it has fewer steps than it says", filepath.Join(dir, journalName))
		}
	}
	for i := range j.Steps {
		for _, s := range []*state{&j.Steps[i].Before, &j.Steps[i].After, j.Steps[i].Override, j.Steps[i].Between} {
			if s == nil {
				continue
			}
			if s.Copy == "" {
				if s.Exists && !s.Dir && s.Sum == host.Sum(nil) {
					s.data = []byte{}
				}
				continue
			}
			if s.data, err = r.ReadFile(filepath.Join(dir, filepath.Base(s.Copy))); err != nil {
				// Not wrapped: ErrNotExist would say that there is no journal.
				return j, fmt.Errorf("%s is damaged: %v", dir, err) //nolint:errorlint // see above
			}
			if host.Sum(s.data) != s.Sum {
				return j, fmt.Errorf("%s is damaged: its hash differs from that in the journal", filepath.Join(dir, s.Copy))
			}
		}
		j.Steps[i].fillBetween()
	}
	return j, nil
}

// fillBetween gives the state in between the content that it has in common with
// another and that is kept only there.
func (s *step) fillBetween() {
	if s.Between != nil && s.Between.same(s.Before) {
		s.Between.data = s.Before.data
	}
}

// journalVersion is the format of journal.json.
const journalVersion = 1
