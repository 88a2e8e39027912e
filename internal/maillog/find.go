//go:build unix

// Package maillog finds, reads and follows the mail log of a Postfix, and takes
// its lines apart.
package maillog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// Log is where this Postfix logs.
type Log struct {
	File    string // maillog_file or syslog's file; "" for the journal
	Journal bool
}

// String names the log for a person.
func (l Log) String() string {
	if l.Journal {
		return "the journal"
	}
	return l.File
}

// ErrNoLog is returned by Find when Postfix logs nowhere, or where nobody can
// read it.
var ErrNoLog = errors.New("no mail log")

// logFiles are the files that syslog daemons write mail.* to.
var logFiles = []string{
	"/var/log/mail.log",      // Debian, Ubuntu
	"/var/log/maillog",       // RHEL, Alpine with rsyslog
	"/var/log/mail",          // SUSE
	"/var/log/mail/mail.log", // SUSE of old
	"/var/log/messages",      // busybox syslogd, Alpine
	"/var/log/syslog",
}

// syslogPIDs show that a syslog daemon writes those files.
var syslogPIDs = []string{"/run/rsyslogd.pid", "/run/syslogd.pid", "/run/syslog-ng.pid", "/run/syslog-ng/syslog-ng.pid", "/run/syslog.pid"}

// Find finds out where the Postfix of s logs and whether we can read it. The
// file need not exist yet when maillog_file names it.
func Find(ctx context.Context, r *host.Reader, s postfix.State) (Log, error) {
	if file := s.Params["maillog_file"]; file != "" {
		return ownLog(r, file)
	}
	if err := ctx.Err(); err != nil {
		return Log{}, err
	}
	// Without this socket nobody receives what syslog(3) sends.
	if _, err := r.Stat("/dev/log"); err != nil {
		own := "maillog_file is not set"
		if len(s.Params) == 0 { // a main.cf or master.cf that postconf(1) cannot read
			own = "postconf does not tell maillog_file"
		}
		return Log{}, fmt.Errorf("%w: nothing receives syslog (no /dev/log) and %s", ErrNoLog, own)
	}
	_, noJournal := r.Stat("/run/systemd/journal/socket")
	// Under SELinux journalctl(1) may run in a domain that may not read the journal
	// (systemd_journal_init_t of Debian's policy, for services).
	journal := noJournal == nil && r.Has("journalctl") && r.SELinuxLets("journalctl", "/var/log", "dir", "search")
	// Files of a syslog daemon that has been removed are stale.
	file, err := readable(r, logFiles)
	switch {
	case file != "" && (!journal || anyExists(r, syslogPIDs) || runs(r, syslogDaemons)):
		return Log{File: file}, nil
	case journal:
		return Log{Journal: true}, nil
	case err != nil:
		return Log{}, fmt.Errorf("%w: %w", ErrNoLog, err)
	default:
		return Log{}, fmt.Errorf("%w: none of %s", ErrNoLog, strings.Join(logFiles, ", "))
	}
}

// syslogDaemons write those files; Debian 13's rsyslogd has no file with its number.
var syslogDaemons = []string{"rsyslogd", "syslog-ng", "syslogd"}

// runs reports whether a process has one of these names (proc_pid_comm(5)).
func runs(r *host.Reader, names []string) bool {
	entries, _ := r.ReadDir("/proc")
	for _, pid := range entries {
		if pid == "" || pid[0] < '0' || pid[0] > '9' {
			continue
		}
		if name, err := r.ReadFile("/proc/" + pid + "/comm"); err == nil && slices.Contains(names, strings.TrimSpace(string(name))) {
			return true
		}
	}
	return false
}

// ownLog is the file that Postfix writes itself (maillog_file).
func ownLog(r *host.Reader, file string) (Log, error) {
	m, err := r.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Log{File: file}, nil
	case err != nil:
		return Log{}, fmt.Errorf("%w: %w", ErrNoLog, err)
	case !m.Mode.IsRegular():
		return Log{}, fmt.Errorf("%w: maillog_file is %s, which cannot be read again", ErrNoLog, file)
	}
	if name, err := readable(r, []string{file}); name == "" {
		return Log{}, fmt.Errorf("%w: %w", ErrNoLog, err)
	}
	return Log{File: file}, nil
}

// readable returns the first of paths that is a file that we may read, and why
// one that is there cannot be read.
func readable(r *host.Reader, paths []string) (string, error) {
	var reason error
	for _, path := range paths {
		m, err := r.Stat(path)
		if err != nil || !m.Mode.IsRegular() {
			continue
		}
		if err := unix.Access(r.Real(path), unix.R_OK); err == nil {
			return path, nil
		} else if reason == nil {
			reason = &os.PathError{Op: "read", Path: path, Err: err}
		}
	}
	return "", reason
}

func anyExists(r *host.Reader, paths []string) bool {
	for _, path := range paths {
		if _, err := r.Stat(path); err == nil {
			return true
		}
	}
	return false
}
