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

// Run runs a command that may change the machine.
func (h *Host) Run(ctx context.Context, c Command) (Output, error) {
	if h.Before != nil {
		if err := h.Before(Op{"run", c.Args[0]}); err != nil {
			return Output{}, err
		}
	}
	return run(ctx, c)
}
