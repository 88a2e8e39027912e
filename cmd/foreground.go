package cmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"relayhost/internal/apply"
	"relayhost/internal/host"
	"relayhost/internal/setup"
)

// logToStdout has Postfix log to standard output where it would log nowhere, as in a
// container without syslog (maillog_file; postfix(1), start-fg).
func logToStdout(ctx context.Context, h *host.Host, configDir string) error {
	if _, err := h.Stat("/dev/log"); err == nil {
		return nil
	}
	out, err := h.Query(ctx, host.Postconf(configDir, "-h", "maillog_file"))
	if err != nil || out.Code != 0 || strings.TrimSpace(string(out.Stdout)) != "" {
		return nil //nolint:nilerr // setup says what is wrong with Postfix
	}
	set, err := h.Run(ctx, host.Command{Args: host.WithConfig(configDir, "postconf", "-e", "maillog_file=/dev/stdout")})
	if err != nil || set.Code != 0 {
		return errors.Join(fmt.Errorf("have Postfix log to standard output: %s", strings.TrimSpace(string(set.Stderr))), err)
	}
	return nil
}

// foreground runs Postfix in the place of this process after a setup, which err is the
// result of: the signals of a container reach it, and it is who reaps. After a setup
// that has failed it does so only where an earlier one is in force, which that left as
// it was: mail waits in the queue until the relay is reachable.
func (a *app) foreground(ctx context.Context, err error) error {
	if err != nil {
		id, ok := inForce(a.deps(), err)
		if !ok {
			return err
		}
		_ = a.report(err)
		complain(a.io, "warning: ", "Postfix starts with the setup that is in force, change "+id)
	}
	control := a.deps().Control()
	if on, err := control.Running(ctx); err != nil {
		return err
	} else if on {
		if err := control.Run(ctx, "stop"); err != nil {
			return err
		}
	}
	program, err := postfixProgram()
	if err != nil {
		return err
	}
	// The standard input may be the file with the password.
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	if err := unix.Dup3(int(null.Fd()), 0, 0); err != nil {
		return fmt.Errorf("close standard input: %w", err)
	}
	signal.Reset(syscall.SIGXFSZ) // what is ignored stays so in Postfix
	env := []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
	if zone, set := os.LookupEnv("TZ"); set {
		env = append(env, "TZ="+zone)
	}
	return fmt.Errorf("postfix start-fg: %w", unix.Exec(program, host.WithConfig(a.configDir, program, "start-fg"), env))
}

// inForce is the change of an earlier setup that err has left in force; ok is false
// where there is none, or where the run was interrupted or left something behind.
func inForce(deps setup.Deps, err error) (id string, ok bool) {
	if code := exitCode(err); code != exitFailed && code != exitProof {
		return "", false
	}
	status, serr := setup.ReadStatus(context.Background(), deps)
	if serr != nil || !status.Configured || status.ChangeID == "" || status.Pending != nil {
		return "", false
	}
	if pending, perr := apply.Pending(&deps.Host.Reader, apply.Options{ConfigDir: deps.ConfigDir}); perr != nil || pending != nil {
		return "", false
	}
	return status.ChangeID, true
}

// postfixProgram is the path of postfix(1).
func postfixProgram() (string, error) {
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		program := filepath.Join(dir, "postfix")
		if unix.Access(program, unix.X_OK) == nil {
			return program, nil
		}
	}
	return "", fmt.Errorf("postfix: %w", host.ErrNoProgram)
}
