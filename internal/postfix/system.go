//go:build unix

package postfix

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// caFiles are the bundles of the distributions, one file each with all roots.
var caFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",                // Debian, Ubuntu, Alpine, Arch
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // RHEL, Fedora, Amazon Linux
	"/etc/pki/tls/certs/ca-bundle.crt",                  // a link to it, which an upgrade to Fedora 44 takes away
	"/etc/ssl/ca-bundle.pem",                            // SUSE, a link to the next
	"/var/lib/ca-certificates/ca-bundle.pem",            // SUSE
	"/etc/ssl/cert.pem",                                 // Alpine
}

// CABundle is the distribution's file of trusted CAs, "" if none was found.
func CABundle(r *host.Reader) string {
	for _, path := range caFiles {
		if m, err := r.Stat(path); err == nil && m.Mode.IsRegular() && m.Size > 0 {
			return path
		}
	}
	return ""
}

// plugins are the client mechanisms of Cyrus SASL by the name of their file. That
// of KDE, libkdexoauth2.so, asks for the password in a way that Postfix does not
// answer, and so does not count.
var plugins = []struct{ file, mechanism string }{
	{"libplain.so", "PLAIN"}, {"liblogin.so", "LOGIN"}, {"libcrammd5.so", "CRAM-MD5"},
	{"libdigestmd5.so", "DIGEST-MD5"}, {"libscram.so", "SCRAM"}, {"libntlm.so", "NTLM"},
	{"libgssapiv2.so", "GSSAPI"}, {"libxoauth2.so", "XOAUTH2"}, {"libsasl-xoauth2.so", "XOAUTH2"}, {"libanonymous.so", "ANONYMOUS"},
}

// saslPlugins lists the mechanisms whose plugin is on disk, in the order of
// plugins.
func saslPlugins(r *host.Reader) []string {
	dirs := []string{"/usr/lib/sasl2", "/usr/lib64/sasl2", "/usr/local/lib/sasl2"}
	// Debian and its children keep one directory for each architecture.
	archs, _ := r.ReadDir("/usr/lib")
	for _, arch := range archs {
		if strings.Contains(arch, "-linux-") {
			dirs = append(dirs, filepath.Join("/usr/lib", arch, "sasl2"))
		}
	}
	var files []string
	for _, dir := range dirs {
		names, _ := r.ReadDir(dir)
		files = append(files, names...)
	}
	var mechanisms []string
	for _, p := range plugins {
		// Debian ships libplain.so.2 and no libplain.so.
		if !slices.Contains(mechanisms, p.mechanism) && slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, p.file) }) {
			mechanisms = append(mechanisms, p.mechanism)
		}
	}
	return mechanisms
}

// running asks as "master -t" does: master(8) holds an exclusive lock on its
// pid file as long as it lives. Who may not open that file looks for the process.
func running(r *host.Reader, queueDir string) bool {
	path := filepath.Join(queueDir, "pid/master.pid")
	f, err := os.Open(r.Real(path))
	if errors.Is(err, fs.ErrPermission) {
		return findMaster(r)
	}
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// outlived is the process of the master(8) of queueDir where it does not run the file that
// is in daemonDir now (proc_pid_exe(5)), else 0. Who may not look finds none.
func outlived(r *host.Reader, queueDir, daemonDir string) int {
	data, err := r.ReadFile(filepath.Join(queueDir, "pid/master.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return 0
	}
	runs, err := os.Readlink(r.Real(fmt.Sprintf("/proc/%d/exe", pid)))
	if err != nil || !strings.HasPrefix(filepath.Base(runs), "master") {
		return 0
	}
	is, err := filepath.EvalSymlinks(r.Real(filepath.Join(daemonDir, "master")))
	if err != nil || runs == is {
		return 0
	}
	return pid
}

func findMaster(r *host.Reader) bool {
	processes, _ := r.ReadDir("/proc")
	for _, p := range processes {
		if _, err := strconv.Atoi(p); err != nil {
			continue
		}
		if comm, err := r.ReadFile(filepath.Join("/proc", p, "comm")); err == nil && string(comm) == "master\n" {
			return true
		}
	}
	return false
}
