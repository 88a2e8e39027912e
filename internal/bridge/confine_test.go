package bridge

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
)

// confined makes a directory with two bridges: m365, which has this configuration, and another
// with a token of its own, and beside it what AWS gives a role.
func confined(t *testing.T, config func(directory string) conf.Config) (directory string) {
	t.Helper()
	directory = filepath.Join(t.TempDir(), "bridges")
	for _, name := range []string{
		"ca.pem", "shop.conf", "state/slot-0", "m365.state/m365.token", "shop.state/shop.token",
		"../role/..1/token", "../role/..2/token", "../keys/credentials",
	} {
		path := filepath.Join(directory, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..1/token", filepath.Join(directory, "../role/token")); err != nil {
		t.Fatal(err)
	}
	c := config(directory)
	c.CAFile = filepath.Join(directory, "ca.pem")
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(directory, "m365.conf"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return directory
}

// reads are the files of confined, and whether a bridge of each kind may read them.
var reads = []struct {
	path      string
	smtp, aws bool
}{
	{"ca.pem", false, false},    // it has been read
	{"m365.conf", false, false}, // it has been read
	{"m365.state/m365.token", true, true},
	{"state/slot-0", true, true},
	{"shop.conf", false, false},
	{"shop.state/shop.token", false, false},
	{"../role/..1/token", false, true},
	{"../role/..2/token", false, true}, // the next one, which Kubernetes puts in the place of the first
	{"../keys/credentials", false, true},
	{"/etc/hosts", true, true},
}

// TestConfined is the process that TestConfine looks at.
func TestConfined(t *testing.T) {
	directory := os.Getenv("CONFINED")
	if directory == "" {
		return // TestConfine starts it again
	}
	if err := onAllThreads(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		t.Fatal(err)
	}
	withLandlock := os.Getenv("CONFINED_BY") == "landlock"
	if !withLandlock {
		withoutLandlock(t)
	}
	o := newOpener(directory, "m365")
	c, err := o.config()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range reads {
		t.Run("read "+row.path, func(t *testing.T) {
			want := !withLandlock || row.smtp
			if c.API != nil {
				want = !withLandlock || row.aws
			}
			path := row.path
			if !filepath.IsAbs(path) {
				path = filepath.Join(directory, path)
			}
			if _, err := os.ReadFile(path); (err == nil) != want {
				t.Errorf("got %v, want it to work: %v", err, want)
			}
		})
	}
	if _, err := o.roots(c); err == nil || !strings.HasSuffix(err.Error(), "ca.pem holds no certificate") {
		t.Errorf("CA file: got %v, want what was found in it before", err)
	}
	for _, row := range []struct {
		what string
		do   func(path string) error
		path string
		want bool
	}{
		{"write", func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }, "m365.state/new", true},
		{"rename", func(path string) error { return os.Rename(path, filepath.Join(filepath.Dir(path), "m365.token")) }, "m365.state/new", true},
		{"list", func(path string) error { _, err := os.ReadDir(path); return err }, "shop.state", false},
		{"write", func(path string) error { return os.WriteFile(path, nil, 0o600) }, "shop.state/new", false},
		{"truncate", func(path string) error { return os.Truncate(path, 0) }, "shop.state/shop.token", version() < 3},
		{"remove", os.Remove, "shop.state/shop.token", false},
		{"write", func(path string) error { return os.WriteFile(path, nil, 0o600) }, "ca.pem", false},
	} {
		done := make(chan error)
		go func() { done <- row.do(filepath.Join(directory, row.path)) }() // in whatever thread
		if err := <-done; (err == nil) != (row.want || !withLandlock) {
			t.Errorf("%s %s: got %v, want it to work: %v", row.what, row.path, err, row.want)
		}
	}
	if err := exec.Command("/bin/true").Run(); (err == nil) == withLandlock {
		t.Errorf("execute: got %v, want it to work: %v", err, !withLandlock)
	}
	if err := os.Rename(filepath.Join(directory, "ca.pem"), filepath.Join(directory, "m365.conf")); !withLandlock && err != nil {
		t.Fatal(err)
	}
	if got := o.stale(); got == withLandlock {
		t.Errorf("the configuration was replaced: got %t, want %t", got, !withLandlock)
	}
}

// version is that of the kernel's Landlock, 0 for none.
func version() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// withoutLandlock has the kernel know no Landlock: seccomp(2) answers ENOSYS for it.
func withoutLandlock(t *testing.T) {
	t.Helper()
	const answer = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: answer},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))); errno != 0 {
		t.Fatalf("seccomp: got %v, want no error", errno)
	}
	runtime.KeepAlive(filter)
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); !errors.Is(errno, syscall.ENOSYS) {
		t.Fatalf("landlock: got %v, want %v", errno, syscall.ENOSYS)
	}
}

// TestConfine: a bridge reads and writes its own state, and reads its own files and those
// of name resolution: no configuration and no token of another bridge. Without Landlock it
// runs all the same.
func TestConfine(t *testing.T) {
	// Built as the program is shipped: linked with C, one thread alone can be confined.
	program := filepath.Join(t.TempDir(), "confined")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build without C: got %v, want no error\n%s", err, out)
	}
	kinds := []string{"landlock", "nothing"}
	if version() == 0 {
		kinds = kinds[1:] // this kernel has none
	}
	for name, config := range map[string]func(string) conf.Config{
		"smtp": func(string) conf.Config {
			return conf.Config{Host: "smtp.office365.com", Port: 587, Username: "app@example.com", Password: secret.New("Gehe1m")}
		},
		"aws": func(directory string) conf.Config {
			keys := &conf.AWSKeys{Source: conf.AWSWebIdentity, TokenFile: directory + "/../role/token", RoleARN: "arn:aws:iam::1:role/x", Path: directory + "/../keys/credentials"}
			return conf.Config{Via: conf.ViaHTTPS, API: &conf.APIConfig{ID: "ses", Settings: map[conf.Field]string{conf.Region: "eu-west-1"}, AWS: keys}}
		},
	} {
		for _, by := range kinds {
			t.Run(name+"/"+by, func(t *testing.T) {
				directory := confined(t, config)
				child := exec.Command(program, "-test.run", "^TestConfined$", "-test.v")
				child.Env = append(os.Environ(), "CONFINED="+directory, "CONFINED_BY="+by)
				if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestConfined (") {
					t.Errorf("confined process: got %v\n%s\nwant no error and %q in it", err, out, "--- PASS: TestConfined (")
				}
			})
		}
	}
}
