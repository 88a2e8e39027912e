package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/host"
)

// The programs that make users, as far as this package uses them: useradd(8) and its
// likes of shadow 4.13, and the applets of BusyBox 1.35 (loginutils/adduser.c). Each
// refuses what it does not know.
var accountPrograms = map[string]string{
	"useradd": `case "$*" in
"--system --no-create-home --home-dir /nonexistent --shell /bin/false --comment relayhost bridge --user-group relayhost") echo relayhost:x:990: >> "$R/etc/group";;
"--system --no-create-home --home-dir /nonexistent --shell /bin/false --comment relayhost bridge --gid relayhost relayhost") ;;
*) echo "useradd: $*" >&2; exit 2;; esac
g=$(sed -n 's/^relayhost:x:\([0-9]*\):.*/\1/p' "$R/etc/group"); echo "relayhost:x:990:$g:relayhost bridge:/nonexistent:/bin/false" >> "$R/etc/passwd"`,
	"userdel":  `[ "$*" = relayhost ] || exit 2; sed -i /^relayhost:/d "$R/etc/passwd"`, // USERGROUPS_ENAB no
	"groupdel": `[ "$*" = relayhost ] || exit 2; sed -i /^relayhost:/d "$R/etc/group"`,
	"addgroup": `[ "$*" = "-S relayhost" ] || exit 1; grep -q ^relayhost: "$R/etc/group" && exit 1; echo relayhost:x:101: >> "$R/etc/group"`,
	"adduser": `[ "$*" = "-S -D -H -h /nonexistent -s /bin/false -G relayhost -g relayhost bridge relayhost" ] || exit 1
g=$(sed -n 's/^relayhost:x:\([0-9]*\):.*/\1/p' "$R/etc/group"); [ "$g" ] || exit 1
echo "relayhost:x:101:$g:relayhost bridge:/nonexistent:/bin/false" >> "$R/etc/passwd"`,
	"deluser":  `[ "$*" = relayhost ] || exit 1; sed -i /^relayhost:/d "$R/etc/passwd" "$R/etc/group"`,
	"delgroup": `[ "$*" = relayhost ] || exit 1; sed -i /^relayhost:/d "$R/etc/group"`,
}

// TestBridgeUser: the user is made by what the host has, and goes with the group that was
// made for it; a group that was there before stays.
func TestBridgeUser(t *testing.T) {
	shadow, busybox := []string{"useradd", "userdel", "groupdel"}, []string{"adduser", "addgroup", "deluser", "delgroup"}
	for _, test := range []struct {
		name     string
		programs []string
		group    string // in /etc/group before
		uid, gid int
	}{
		{"useradd", shadow, "", 990, 990},
		{"useradd beside adduser", append(shadow, busybox...), "", 990, 990},
		{"useradd, and the group is there", shadow, "relayhost:x:77:\n", 990, 77},
		{"busybox", busybox, "", 101, 101},
		{"busybox, and the group is there", busybox, "relayhost:x:77:\n", 101, 77}, // its deluser takes the group of that name along
	} {
		t.Run(test.name, func(t *testing.T) {
			root, bin := t.TempDir(), t.TempDir()
			write := func(path, text string, mode os.FileMode) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			const passwd = "root:x:0:0:root:/root:/bin/sh\n"
			group := "root:x:0:\n" + test.group
			write(root+"/etc/passwd", passwd, 0o644)
			write(root+"/etc/group", group, 0o644)
			write(root+"/var/lib/relayhost/x", "", 0o600)
			for _, name := range test.programs {
				write(filepath.Join(bin, name), "#!/bin/sh\nPATH=/usr/bin:/bin\nR='"+root+"'\n"+accountPrograms[name]+"\n", 0o755)
			}
			h := &host.Host{Reader: host.Reader{Root: root, Path: bin}}
			a, err := bridgeUser(t.Context(), h, Options{})
			if err != nil || a != (host.User{Name: conf.User, UID: test.uid, GID: test.gid}) {
				t.Fatalf("bridgeUser: got %+v, %v, want %d:%d", a, err, test.uid, test.gid)
			}
			if again, err := bridgeUser(t.Context(), h, Options{}); err != nil || again != a {
				t.Errorf("again: got %+v, %v, want %+v", again, err, a)
			}
			removeUser(t.Context(), h, Options{}.stateDir())
			if test.programs[0] == "adduser" {
				group = "root:x:0:\n"
			}
			for path, want := range map[string]string{"/etc/passwd": passwd, "/etc/group": group} {
				if got, err := os.ReadFile(root + path); err != nil || string(got) != want {
					t.Errorf("%s: got %q, %v, want %q as before", path, got, err, want)
				}
			}
			if _, err := h.Lstat(filepath.Join(Options{}.stateDir(), madeUser)); err == nil {
				t.Errorf("%s is left, want none", madeUser)
			}
		})
	}
}

// TestPrepareBridge: every bridge gets a directory of its own, or keeps the one that it has;
// it goes with the configuration of the bridge.
func TestPrepareBridge(t *testing.T) {
	h := &host.Host{Reader: host.Reader{Root: t.TempDir()}}
	home, uid, gid := h.Real(conf.Directory), os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 990, 991
	}
	for name, text := range map[string]string{
		"/etc/passwd": fmt.Sprintf("relayhost:x:%d:%d::/:/bin/sh\n", uid, gid), conf.Directory + "/m365.conf": "x", conf.Directory + "/shop.conf": "x", conf.Directory + "/m365.state/m365.1.token": "1",
		conf.Directory + "/shop.state/shop.token": "s", conf.Directory + "/gone.state/gone.token": "g", conf.Directory + "/state/slot-1-0": "",
	} {
		if err := os.MkdirAll(filepath.Dir(h.Real(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.Real(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree := func() (list []string) {
		err := filepath.WalkDir(home, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && !strings.HasSuffix(path, ".lock") {
				list = append(list, strings.TrimPrefix(path, home+"/"))
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		return list
	}
	for range 2 {
		if u, g, err := PrepareBridge(t.Context(), h, Options{}, "m365", "new", "shop"); err != nil || u != uid || g != gid {
			t.Fatalf("PrepareBridge: got %d, %d, %v, want %d, %d", u, g, err, uid, gid)
		}
		for _, name := range []string{"new", "m365", "shop"} {
			if m, err := h.Lstat(conf.OwnDirectory(conf.Directory, name)); err != nil || m.UID != uid || m.GID != gid || m.Mode.Perm() != 0o700 {
				t.Errorf("%s: got %+v, %v, want a directory of %d:%d, 0700", name, m, err, uid, gid)
			}
		}
	}
	for _, row := range []struct {
		remove string
		want   []string
	}{
		{"", []string{"m365.conf", "m365.state/m365.1.token", "shop.conf", "shop.state/shop.token", "state/slot-1-0"}},
		{"m365.conf", []string{"shop.conf", "shop.state/shop.token", "state/slot-1-0"}},
		{"shop.conf", nil},
	} {
		if row.remove != "" {
			if err := os.Remove(filepath.Join(home, row.remove)); err != nil {
				t.Fatal(err)
			}
		}
		TidyBridges(t.Context(), h, Options{})
		if got := tree(); !slices.Equal(got, row.want) {
			t.Errorf("without %q: got %q, want %q", row.remove, got, row.want)
		}
	}
}
