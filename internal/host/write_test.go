package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func newHost(t *testing.T) *Host {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != filepath.Dir(os.TempDir()) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return &Host{Reader: Reader{Root: root}}
}

func put(t *testing.T, h *Host, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(h.Real(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.Real(path), []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(h.Real(path), mode); err != nil {
		t.Fatal(err)
	}
}

func mine(mode fs.FileMode) Spec {
	return Spec{Mode: mode, UID: os.Geteuid(), GID: os.Getegid()}
}

func TestWriteFile(t *testing.T) {
	h := newHost(t)
	put(t, h, "/etc/main.cf", "old", 0o644)
	var ops []string
	var during []fs.FileMode
	h.Before = func(op Op) error {
		ops = append(ops, op.Name)
		if IsTemp(filepath.Base(op.Path)) && op.Name != OpCreate {
			m, err := h.Lstat(op.Path)
			if err != nil {
				t.Error(err)
			}
			during = append(during, m.Mode.Perm())
		}
		return nil
	}
	spec := mine(0o640)
	spec.Expect, spec.Mtime = Sum([]byte("old")), time.Unix(1e9, 0)
	if err := h.WriteFile("/etc/main.cf", []byte("new"), spec); err != nil {
		t.Fatal(err)
	}
	if want := []string{OpCreate, OpWrite, OpOwner, OpSync, OpRename, OpSync}; !slices.Equal(ops, want) {
		t.Errorf("operations %v, want %v", ops, want)
	}
	// 0600 until it is complete; then what was asked for.
	if want := []fs.FileMode{0o600, 0o600, 0o640}; !slices.Equal(during, want) {
		t.Errorf("modes on the way %v, want %v", during, want)
	}
	m, err := h.Lstat("/etc/main.cf")
	if err != nil || m.Mode.Perm() != 0o640 || !m.Mtime.Equal(spec.Mtime) {
		t.Errorf("/etc/main.cf: got mode %o, time %v, %v; want 640, %v and no error", m.Mode.Perm(), m.Mtime, err, spec.Mtime)
	}
	if data, _ := h.ReadFile("/etc/main.cf"); string(data) != "new" {
		t.Errorf("/etc/main.cf: got %q, want %q", data, "new")
	}
}

func TestWriteFileWantsWhatWasExpected(t *testing.T) {
	h := newHost(t)
	put(t, h, "/etc/there", "theirs", 0o644)
	for path, expect := range map[string]string{"/etc/there": Sum([]byte("other")), "/etc/gone": Sum(nil)} {
		t.Run(path, func(t *testing.T) {
			spec := mine(0o644)
			spec.Expect = expect
			if err := h.WriteFile(path, []byte("ours"), spec); !errors.Is(err, ErrChanged) {
				t.Errorf("WriteFile(%q) where the file is not the expected one: got %v, want %v", path, err, ErrChanged)
			}
		})
	}
	spec := mine(0o644)
	spec.Expect = Absent
	if err := h.WriteFile("/etc/there", []byte("ours"), spec); !errors.Is(err, ErrChanged) {
		t.Errorf("WriteFile over a file that is to be absent: got %v, want %v", err, ErrChanged)
	}
	// It comes into being between the look and the rename.
	h.Before = func(op Op) error {
		if op.Name == OpRename {
			put(t, h, "/etc/new", "theirs", 0o644)
		}
		return nil
	}
	if err := h.WriteFile("/etc/new", []byte("ours"), spec); !errors.Is(err, ErrChanged) {
		t.Errorf("WriteFile over a file that appears before the rename: got %v, want %v", err, ErrChanged)
	}
	if names, _ := h.ReadDir("/etc"); !slices.Equal(names, []string{"new", "there"}) {
		t.Errorf("files in /etc: got %v, want %v", names, []string{"new", "there"})
	}
	if data, _ := h.ReadFile("/etc/there"); string(data) != "theirs" {
		t.Errorf("/etc/there: got %q, want %q", data, "theirs")
	}
}

// Each operation fails once: the target is the old or the new file, and no
// temporary file stays.
func TestWriteFileFailing(t *testing.T) {
	for n := 1; n <= 6; n++ {
		h := newHost(t)
		put(t, h, "/etc/main.cf", "old", 0o644)
		ops := 0
		h.Before = func(Op) error {
			if ops++; ops == n {
				return syscall.EIO
			}
			return nil
		}
		if err := h.WriteFile("/etc/main.cf", []byte("new"), mine(0o644)); !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d fails: got %v, want %v", n, err, syscall.EIO)
		}
		data, _ := h.ReadFile("/etc/main.cf")
		if want := map[bool]string{true: "old", false: "new"}[n <= 5]; string(data) != want {
			t.Errorf("operation %d: %q, want %q", n, data, want)
		}
		if names, _ := h.ReadDir("/etc"); len(names) != 1 {
			t.Errorf("operation %d fails: got the files %v in /etc, want one", n, names)
		}
	}
}

func TestWriteFileThroughLinks(t *testing.T) {
	h := newHost(t)
	put(t, h, "/srv/conf/main.cf", "old", 0o644)
	if err := os.MkdirAll(h.Real("/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"/etc/postfix": "/srv/conf", "/etc/relative": "../srv/conf/main.cf", "/etc/dangling": "/srv/conf/new.cf",
	} {
		if err := os.Symlink(target, h.Real(link)); err != nil {
			t.Fatal(err)
		}
	}
	for path, target := range map[string]string{
		"/etc/postfix/main.cf": "/srv/conf/main.cf", "/etc/relative": "/srv/conf/main.cf", "/etc/dangling": "/srv/conf/new.cf",
	} {
		t.Run(path, func(t *testing.T) {
			text := "by " + path
			if err := h.WriteFile(path, []byte(text), mine(0o644)); err != nil {
				t.Fatal(err)
			}
			m, err := h.Lstat(target)
			if data, _ := h.ReadFile(path); err != nil || string(data) != text || !m.Mode.IsRegular() {
				t.Errorf("got %q, mode %v of %s, %v; want %q, a regular file and no error", data, m.Mode, target, err, text)
			}
		})
	}
	for _, link := range []string{"/etc/postfix", "/etc/relative", "/etc/dangling"} {
		if m, err := h.Lstat(link); err != nil || m.Mode&fs.ModeSymlink == 0 {
			t.Errorf("%s: got mode %v, %v; want a symbolic link and no error", link, m.Mode, err)
		}
	}
	if err := os.Symlink("loop", h.Real("/etc/loop")); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Follow("/etc/loop"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("Follow of a loop: got %v, want %v", err, syscall.ELOOP)
	}
}

func TestXattrs(t *testing.T) {
	h := newHost(t)
	put(t, h, "/etc/main.cf", "old", 0o644)
	if err := syscall.Setxattr(h.Real("/etc/main.cf"), "user.note", []byte("kept"), 0); err != nil {
		t.Skipf("a file system without attributes: %v", err)
	}
	attrs, err := h.Xattrs("/etc/main.cf")
	if err != nil || string(attrs["user.note"]) != "kept" {
		t.Fatalf("attributes of the old file: got %q, %v; want %q in user.note and no error", attrs, err, "kept")
	}
	spec := mine(0o644)
	spec.Xattrs = attrs
	if err := h.WriteFile("/etc/main.cf", []byte("new"), spec); err != nil {
		t.Fatal(err)
	}
	if after, err := h.Xattrs("/etc/main.cf"); err != nil || string(after["user.note"]) != "kept" {
		t.Errorf("attributes of the new file: got %q, %v; want %q in user.note and no error", after, err, "kept")
	}
}

// A directory's default access list would let the user in that it names.
func TestInheritedAccessListGoes(t *testing.T) {
	h := newHost(t)
	if err := os.MkdirAll(h.Real("/etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	var acl []byte // version 2, then entries of tag, permissions and id (linux/posix_acl_xattr.h)
	acl = binary.LittleEndian.AppendUint32(acl, 2)
	for _, e := range [][3]uint32{{1, 7, ^uint32(0)}, {2, 7, 65534}, {4, 5, ^uint32(0)}, {0x10, 7, ^uint32(0)}, {0x20, 5, ^uint32(0)}} {
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e[0]))
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e[1]))
		acl = binary.LittleEndian.AppendUint32(acl, e[2])
	}
	if err := syscall.Setxattr(h.Real("/etc"), "system.posix_acl_default", acl, 0); err != nil {
		t.Skipf("a file system without access lists: %v", err)
	}
	if err := h.WriteFile("/etc/sasl_passwd", []byte("secret"), mine(0o644)); err != nil {
		t.Fatal(err)
	}
	attrs, err := h.Xattrs("/etc/sasl_passwd")
	if m, _ := h.Lstat("/etc/sasl_passwd"); err != nil || attrs[aclXattr] != nil || m.Mode.Perm() != 0o644 {
		t.Errorf("/etc/sasl_passwd: got mode %o, attributes %q, %v; want 644, no %s and no error", m.Mode.Perm(), attrs, err, aclXattr)
	}
}

