package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// madeUser is a file in the state directory that says that conf.User is ours: it
// goes when no bridge is left. One of a package stays.
const madeUser = "made-user"

// ourGroup is a line of that file: the group is ours too.
const ourGroup = "group\n"

// PrepareBridge makes what bridges of these names need before anything is written: the
// system user conf.User, conf.Directory, and in it what each bridge has for itself. It
// returns the user's numbers. What is there already stays. Whoever calls it holds the lock (Lock); a Run that writes no configuration of a bridge,
// Recover and RollBack take it away again.
func PrepareBridge(ctx context.Context, h *host.Host, o Options, names ...string) (uid, gid int, err error) {
	a, err := bridgeUser(ctx, h, o)
	if err != nil {
		return 0, 0, err
	}
	for _, dir := range []struct {
		path     string
		mode     fs.FileMode
		uid, gid int
	}{{conf.Directory, 0o750, 0, a.GID}, {conf.StateDirectory(conf.Directory), 0o700, a.UID, a.GID}} {
		if err := ownDirectory(h, dir.path, dir.mode, dir.uid, dir.gid); err != nil {
			return 0, 0, err
		}
	}
	for _, name := range names {
		if err := ownDirectory(h, conf.OwnDirectory(conf.Directory, name), 0o700, a.UID, a.GID); err != nil {
			return 0, 0, fmt.Errorf("state of the bridge %s: %w", name, err)
		}
	}
	return a.UID, a.GID, nil
}

// ownDirectory makes a directory, or gives one that is there mode and owner again.
func ownDirectory(h *host.Host, path string, mode fs.FileMode, uid, gid int) error {
	if err := h.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	// spawn(8) starts bridges in Postfix's domain, which may use Postfix's data.
	if err := h.LabelAs(path, "/var/lib/postfix"); err != nil {
		return err
	}
	m, err := h.Lstat(path)
	switch {
	case err != nil:
		return err
	case !m.Mode.IsDir():
		return &host.Refusal{Path: path, Why: "is not a directory", Fix: "move it away"}
	case m.UID == uid && m.GID == gid && m.Mode.Perm() == mode:
		return nil
	}
	if os.Geteuid() == 0 {
		if err := os.Lchown(h.Real(path), uid, gid); err != nil {
			return err
		}
	}
	return h.Chmod(path, mode)
}

// bridgeUser looks conf.User up, and makes it where it is missing.
func bridgeUser(ctx context.Context, h *host.Host, o Options) (host.User, error) {
	a, ok, err := lookUser(&h.Reader)
	if err != nil || ok {
		return a, err
	}
	stood := hasGroup(&h.Reader)
	what := conf.User + "\n"
	if !stood {
		what += ourGroup
	}
	mark := host.Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid()}
	if err := h.WriteFile(filepath.Join(o.stateDir(), madeUser), []byte(what), mark); err != nil {
		return a, err
	}
	o.say("creating the system user " + conf.User)
	for _, args := range makeUser(h, stood) {
		if err := run(ctx, h, args); err != nil {
			return a, fmt.Errorf("create the system user %s: %w", conf.User, err)
		}
	}
	if a, ok, err = lookUser(&h.Reader); err == nil && !ok {
		err = fmt.Errorf("the system user %s was created, but /etc/passwd does not list it", conf.User)
	}
	return a, err
}

// makeUser is how conf.User is made, and its group unless that is there: by useradd(8), or
// by the adduser and addgroup of busybox where that is missing, as on Alpine without the
// package shadow. (Debian's adduser takes other options, and never is without useradd.)
func makeUser(h *host.Host, group bool) [][]string {
	shell := "/usr/sbin/nologin"
	if _, err := h.Stat(shell); err != nil {
		shell = "/bin/false"
	}
	const home, comment = "/nonexistent", "relayhost bridge"
	if !h.Has("useradd") && h.Has("adduser") {
		var list [][]string
		if !group {
			list = append(list, []string{"addgroup", "-S", conf.User})
		}
		return append(list, []string{"adduser", "-S", "-D", "-H", "-h", home, "-s", shell, "-G", conf.User, "-g", comment, conf.User})
	}
	args := []string{"useradd", "--system", "--no-create-home", "--home-dir", home, "--shell", shell, "--comment", comment}
	if group {
		return [][]string{append(args, "--gid", conf.User, conf.User)}
	}
	return [][]string{append(args, "--user-group", conf.User)}
}

