//go:build unix

package host

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// selinuxfs is where the kernel shows its security policy.
const selinuxfs = "/sys/fs/selinux"

// SELinuxEnforces reports whether SELinux is there and stops what its policy
// forbids (/sys/fs/selinux/enforce).
func (r *Reader) SELinuxEnforces() bool {
	data, err := r.ReadFile(selinuxfs + "/enforce")
	return err == nil && strings.TrimSpace(string(data)) == "1"
}

// SELinuxLabel is the label of path ("system_u:object_r:postfix_data_t:s0"), ""
// where it has none.
func (r *Reader) SELinuxLabel(path string) string {
	label := make([]byte, 4096)
	n, err := unix.Getxattr(r.leadsTo(path), SELinuxXattr, label)
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(label[:n]), "\x00")
}

// SELinuxType is the type of the label of path ("postfix_exec_t" of
// "system_u:object_r:postfix_exec_t:s0"), "" where it has none.
func (r *Reader) SELinuxType(path string) string {
	return contextType(r.SELinuxLabel(path))
}

// SELinuxSelf is the type that this process runs as ("unconfined_t"), "" where
// the kernel does not say.
func (r *Reader) SELinuxSelf() string {
	data, err := r.ReadFile("/proc/self/attr/current")
	if err != nil {
		return ""
	}
	return contextType(string(data))
}

func contextType(context string) string {
	fields := strings.SplitN(strings.TrimRight(context, "\x00\n"), ":", 4)
	if len(fields) < 3 {
		return ""
	}
	return fields[2]
}

// LabelAs gives a directory the SELinux label of its model, where the type differs and
// SELinux enforces its policy: what is made in a directory of another type gets that,
// whatever the policy has for its name ("/etc/postfix-relayhost" would be etc_t, which
// postmap(1) may not write to). A symbolic link is not followed.
func (h *Host) LabelAs(path, model string) error {
	if !h.SELinuxEnforces() || model == "" {
		return nil
	}
	label := h.SELinuxLabel(model)
	if label == "" || h.SELinuxType(model) == h.SELinuxType(path) {
		return nil
	}
	if err := h.before(OpOwner, path); err != nil {
		return err
	}
	if err := unix.Lsetxattr(h.Real(path), SELinuxXattr, []byte(label+"\x00"), 0); err != nil {
		return fmt.Errorf("label %s: %w", path, err)
	}
	return nil
}

// enter is what to put before the arguments of a program of Postfix whose domain the role
// of this process does not have: a login as root is unconfined_r, which Debian's policy lets
// run Postfix in postfix_master_t as system_r alone. It is nothing on other hosts,
// and in a service, which is system_r.
func (r *Reader) enter(program string) []string {
	if !r.SELinuxEnforces() {
		return nil
	}
	self, err := r.ReadFile("/proc/self/attr/current")
	fields := strings.SplitN(strings.TrimRight(string(self), "\x00\n"), ":", 4)
	label := r.SELinuxLabel(program)
	if err != nil || len(fields) < 3 || fields[1] == "system_r" || !strings.HasPrefix(contextType(label), "postfix_") || !r.Has("runcon") {
		return nil
	}
	domain := transition(r, fields[2], label)
	if domain == "" || domain == fields[2] {
		return nil
	}
	fields[2] = domain
	if isContext(r, strings.Join(fields, ":")) {
		return nil
	}
	return []string{"runcon", "-r", "system_r", "-t", domain, "--"}
}

// transition is the domain in which a process of domain self runs a file of this label
// (security_compute_create(3)). It asks for system_r, which may have every domain of
// a daemon: the kernel logs a question whose answer its role may not have.
func transition(r *Reader, self, label string) string {
	class, err := r.selinuxNumber("class/process/index")
	if err != nil || label == "" {
		return ""
	}
	f, err := os.OpenFile(r.Real(selinuxfs+"/create"), os.O_RDWR, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "system_u:system_r:%s:s0 %s %d", self, label, class); err != nil {
		return ""
	}
	answer := make([]byte, 4096)
	n, _ := f.ReadAt(answer, 0)
	return contextType(string(answer[:n]))
}

// isContext reports whether the policy has this context of user, role, domain and
// range (security_check_context(3)).
func isContext(r *Reader, context string) bool {
	f, err := os.OpenFile(r.Real(selinuxfs+"/context"), os.O_RDWR, 0)
	if err != nil {
		return true
	}
	defer f.Close()
	_, err = f.WriteString(context + "\x00")
	return !errors.Is(err, unix.EINVAL)
}

// SELinuxLets asks the kernel whether a program that this process starts may use the
// permission perm of class on path. It is true where nothing is enforced, and where the
// kernel does not say.
func (r *Reader) SELinuxLets(program, path, class, perm string) bool {
	if !r.SELinuxEnforces() {
		return true
	}
	file, err := r.lookPath(program)
	if err != nil {
		return true
	}
	domain := transition(r, r.SELinuxSelf(), r.SELinuxLabel(file))
	if domain == "" {
		return true
	}
	lets, err := r.SELinuxAllows(domain, r.SELinuxType(path), class, perm)
	return lets || err != nil
}

// SELinuxAllows asks the kernel whether a process of type source may use the
// permission perm of class on an object or process of type target. It changes
// nothing: libselinux asks the same way (security_compute_av(3)).
func (r *Reader) SELinuxAllows(source, target, class, perm string) (bool, error) {
	number, err := r.selinuxNumber(path.Join("class", class, "index"))
	if err != nil {
		return false, err
	}
	bit, err := r.selinuxNumber(path.Join("class", class, "perms", perm))
	if err != nil || bit < 1 || bit > 32 {
		return false, fmt.Errorf("permission %s of %s: %w", perm, class, errors.Join(err, unix.EINVAL))
	}
	f, err := os.OpenFile(r.Real(selinuxfs+"/access"), os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if _, err := fmt.Fprintf(f, "system_u:system_r:%s:s0 system_u:object_r:%s:s0 %d", source, target, number); err != nil {
		return false, fmt.Errorf("ask the security policy: %w", err)
	}
	answer := make([]byte, 256)
	n, err := f.ReadAt(answer, 0)
	if n == 0 {
		return false, fmt.Errorf("ask the security policy: %w", err)
	}
	return vectorAllows(string(answer[:n]), bit)
}

func (r *Reader) selinuxNumber(file string) (int, error) {
	data, err := r.ReadFile(path.Join(selinuxfs, file))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(data)))
}

// vectorAllows reads an access vector, "allowed decided auditallow auditdeny
// seqno flags" with all but the fifth in hexadecimal, for the bit-th permission.
// A source type that is permissive (flag 1) is allowed everything.
func vectorAllows(answer string, bit int) (bool, error) {
	fields := strings.Fields(answer)
	if len(fields) < 5 {
		return false, fmt.Errorf("access vector %q is none", answer)
	}
	allowed, err := strconv.ParseUint(fields[0], 16, 32)
	if err != nil {
		return false, fmt.Errorf("access vector: %w", err)
	}
	if len(fields) > 5 {
		if flags, err := strconv.ParseUint(fields[5], 16, 32); err == nil && flags&1 != 0 {
			return true, nil
		}
	}
	return allowed&(1<<(bit-1)) != 0, nil
}