func TestRemoveMkdirRename(t *testing.T) {
	h := newHost(t)
	put(t, h, "/etc/a", "text", 0o644)
	if err := h.Remove("/etc/a", Sum([]byte("other"))); !errors.Is(err, ErrChanged) {
		t.Errorf("Remove of a file that has changed: got %v, want %v", err, ErrChanged)
	}
	for _, step := range []struct {
		name string
		err  error
	}{
		{"mkdir", h.Mkdir("/etc/b", 0o700)},
		{"rename", h.Rename("/etc/a", "/etc/b/c")},
		{"remove", h.Remove("/etc/b/c", Sum([]byte("text")))},
		{"remove again", h.Remove("/etc/b/c", "")},
		{"rmdir", h.Remove("/etc/b", "")},
		{"remove in no directory", h.Remove("/none/at/all", "")},
	} {
		if step.err != nil {
			t.Errorf("%s: got %v, want no error", step.name, step.err)
		}
	}
	if names, err := h.ReadDir("/etc"); err != nil || len(names) != 0 {
		t.Errorf("files in /etc: got %v, %v; want none and no error", names, err)
	}
}

func TestPreflight(t *testing.T) {
	tests := map[string]struct {
		prepare func(t *testing.T, h *Host)
		need    Need
		want    string // in the refusal; "" for none
	}{
		"fine":      {need: Need{Path: "/etc/postfix/main.cf"}},
		"new":       {need: Need{Path: "/etc/new/directory/file"}},
		"fifo":      {func(t *testing.T, h *Host) { try(t, syscall.Mkfifo(h.Real("/etc/fifo"), 0o600)) }, Need{Path: "/etc/fifo"}, "is a FIFO"},
		"directory": {nil, Need{Path: "/etc/postfix"}, "is a directory"},
		"link":      {func(t *testing.T, h *Host) { try(t, os.Link(h.Real("/etc/postfix/main.cf"), h.Real("/etc/second"))) }, Need{Path: "/etc/postfix/main.cf"}, "has 2 names"},
		"loose":     {func(t *testing.T, h *Host) { try(t, os.Chmod(h.Real("/etc/postfix"), 0o775)) }, Need{Path: "/etc/postfix/main.cf"}, "chmod go-w /etc/postfix"},
		"sticky":    {func(t *testing.T, h *Host) { try(t, os.Chmod(h.Real("/etc/postfix"), 0o777|fs.ModeSticky)) }, Need{Path: "/etc/postfix/main.cf"}, "chmod go-w"},
		"above":     {func(t *testing.T, h *Host) { try(t, os.Chmod(h.Real("/etc"), 0o777)) }, Need{Path: "/etc/postfix/main.cf"}, "chmod go-w /etc"},
		"tmp":       {func(t *testing.T, h *Host) { try(t, os.Chmod(h.Real("/etc"), 0o777|fs.ModeSticky)) }, Need{Path: "/etc/postfix/main.cf"}, ""},
		"large":     {nil, Need{Path: "/etc/postfix/main.cf", Bytes: 1 << 50}, "KiB are needed"},
		"is file":   {nil, Need{Path: "/etc/postfix/main.cf/x"}, "not a directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			put(t, h, "/etc/postfix/main.cf", "text", 0o644)
			if test.prepare != nil {
				test.prepare(t, h)
			}
			before := list(t, h)
			test.need.UID, test.need.GID = os.Geteuid(), os.Getegid()
			err := h.Preflight([]Need{test.need})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if after := list(t, h); after != before {
				t.Errorf("files after Preflight: got\n%s\nwant\n%s", after, before)
			}
		})
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, h *Host) string {
	t.Helper()
	var out strings.Builder
	try(t, filepath.WalkDir(h.Root, func(path string, d fs.DirEntry, err error) error {
		fmt.Fprintln(&out, path)
		return err
	}))
	return out.String()
}