// unmakeUser takes away what of makeUser is there: the user, and the group that userdel(8)
// leaves where USERGROUPS_ENAB of login.defs(5) is no.
func unmakeUser(ctx context.Context, h *host.Host, user, group bool) error {
	tool := func(shadow, busybox string) []string {
		if !h.Has(shadow) && h.Has(busybox) {
			return []string{busybox, conf.User}
		}
		return []string{shadow, conf.User}
	}
	if user {
		if err := run(ctx, h, tool("userdel", "deluser")); err != nil {
			return err
		}
	}
	if group && hasGroup(&h.Reader) {
		return run(ctx, h, tool("groupdel", "delgroup"))
	}
	return nil
}

// run runs a command whose failure is one.
func run(ctx context.Context, h *host.Host, args []string) error {
	out, err := h.Run(ctx, host.Command{Args: args})
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("%s: exit code %d: %s", args[0], out.Code, out.Fault())
	}
	return err
}

// hasGroup reports whether /etc/group lists the group conf.User.
func hasGroup(r *host.Reader) bool {
	text, err := r.ReadFile("/etc/group")
	return err == nil && strings.Contains("\n"+string(text), "\n"+conf.User+":")
}

// lookUser finds conf.User, whose group has the same name. spawn(8) runs nothing as root.
func lookUser(r *host.Reader) (u host.User, ok bool, err error) {
	if u, ok, err = host.LookUser(r, conf.User); ok && (u.UID <= 0 || u.GID <= 0) {
		why := fmt.Sprintf("cannot run a bridge with uid %d and gid %d", u.UID, u.GID)
		return u, false, &host.Refusal{Path: "the user " + conf.User, Why: why, Fix: "remove that user"}
	}
	return u, ok, err
}

// BridgeHost is what this host has for bridges of the Postfix in configDir: the program
// is the one that runs.
func BridgeHost(r *host.Reader, configDir string) plan.Bridge {
	b := plan.Bridge{GID: bridgeGID(r), Elsewhere: otherBridges(r, configDir)}
	if self, err := os.Executable(); err == nil {
		b.Program = self
	}
	_, err := r.Stat("/run/systemd/system") // sd_booted(3)
	b.Systemd = err == nil
	return b
}

// otherBridges are those that the instances of Postfix beside the one in configDir
// start, and where (multi_instance_directories of postconf(5)).
func otherBridges(r *host.Reader, configDir string) map[string]string {
	names := map[string]string{}
	dirs := []string{postfix.DefaultConfigDir}
	if text, err := r.ReadFile(filepath.Join(postfix.DefaultConfigDir, "main.cf")); err == nil {
		if main, err := postfix.ParseMain(text); err == nil {
			more, _ := main.Get("multi_instance_directories")
			dirs = append(dirs, postfix.Words(more)...)
		}
	}
	for _, dir := range dirs {
		if text, err := r.ReadFile(filepath.Join(dir, "master.cf")); err == nil && filepath.Clean(dir) != filepath.Clean(configDir) {
			master, _ := postfix.ParseMaster(text)
			for _, name := range plan.BridgesOf(master) {
				names[name] = dir
			}
		}
	}
	return names
}

// bridgeGID is the number of the group that reads the configurations of bridges, 0
// where there is none yet.
func bridgeGID(r *host.Reader) int {
	a, ok, err := lookUser(r)
	if err != nil || !ok {
		return 0
	}
	return a.GID
}

// TidyBridges takes away what PrepareBridge has made, where no setup has come of it.
// The caller holds the lock.
func TidyBridges(ctx context.Context, h *host.Host, o Options) {
	tidyBridge(ctx, h, o.stateDir())
}

