// Package answers remembers what a person has answered: a Conversation within a run, so
// that questions can be gone back to; and a file in memory, without secrets, what an
// aborted run was answered, for the next run with the same flags.
package answers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// file keeps the answers of an aborted run in memory: /run is a tmpfs.
const file = "/run/relayhost-answers.json"

// last is how long they are offered again.
const last = time.Hour

// Answer is one question of a setup with what was answered.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// document is what file holds. Flags are those of the run: the answers
// belong to the questions that these left open.
type document struct {
	Time    time.Time `json:"time"`
	Flags   string    `json:"flags"`
	Answers []Answer  `json:"answers"`
}

// Save keeps the answers of a run with these flags for the next one, in memory
// and without secrets, which the caller leaves out. It reports whether it did: not
// where /run is on a disk, nor without root, whose /run is.
func Save(h *host.Host, flags string, answers []Answer) bool {
	var fs unix.Statfs_t
	if len(answers) == 0 || unix.Statfs(h.Real(filepath.Dir(file)), &fs) != nil || fs.Type != unix.TMPFS_MAGIC {
		return false
	}
	data, err := json.Marshal(document{time.Now().UTC(), flags, answers})
	return err == nil && h.WriteFile(file, data, host.Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}) == nil
}

// Load are those of a run with the same flags that ended within the last hour,
// and when it ended; none where there are none.
func Load(h *host.Host, flags string) ([]Answer, time.Time) {
	var saved document
	m, err := h.Stat(file)
	if err != nil || m.UID != os.Geteuid() || m.Mode.Perm()&0o022 != 0 {
		return nil, time.Time{}
	}
	data, err := h.ReadFile(file)
	if err != nil || json.Unmarshal(data, &saved) != nil || saved.Flags != flags {
		return nil, time.Time{}
	}
	if age := time.Since(saved.Time); age < 0 || age > last {
		return nil, time.Time{}
	}
	return saved.Answers, saved.Time
}

// Forget removes what Save has kept.
func Forget(h *host.Host) {
	_ = h.Remove(file, "") // where nothing was kept there is nothing to remove
}
