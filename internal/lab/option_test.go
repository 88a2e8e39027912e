package lab

import (
	"io/fs"
	"testing"
)

// TestOptionsAreApart holds that a server's options do not reach the others.
func TestOptionsAreApart(t *testing.T) {
	a := plain().with([]Option{Packages("x"), Hosts("1.2.3.4 a"), DMI(map[string]string{"sys_vendor": "A"})})
	b := a.with([]Option{Packages("y"), Hosts("1.2.3.4 b"), DMI(map[string]string{"sys_vendor": "B"}), File("/f", nil, 0o600)})
	if len(a.packages) != 1 || len(a.hosts) != 1 || a.dmi["sys_vendor"] != "A" || len(a.files) != 0 {
		t.Errorf("first server: got %+v, want 1 package, 1 host, sys_vendor A, no file", a)
	}
	if len(b.packages) != 2 || len(b.hosts) != 2 || b.dmi["sys_vendor"] != "B" || len(b.files) != 1 {
		t.Errorf("second server: got %+v, want 2 packages, 2 hosts, sys_vendor B, 1 file", b)
	}
}

func TestModalias(t *testing.T) {
	if got := dmiFiles(nil); got != nil {
		t.Errorf("no DMI: got %v, want nil", got)
	}
	got := dmiFiles(map[string]string{"sys_vendor": "DigitalOcean", "product_name": "a: b\tc"})["modalias"]
	if want := "dmi:bvn:bvr:bd:svnDigitalOcean:pnabc:pvr:rvn:rn:rvr:cvn:ct:cvr:sku:"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if got := dmiFiles(map[string]string{"modalias": "own"})["modalias"]; got != "own" {
		t.Errorf("got %s, want %q", got, "own")
	}
}

func TestTree(t *testing.T) {
	a := Tree{
		"/a":     {Mode: fs.ModeDir | 0o755},
		"/a/b":   {Mode: 0o600, SHA256: "0123456789abcdef", Size: 3},
		"/a/bcd": {Mode: fs.ModeSymlink | 0o777, Target: "b"},
	}
	b := Tree{
		"/a":   {Mode: fs.ModeDir | 0o755},
		"/a/b": {Mode: 0o644, UID: 1, GID: 2, SHA256: "0123456789abcdef", Size: 3},
		"/a/c": {Mode: 0o600},
	}
	want := `- /a/b: -rw------- 0:0 3 bytes sha256 0123456789ab
+ /a/b: -rw-r--r-- 1:2 3 bytes sha256 0123456789ab
- /a/bcd: Lrwxrwxrwx 0:0 -> b
+ /a/c: -rw------- 0:0
`
	if got := a.Diff(b); got != want {
		t.Errorf("difference:\n%s\nnot:\n%s", got, want)
	}
	if d := a.Diff(a); d != "" {
		t.Errorf("from itself: got %s, want none", d)
	}
	if got := a.Without("/a/b"); len(got) != 2 {
		t.Errorf("Without(%q): got %v, want 2 files", "/a/b", got)
	}
	if got := a.Without("/a"); len(got) != 0 {
		t.Errorf("Without(%q): got %v, want none", "/a", got)
	}
}
