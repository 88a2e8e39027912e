package apply

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"relayhost/internal/lint"

	"github.com/pmezard/go-difflib/difflib"
)

// ErrStale is returned when a file is not what the plan was made from. Nothing
// has been written.
var ErrStale = errors.New("changed since the plan was made, start again")

// ErrForgotten is returned by RollBack for a file with secrets whose earlier
// content has been discarded.
var ErrForgotten = errors.New("the previous password was discarded; only the one before the last change is kept:" +
	" roll back everything, or run setup again")

// ErrNothing is returned by RollBack when there is no such change.
var ErrNothing = errors.New("there is no such change to roll back")

// ProofFailed says that the new configuration did not deliver (exit code 3).
// The host is as before, unless Kept.
type ProofFailed struct {
	Kept bool
	Err  error
}

func (e *ProofFailed) Error() string { return "the proof failed: " + e.Err.Error() }
func (e *ProofFailed) Unwrap() error { return e.Err }

// Interrupted says that the run was ended from outside and that the host is as
// before (exit code 130).
type Interrupted struct{ Err error }

func (e *Interrupted) Error() string { return "interrupted, rolled back: " + e.Err.Error() }
func (e *Interrupted) Unwrap() error { return e.Err }

// Incomplete says that the rollback is incomplete. Files names what is not as
// it should be (exit code 4).
type Incomplete struct {
	Files []string
	Err   error
}

func (e *Incomplete) Error() string { return "rollback incomplete: " + e.Err.Error() }
func (e *Incomplete) Unwrap() error { return e.Err }

// Unfit says what is wrong with the planned configuration on this host, with
// at least one fatal problem. Nothing has been written.
type Unfit struct{ Problems []lint.Finding }

func (e *Unfit) Error() string {
	var fatal []string
	for _, p := range e.Problems {
		if p.Severity == lint.Error {
			fatal = append(fatal, p.String())
		}
	}
	return "the new configuration would not work: " + strings.Join(fatal, "; ")
}

// Locked says that another run holds the lock.
type Locked struct {
	PID   int
	Since time.Time
}

func (e *Locked) Error() string {
	if e.PID == 0 {
		return "another relayhost is running"
	}
	return fmt.Sprintf("another relayhost is running: process %d, since %s", e.PID, e.Since.Format(time.RFC3339))
}

// Edited says that files are no longer what relayhost wrote, so that rolling
// back would lose somebody's work. Nothing has been written.
type Edited struct{ Files []Difference }

// Difference is one file of Edited. Diff is a unified difference from what
// relayhost wrote to what is there; it is "" for files with secrets.
type Difference struct {
	Path string `json:"path"`
	Diff string `json:"diff,omitempty"`
}

func (e *Edited) Error() string {
	var b strings.Builder
	b.WriteString("changed by somebody else since:")
	for _, f := range e.Files {
		b.WriteString(" " + f.Path)
	}
	return b.String()
}

// paths lists the files of e.
func (e *Edited) paths() []string {
	var names []string
	for _, f := range e.Files {
		names = append(names, f.Path)
	}
	return names
}

// difference shows what somebody has made of the file of s. What could hold a
// secret is named only.
func difference(s step, now state) Difference { return differenceTo(s, now, "as it is now") }

// differenceTo calls now what it is said to be.
func differenceTo(s step, now state, called string) Difference {
	d := Difference{Path: s.Path}
	if s.Secret || s.Source != "" || s.After.data == nil || len(s.After.data)+len(now.data) > 1<<20 {
		return d
	}
	d.Diff, _ = difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(string(s.After.data)), FromFile: s.Path + " (as relayhost wrote it)",
		B: difflib.SplitLines(string(now.data)), ToFile: s.Path + " (" + called + ")",
		Context: 2,
	})
	return d
}
