package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
)

// Limit of one call of the package manager; a slow mirror is no reason to
// leave it half way.
const installTimeout = 10 * time.Minute

// Options of an installation.
type Options struct {
	Mailname string // debconf's postfix/mailname; "" leaves the package's guess
	Progress func(string)
}

// FailedError is a package manager that failed, with its own last lines.
type FailedError struct {
	Command string
	Code    int
	Tail    string
	Hint    string // what to do about it
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%s failed with exit code %d:\n%s", e.Command, e.Code, e.Tail)
}

// Postfix installs Postfix, the SASL plugins and the CA bundle. No public mail server
// comes up: Postfix listens on loopback only and is not started. The packages stay when
// a setup is rolled back.
func Postfix(ctx context.Context, h *host.Host, o Options) (packages []string, err error) {
	m, err := FindManager(&h.Reader)
	if err != nil {
		return nil, err
	}
	say := o.Progress
	if say == nil {
		say = func(string) {}
	}
	restore, err := forbidStart(h)
	if err != nil {
		return nil, err
	}
	defer restore()
	if err := m.answer(ctx, h, o.Mailname); err != nil {
		return nil, err
	}
	if m.Refresh != nil {
		say("fetching the package lists with " + m.Name)
		// A stale mirror among several fails here and the install still works.
		if _, err := h.Run(ctx, m.command(m.Refresh)); err != nil {
			return nil, err
		}
	}
	say("installing " + strings.Join(m.Packages, ", "))
	if err := m.install(ctx, h); err != nil {
		return nil, err
	}
	if err := loopbackOnly(ctx, h); err != nil {
		return nil, err
	}
	return m.Packages, nil
}

func (m Manager) command(args []string) host.Command {
	if len(m.Env) > 0 {
		args = append(append([]string{"env"}, m.Env...), args...)
	}
	return host.Command{Args: args, Timeout: installTimeout}
}

func (m Manager) install(ctx context.Context, h *host.Host) error {
	args := slices.Concat(m.Install, m.Packages)
	out, err := h.Run(ctx, m.command(args))
	if err != nil {
		return err
	}
	if out.Code == 0 || slices.Contains(m.Remark, out.Code) && m.installed(ctx, h) {
		return nil
	}
	text := string(out.Stdout) + string(out.Stderr)
	return &FailedError{
		Command: strings.Join(args[:2], " "), Code: out.Code, Hint: m.advice(text), Tail: tail(text, 8),
	}
}

// installed asks the manager's own database for every package.
func (m Manager) installed(ctx context.Context, h *host.Host) bool {
	for _, p := range m.Packages {
		out, err := h.Run(ctx, host.Command{Args: append(slices.Clone(m.Query), p)})
		if err != nil || out.Code != 0 {
			return false
		}
	}
	return true
}

// answer gives debconf the answers that the package would ask for.
func (m Manager) answer(ctx context.Context, h *host.Host, mailname string) error {
	if len(m.preseed) == 0 || !h.Has("debconf-set-selections") {
		return nil
	}
	lines := m.preseed
	if mailname != "" {
		lines = append(lines[:len(lines):len(lines)], []string{"postfix/mailname", "string", mailname})
	}
	var in strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&in, "postfix %s\n", strings.Join(l, " "))
	}
	out, err := h.Run(ctx, host.Command{Args: []string{"debconf-set-selections"}, Stdin: []byte(in.String())})
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("debconf-set-selections: %s", tail(string(out.Stderr), 2))
	}
	return err
}

// policy is the file that Debian's packages ask before they start a service
// (https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt);
// exit code 101 forbids it.
const policy = "/usr/sbin/policy-rc.d"

// forbid says whose it is: one that a killed run leaves behind would keep every
// later package from starting its service.
const forbid = "#!/bin/sh\n# Written by relayhost while it installs Postfix. Remove it if it is still here.\nexit 101\n"

// forbidStart keeps Debian's packages from starting services until the
// returned function is called. An administrator's own policy stays in force.
func forbidStart(h *host.Host) (restore func(), err error) {
	if !h.Has("dpkg") {
		return func() {}, nil
	}
	restore = func() { _ = h.Remove(policy, host.Sum([]byte(forbid))) }
	there, err := h.ReadFile(policy)
	switch {
	case err == nil && string(there) == forbid:
		return restore, nil // of a run that was killed
	case err == nil:
		return func() {}, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if err := h.WriteFile(policy, []byte(forbid), host.Spec{Mode: 0o755, Expect: host.Absent}); err != nil {
		return nil, err
	}
	return restore, nil
}

// loopbackOnly sets inet_interfaces in the main.cf that the package has just
// written, and makes sure that nothing was started.
func loopbackOnly(ctx context.Context, h *host.Host) error {
	for _, args := range [][]string{
		{"postconf", "-e", "inet_interfaces=loopback-only"},
		{"postfix", "stop"},
	} {
		out, err := h.Run(ctx, host.Command{Args: args})
		if err != nil {
			return err
		}
		// postfix stop fails when it does not run, as it should not.
		if out.Code != 0 && args[0] != "postfix" {
			return fmt.Errorf("%s: %s", strings.Join(args, " "), tail(string(out.Stderr), 2))
		}
	}
	return nil
}

// tail returns the last n lines that are not blank.
func tail(s string, n int) string {
	var lines []string
	for l := range strings.Lines(s) {
		if l = strings.TrimRight(l, " \r\n"); l != "" {
			lines = append(lines, "  "+l)
		}
	}
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
