package setup

import (
	"encoding/json"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// answersFile keeps the answers of an aborted run in memory: /run is a tmpfs.
const answersFile = "/run/relayhost-answers.json"

// answersLast is how long they are offered again.
const answersLast = time.Hour

// Answer is one question of a setup with what was answered.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// savedAnswers is what answersFile holds. Flags are those of the run: the answers
// belong to the questions that these left open.
type savedAnswers struct {
	Time    time.Time `json:"time"`
	Flags   string    `json:"flags"`
	Answers []Answer  `json:"answers"`
}

// SaveAnswers keeps the answers of a run with these flags for the next one, in memory
// and without secrets, which the caller leaves out. It reports whether it did: not
// where /run is on a disk.
func SaveAnswers(deps Deps, flags string, answers []Answer) bool {
	var fs unix.Statfs_t
	if len(answers) == 0 || os.Geteuid() != 0 || unix.Statfs("/run", &fs) != nil || fs.Type != unix.TMPFS_MAGIC {
		return false
	}
	data, err := json.Marshal(savedAnswers{time.Now().UTC(), flags, answers})
	return err == nil && deps.Host.WriteFile(answersFile, data, host.Spec{Mode: 0o600}) == nil
}

// LoadAnswers are those of a run with the same flags that ended within the last hour,
// and when it ended; none where there are none.
func LoadAnswers(deps Deps, flags string) ([]Answer, time.Time) {
	var saved savedAnswers
	m, err := deps.Host.Stat(answersFile)
	if err != nil || m.UID != 0 || m.Mode.Perm()&0o022 != 0 {
		return nil, time.Time{}
	}
	data, err := deps.Host.ReadFile(answersFile)
	if err != nil || json.Unmarshal(data, &saved) != nil || saved.Flags != flags {
		return nil, time.Time{}
	}
	if age := time.Since(saved.Time); age < 0 || age > answersLast {
		return nil, time.Time{}
	}
	return saved.Answers, saved.Time
}

// ForgetAnswers removes what SaveAnswers has kept.
func ForgetAnswers(deps Deps) {
	_ = deps.Host.Remove(answersFile, "") // where nothing was kept there is nothing to remove
}
