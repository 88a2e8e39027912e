package host

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Become tries whether this process may run a program as another user, by
// running true(1) so. Without capabilities, in a user namespace and under
// seccomp(2) even root may not, and then no Postfix command does its work.
func (r *Reader) Become(ctx context.Context, uid, gid int) error {
	_, err := r.run(ctx, Command{Args: []string{"true"}, as: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}})
	var no syscall.Errno
	switch {
	case err == nil, errors.Is(err, ErrNoProgram):
		return nil
	case errors.As(err, &no):
		return &Refusal{"this process", fmt.Sprintf("may not run programs as user %d (%s), as Postfix does", uid, no.Error()),
			"run as root of the host, with all capabilities"}
	}
	return err
}
