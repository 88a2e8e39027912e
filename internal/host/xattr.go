//go:build unix

package host

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// aclXattr holds a POSIX access list (acl(5)).
const aclXattr = "system.posix_acl_access"

// SELinuxXattr holds a file's label of SELinux, a zero byte at its end.
const SELinuxXattr = "security.selinux"

// Xattrs returns the extended attributes of what path leads to: security
// labels, access lists, user attributes (xattr(7)). A file system without them
// gives none.
func (r *Reader) Xattrs(path string) (map[string][]byte, error) {
	real := r.leadsTo(path)
	list := make([]byte, 64<<10) // XATTR_LIST_MAX
	n, err := unix.Listxattr(real, list)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list attributes of %s: %w", path, err)
	}
	var attrs map[string][]byte
	for name := range strings.SplitSeq(string(list[:n]), "\x00") {
		if name == "" || !carried(name) {
			continue
		}
		value := make([]byte, 64<<10) // XATTR_SIZE_MAX
		n, err := unix.Getxattr(real, name, value)
		if errors.Is(err, unix.ENODATA) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read attribute %s of %s: %w", name, path, err)
		}
		if attrs == nil {
			attrs = map[string][]byte{}
		}
		attrs[name] = value[:n:n]
	}
	return attrs, nil
}

// carried reports whether an attribute belongs to the file rather than to its
// content: integrity hashes (security.ima, security.evm) are the kernel's.
func carried(name string) bool {
	switch name {
	case SELinuxXattr, "security.SMACK64", aclXattr:
		return true
	}
	return strings.HasPrefix(name, "user.")
}

// setXattrs gives the open file the attributes. An access list that it has
// inherited from its directory goes, since it would widen the mode.
func setXattrs(fd int, attrs map[string][]byte) error {
	for name, value := range attrs {
		if err := unix.Fsetxattr(fd, name, value, 0); err != nil {
			return fmt.Errorf("set attribute %s: %w", name, err)
		}
	}
	if _, ok := attrs[aclXattr]; ok {
		return nil
	}
	err := unix.Fremovexattr(fd, aclXattr)
	if err == nil || errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	return fmt.Errorf("remove inherited access list: %w", err)
}
