//go:build unix

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
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
			asRoot}
	}
	return err
}

const (
	asRoot    = "run as root of the host, with all capabilities"
	asLabeled = "SELinux enforces its policy here, and may forbid this: ausearch -m avc,selinux_err -ts recent shows what it denied"
)

// permit says what may give this process a permission that it lacks.
func permit() string {
	if (&Reader{}).SELinuxEnforces() {
		return asLabeled
	}
	return asRoot
}

// Denied adds what to do to the error of a system call that root may make, and
// this process may not, or not there. It leaves other errors as they are.
func Denied(err error) error {
	var said *Refusal
	switch {
	case errors.As(err, &said):
		return err
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: mount it with -o remount,rw, or in a container a volume there", err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOSYS), err != nil && permit() == asLabeled && strings.Contains(err.Error(), "ermission denied"):
		return fmt.Errorf("%w: %s", err, permit())
	}
	return err
}
