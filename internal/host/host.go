//go:build unix

package host

import "context"

// Host is a machine that may be changed. Every change goes through Before
// first, so that tests can count, fail or kill at each one.
type Host struct {
	Reader
	Before func(op Op) error // nil: nothing in between
}

// Op is one change to the machine: "rename /etc/postfix/main.cf".
type Op struct{ Name, Path string }

// The names of operations.
const (
	OpRun    = "run"    // a child process; Path is the program
	OpCreate = "create" // a new file, empty, 0600
	OpWrite  = "write"
	OpOwner  = "owner" // owner, mode, attributes and time of a new file
	OpSync   = "sync"  // fsync of a file or a directory
	OpRename = "rename"
	OpRemove = "remove"
	OpMkdir  = "mkdir"
	OpChmod  = "chmod"
)

// before is called ahead of each change; its error stands for the change's own.
func (h *Host) before(name, path string) error {
	op := Op{name, path}
	if err := hook(op); err != nil {
		return err
	}
	if h.Before == nil {
		return nil
	}
	return h.Before(op)
}

// Run runs a command that may change the machine.
func (h *Host) Run(ctx context.Context, c Command) (Output, error) {
	if err := h.before(OpRun, c.Args[0]); err != nil {
		return Output{}, err
	}
	return h.run(ctx, c)
}
