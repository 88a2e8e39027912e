package apply

import (
	"os"
	"path/filepath"
	"testing"

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
			if err != nil || a != (account{test.uid, test.gid}) {
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
