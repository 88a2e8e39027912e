package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// bridge checks what the bridge of the route needs on this host: the socket, the user
// and the program that spawn(8) starts, and that this user can read the bridge's
// configuration and write its state. What only root can see is left out without root.
func (t *routeCheck) bridge(ctx context.Context) (findings []Finding) {
	socket := t.route.Hops[0].Socket
	if socket == "" || t.State.Master == nil {
		return nil
	}
	entry, ok := t.State.Master.Get(config.BridgeEntry(socket), "unix")
	name, named := plan.BridgeOf(entry)
	if !ok || !named {
		return nil // the rules for master.cf tell it
	}
	found := func(cause, format string, args ...any) {
		f := Finding{Check: "service", Result: Fail, Detail: fmt.Sprintf(format, args...)}.known(cause)
		if cause == "bridge_gone" {
			f.Remedy, f.Command = "Run setup again; it restores the user and the program's path.", "relayhost setup"
		}
		findings = append(findings, f)
	}
	at := filepath.Join(t.State.QueueDir, socket)
	if m, err := t.Reader.Lstat(at); errors.Is(err, fs.ErrNotExist) || err == nil && m.Mode.Type() != fs.ModeSocket {
		what := "is missing"
		if err == nil {
			what = "is no socket"
		}
		found("bridge_gone", "%s %s: Postfix reaches no bridge", at, what)
		f := &findings[len(findings)-1]
		f.Remedy, f.Command = "Postfix makes it when it starts.", postfix.ByHand(ctx, t.Reader, t.State.ConfigDir, "restart")
		if strings.HasSuffix(socket, config.ServiceSuffix) {
			f.Remedy, f.Command = "systemd makes it when the socket unit starts.", "systemctl restart relayhost-bridge-"+name+".socket"
		}
	}
	user, program := entry.Spawned()
	if program != "" {
		if why, how := ProgramFault(t.Reader, program); why != "" {
			found("bridge_gone", "%s", why)
			findings[len(findings)-1].Remedy, findings[len(findings)-1].Command = how, ""
		}
	}
	u, ok, err := host.LookUser(t.Reader, user)
	if err == nil && !ok {
		err = errors.New("/etc/passwd does not have that user")
	}
	switch {
	case err != nil:
		found("bridge_gone", "master.cf starts the bridge as the user %s: %v", user, err)
		return findings
	case u.UID <= 0 || user == t.State.Params["mail_owner"]:
		found("bridge_gone", "master.cf starts the bridge as the user %s, and spawn(8) refuses that user", user)
		return findings
	}
	for _, fault := range bridgeFiles(t.Reader, name, u.UID, u.GID) {
		found("bridge_config", "%s", fault.what)
		f := &findings[len(findings)-1]
		f.Remedy, f.Command = fault.remedy, fault.command
	}
	return findings
}

// fileFault is a file that a bridge cannot work with.
type fileFault struct{ what, remedy, command string }

// bridgeFiles looks at the files of the bridge name for the user with these numbers.
func bridgeFiles(r *host.Reader, name string, uid, gid int) (faults []fileFault) {
	look := func(path string, mode fs.FileMode, user, group int, missing fileFault) bool {
		m, err := r.Lstat(path)
		owner := conf.User
		if user == 0 {
			owner = "root"
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing.what = path + " is missing"
			faults = append(faults, missing)
		case err != nil: // for want of root
		case m.Mode.Type() != mode.Type():
			faults = append(faults, fileFault{path + " is of another kind", "Move it away, and run setup again.", "relayhost setup"})
		case m.UID != user || m.GID != group || m.Mode.Perm() != mode.Perm():
			faults = append(faults, fileFault{
				fmt.Sprintf("%s is %d:%d %04o, not %s:%s %04o", path, m.UID, m.GID, m.Mode.Perm(), owner, conf.User, mode.Perm()),
				"Give it the owner and the mode that the bridge needs.",
				fmt.Sprintf("chown %s:%s %s && chmod %04o %s", owner, conf.User, path, mode.Perm(), path),
			})
		default:
			return true
		}
		return false
	}
	again := fileFault{remedy: "Run setup again.", command: "relayhost setup"}
	account := fileFault{remedy: "Run setup again with the account, which is not stored any more.", command: "relayhost setup --credentials-file FILE"}
	look(conf.Directory, fs.ModeDir|0o750, 0, gid, again)
	path := conf.ConfigPath(conf.Directory, name)
	if look(path, 0o640, 0, gid, account) {
		if text, err := r.ReadFile(path); err == nil {
			if _, err := conf.Parse(text); err != nil {
				account.what = fmt.Sprintf("%s: %v", path, err)
				faults = append(faults, account)
			}
		}
	}
	look(conf.StateDirectory(conf.Directory), fs.ModeDir|0o700, uid, gid, again)
	own := conf.OwnDirectory(conf.Directory, name)
	look(own, fs.ModeDir|0o700, uid, gid, again)
	files, _ := r.ReadDir(own)
	for _, file := range files {
		if strings.HasPrefix(file, name+".") { // the others are being written
			look(filepath.Join(own, file), 0o600, uid, gid, again)
		}
	}
	return faults
}

// ProgramFault says why Postfix cannot start a program as the user of the bridges, or
// who else could replace it, and what to do; "" where all is well.
func ProgramFault(r *host.Reader, program string) (why, how string) {
	for path := program; path != "/"; path = filepath.Dir(path) {
		m, err := r.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Sprintf("Postfix has to start %s, and %s is missing", program, path),
				"Install relayhost at that path again, or run setup with the program where it is now."
		case err != nil:
			return "", ""
		case path == program && !m.Mode.IsRegular():
			return fmt.Sprintf("Postfix has to start %s, which is no program", program), "Install relayhost at that path again."
		case m.Mode.Perm()&0o001 == 0:
			return fmt.Sprintf("Postfix has to start %s as the user %s, and %s is closed to others (mode %04o)", program, conf.User, path, m.Mode.Perm()),
				"Install relayhost where every user can run it: /usr/local/bin."
		case m.UID != 0:
			return fmt.Sprintf("Postfix has to start %s, and %s belongs to user %d, who could replace it", program, path, m.UID),
				"Install relayhost in a directory of root: /usr/local/bin."
		case m.Mode.Perm()&0o002 != 0 && m.Mode&fs.ModeSticky == 0:
			return fmt.Sprintf("Postfix has to start %s, and every user can write to %s (mode %04o)", program, path, m.Mode.Perm()),
				"Take the permission to write away from others: chmod o-w " + path + "."
		}
	}
	return "", ""
}
