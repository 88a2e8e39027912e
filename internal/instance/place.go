package instance

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
	"relayhost/internal/maillog"
)

// directories of an instance.
type directories struct{ config, queue, data, log string }

func (o Options) directories() directories {
	if o.Dir != "" {
		return directories{filepath.Join(o.Dir, "etc"), filepath.Join(o.Dir, "spool"), filepath.Join(o.Dir, "data"), filepath.Join(o.Dir, "log")}
	}
	name := "postfix-" + o.Name
	data := filepath.Join("/var/lib", name)
	return directories{filepath.Join("/etc", name), filepath.Join("/var/spool", name), data, data + "-log"}
}

// BeforeName and AfterName are the instances that say where mail goes, now and after
// the change, DemoName that of a demo; behind them stands the number of the process
// that runs it, so that two can at once.
const (
	BeforeName = "relayhost-before"
	AfterName  = "relayhost-after"
	DemoName   = "relayhost-demo"
)

// defaultName is that of the rehearsal.
const defaultName = "relayhost"

// roots are where an instance has its one directory when those of Postfix are on a
// read-only file system, as in a container: users other than root can pass through.
var roots = []string{"/var/lib", "/run"}

// place is the directory of the instance called name: "" where there is room beside
// those of the server's Postfix.
func place(r *host.Reader, name string) string {
	for _, dir := range []string{"/etc", "/var/lib", "/var/spool"} {
		if errors.Is(unix.Access(r.Real(dir), unix.W_OK), unix.EROFS) {
			for _, root := range roots {
				if unix.Access(r.Real(root), unix.W_OK) == nil {
					return inOne(root, name)
				}
			}
		}
	}
	return ""
}

func inOne(root, name string) string { return filepath.Join(root, "postfix-"+name+"-private") }

// abandoned are the instances that a run which died has left behind.
func abandoned(r *host.Reader) (left []Options) {
	for _, root := range append([]string{"/etc"}, roots...) {
		entries, _ := r.ReadDir(root)
		for _, entry := range entries {
			name, is := strings.CutPrefix(entry, "postfix-")
			o := Options{Name: name}
			if root != "/etc" {
				var one bool
				o.Name, one = strings.CutSuffix(name, "-private")
				o.Dir, is = filepath.Join(root, entry), is && one
			}
			if is && dead(o.Name) {
				left = append(left, o)
			}
		}
	}
	return left
}

// dead reports whether an instance of that name is one of ours that nobody runs: the
// rehearsal is looked for under the lock of the transaction.
func dead(name string) bool {
	if name == defaultName {
		return true
	}
	for _, kind := range []string{BeforeName, AfterName, DemoName} {
		number, is := strings.CutPrefix(name, kind+"-")
		if pid, err := strconv.Atoi(number); is && err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			return true
		}
	}
	return false
}

// findLog decides where the instance logs: in a file of its own, or, where a policy
// of SELinux lets postlogd(8) write none (Debian's), where the server's Postfix does.
func (i *Instance) findLog(ctx context.Context) {
	if !i.o.State.SELinux.LogDenied() {
		i.Log = maillog.Log{File: filepath.Join(i.directories.log, "mail.log")}
		return
	}
	i.shared = true
	s := i.o.State
	s.Params = map[string]string{} // a log by maillog_file gets nothing either
	i.Log, _ = maillog.Find(ctx, &i.h.Reader, s)
}

// own reports whether a line of the log is this instance's (syslog_name).
func (i *Instance) wrote(l maillog.Line) bool {
	return !i.shared || strings.HasPrefix(l.Tag, syslogName(i.o.Name)+"/")
}

func syslogName(instance string) string { return "postfix-" + instance }

// errNoLog is why nothing can be said of a log.
var errNoLog = fmt.Errorf("%w of the private Postfix", maillog.ErrNoLog)