// tidyBridge takes away what no bridge needs any more: the state of those that have
// no configuration, and with the last one the directory and a user of ours. What
// fails stays for the next run: nothing depends on it.
func tidyBridge(ctx context.Context, h *host.Host, dir string) {
	names, err := h.ReadDir(conf.Directory)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	used := func(name string) bool { return slices.Contains(names, name+".conf") }
	if slices.ContainsFunc(names, func(n string) bool {
		return strings.HasSuffix(n, ".conf") && !conf.IsRehearsal(strings.TrimSuffix(n, ".conf"))
	}) {
		for _, file := range names {
			if name, ok := conf.IsOwnDirectory(file); ok && !used(name) {
				_ = h.RemoveAll(filepath.Join(conf.Directory, file))
			}
		}
		return
	}
	if len(names) > 0 || err == nil {
		ours := func(n string) bool {
			_, own := conf.IsOwnDirectory(n)
			return own || n == filepath.Base(conf.StateDirectory("")) || host.IsTemp(n) || conf.IsRehearsal(strings.TrimSuffix(n, ".conf"))
		}
		if slices.ContainsFunc(names, func(n string) bool { return !ours(n) }) {
			return // something of somebody else
		}
		if h.RemoveAll(conf.Directory) != nil {
			return
		}
	}
	removeUser(ctx, h, dir)
}

// endTime is how long a bridge may take to end when its last connection has.
const endTime = 10 * time.Second

// removeUser removes conf.User where it is ours and nothing runs as it.
func removeUser(ctx context.Context, h *host.Host, dir string) {
	mark := filepath.Join(dir, madeUser)
	if _, err := h.Lstat(mark); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*endTime)
	defer cancel()
	a, ok, err := lookUser(&h.Reader)
	if err != nil || ok && !endedAll(ctx, h, a.UID) {
		return
	}
	what, err := h.ReadFile(mark)
	if err != nil || unmakeUser(ctx, h, ok, strings.Contains(string(what), ourGroup)) != nil {
		return
	}
	_ = h.Remove(mark, "")
}

// endedAll waits for the processes of a user of ours to end, and ends those that do not.
func endedAll(ctx context.Context, h *host.Host, uid int) bool {
	if h.Root != "" {
		return true
	}
	for start, told := time.Now(), false; ; {
		pids := processesOf(&h.Reader, uid)
		if len(pids) == 0 {
			return true
		}
		if !told && time.Since(start) > endTime {
			told = true
			for _, pid := range pids {
				_ = unix.Kill(pid, unix.SIGTERM)
			}
		}
		if time.Since(start) > 2*endTime {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// processesOf lists the processes that run as uid. The owner of /proc/PID is root's
// for a bridge, which forbids core dumps (proc_pid(5)).
func processesOf(r *host.Reader, uid int) []int {
	var list []int
	names, _ := r.ReadDir("/proc")
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		status, err := r.ReadFile(filepath.Join("/proc", name, "status"))
		if err != nil {
			continue
		}
		for line := range bytes.Lines(status) {
			if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == "Uid:" && string(f[1]) == strconv.Itoa(uid) {
				list = append(list, pid)
			}
		}
	}
	return list
}

// forBridges prepares for the configurations of bridges among steps that are to be
// there, and gives them the group that reads them: a user that was removed and made
// again may have other numbers.
func forBridges(ctx context.Context, h *host.Host, o Options, steps []step) error {
	if !slices.ContainsFunc(steps, func(s step) bool { return conf.IsConfig(s.Path) && s.After.Exists && !s.After.Dir }) {
		return nil
	}
	var names []string
	for _, s := range steps {
		if conf.IsConfig(s.Path) && s.After.Exists && !s.After.Dir {
			names = append(names, strings.TrimSuffix(filepath.Base(s.Path), filepath.Ext(s.Path)))
		}
	}
	_, gid, err := PrepareBridge(ctx, h, o, names...)
	if err != nil {
		return err
	}
	for i := range steps {
		if s := &steps[i]; conf.IsConfig(s.Path) && s.After.Exists && !s.After.Dir {
			s.After.GID = gid
		}
	}
	return nil
}
