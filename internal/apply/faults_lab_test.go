//go:build lab

package apply

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// ownDisk moves /etc/postfix to a file system of its own.
const ownDisk = `cp -a /etc/postfix /root/copy && mount -t tmpfs -o size=%s,mode=0755 tmpfs /etc/postfix && cp -a /root/copy/. /etc/postfix/`

// TestLabFaults spoils the server in one way each, and wants a refusal or a
// success with the words and the code that belong to it. After a refusal
// everything is as it was.
func TestLabFaults(t *testing.T) {
	t.Parallel()
	parameters, value, line := 5_000, 300_000, 500_000 // postconf(1) takes its time over more
	if whole() {
		parameters, value, line = 200_000, 10_000_000, 5_000_000
	}
	for _, f := range []struct {
		name  string
		ext4  bool   // /etc/postfix on a disk of its own that knows chattr(1)
		short bool   // the socket of postlogd(8) holds 10 messages, as in a container
		spoil string // shell
		code  int
		says  string
		fix   string // shell, before the trees are compared
		under string // shell, ahead of the run's own command
		limit string // of each child
	}{
		{name: "disk full", spoil: strings.ReplaceAll(ownDisk, "%s", "300k") + `; dd if=/dev/zero of=/etc/postfix/filler bs=1k 2>/dev/null; true`,
			code: 1, says: "/etc/postfix is on a disk with"},
		{name: "no inodes", spoil: strings.ReplaceAll(ownDisk, "%s", "3m,nr_inodes=200") + `; i=0; while touch /etc/postfix/f$i 2>/dev/null; do i=$((i+1)); done`,
			code: 1, says: "/etc/postfix is on a full disk"},
		{name: "state disk full", spoil: `mkdir /var/lib/relayhost && mount -t tmpfs -o size=16k,mode=0700 tmpfs /var/lib/relayhost`,
			code: 1, says: "/var/lib/relayhost is on a disk with"},
		{name: "other disk", spoil: strings.ReplaceAll(ownDisk, "%s", "10m")},
		{name: "read-only", spoil: `mount --bind /etc/postfix /etc/postfix && mount -o remount,ro,bind /etc/postfix`,
			code: 1, says: "read-only"},
		{name: "read-only /etc", spoil: `mount --bind /etc /etc && mount -o remount,ro,bind /etc`,
			code: 1, says: "read-only"},
		{name: "immutable file", ext4: true, spoil: `chattr +i /etc/postfix/main.cf`,
			code: 1, says: "chattr -i /etc/postfix/main.cf", fix: `lsattr /etc/postfix/main.cf | cut -c5 | grep i`},
		{name: "immutable map", ext4: true, spoil: `cd /etc/postfix && echo x y:z >sasl_passwd && postmap sasl_passwd && chmod 600 sasl_passwd* && chattr +i sasl_passwd.db`,
			code: 1, says: "chattr -i /etc/postfix/sasl_passwd.db", fix: `lsattr /etc/postfix/sasl_passwd.db | cut -c5 | grep i`},
		{name: "immutable directory", ext4: true, spoil: `chattr +i /etc/postfix`,
			code: 1, says: "chattr -i /etc/postfix", fix: `lsattr -d /etc/postfix | cut -c5 | grep i`},
		{name: "append-only", ext4: true, spoil: `chattr +a /etc/postfix/master.cf`,
			code: 1, says: "chattr -a /etc/postfix/master.cf", fix: `lsattr /etc/postfix/master.cf | cut -c6 | grep a`},
		{name: "link", spoil: `mkdir /srv/postfix && mv /etc/postfix/main.cf /srv/postfix/ && ln -s ../../srv/postfix/main.cf /etc/postfix/main.cf`},
		{name: "linked directory", spoil: `mv /etc/postfix /srv/conf && ln -s /srv/conf /etc/postfix`},
		{name: "hard link", spoil: `ln /etc/postfix/main.cf /root/second`, code: 1, says: "hard links"},
		{name: "mounted file", spoil: `cp /etc/postfix/main.cf /root/main.cf && mount --bind /root/main.cf /etc/postfix/main.cf`,
			code: 1, says: "mount its directory"},
		{name: "mounted file, read-only", spoil: `cp /etc/postfix/main.cf /root/main.cf && mount --bind /root/main.cf /etc/postfix/main.cf && mount -o remount,ro,bind /etc/postfix/main.cf`,
			code: 1, says: "mount its directory"},
		{name: "fifo", spoil: `mkfifo /etc/postfix/sasl_passwd`, code: 1, says: "not a regular file"},
		{name: "loose directory", spoil: `chmod 775 /etc/postfix`, code: 1, says: "chmod go-w /etc/postfix"},
		{name: "other owner", spoil: `chown postfix /etc/postfix`, code: 1, says: "chown root /etc/postfix"},
		{name: "foreign secret", spoil: `echo x y:z >/etc/postfix/sasl_passwd; chown postfix /etc/postfix/sasl_passwd`,
			code: 1, says: "chown root:root /etc/postfix/sasl_passwd"},
		{name: "loose map", spoil: `echo '[old.example]:25 a:b' >/etc/postfix/sasl_passwd; postmap /etc/postfix/sasl_passwd; chmod 644 /etc/postfix/sasl_passwd*`},
		{name: "no postmap", spoil: `mount --bind /dev/null /usr/sbin/postmap`, code: 1, says: "postmap"},
		{name: "postmap dies", spoil: `printf '#!/bin/sh\n: >"${3#*:}.db"; kill -9 $$\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postmap`,
			code: 1, says: "compile /etc/postfix/sasl_passwd"},
		{name: "postmap lies", spoil: `printf '#!/bin/sh\nexit 0\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postmap`,
			code: 1, says: "does not have what was written"},
		// Killed while it writes, and 0 all the same.
		{name: "postmap killed over a large map", spoil: `cd /etc/postfix; seq 100000 | sed 's/.*/[h&.example]:25 user:pw&/' >sasl_passwd; postmap sasl_passwd; chmod 600 sasl_passwd*; cp /usr/sbin/postmap /root/;
			printf '#!/bin/sh\ncase "$*" in *-q*) exec /root/postmap "$@";; esac\n[ $(stat -c %%s "${3#*:}") -gt 9999 ] || exec /root/postmap "$@"\n/root/postmap "$@" & sleep 0.03; kill -9 $!\nexit 0\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postmap`,
			code: 1, says: "does not have what was written"},
		{name: "no search path", under: `env -i PATH=/nonexistent`},
		{name: "not running", spoil: `postfix stop`},
		{name: "reload fails", spoil: `cp /usr/sbin/postfix /root/postfix; printf '#!/bin/sh\ncase "$*" in *reload*) exit 1;; esac\nexec /root/postfix "$@"\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postfix`,
			code: 4, says: "was not reloaded", fix: `umount /usr/sbin/postfix; /usr/local/bin/apply-driver driver recover`},
		{name: "reload hangs", limit: "limit=5s", spoil: `cp /usr/sbin/postfix /root/postfix; printf '#!/bin/sh\ncase "$*" in *reload*) exec sleep 600;; esac\nexec /root/postfix "$@"\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postfix`,
			code: 4, says: "was not reloaded", fix: `umount /usr/sbin/postfix; /usr/local/bin/apply-driver driver recover`},
		{name: "broken main.cf", spoil: `echo nonsense >>/etc/postfix/main.cf`, code: 1, says: "main.cf"},
		{name: "large main.cf", spoil: `yes '# a comment of some length, to make the file large' | head -c 10000000 >>/etc/postfix/main.cf; echo >>/etc/postfix/main.cf`},
		{name: "latin-1", spoil: `printf '# Gr\374\337e\nmail_name = Gr\374n\n' >>/etc/postfix/main.cf`},
		{name: "crlf", spoil: `sed -i 's/$/\r/' /etc/postfix/main.cf`},
		{name: "nearly full", spoil: strings.ReplaceAll(ownDisk, "%s", "600k") + `; dd if=/dev/zero of=/etc/postfix/filler bs=1k count=$(($(df -k --output=avail /etc/postfix | tail -1) - 32)) 2>/dev/null`,
			code: 1, says: "/etc/postfix is on a disk with"},
		{name: "master killed", spoil: `kill -9 $(cat /var/spool/postfix/pid/master.pid)`, fix: `postfix start`},
		{name: "broken meanwhile", spoil: `cp /usr/sbin/postfix /root/postfix; printf '#!/bin/sh\ncase "$*" in *reload*) echo nonsense >>/etc/postfix/main.cf; umount -l /usr/sbin/postfix;; esac\nexec /root/postfix "$@"\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postfix`,
			code: 1, says: "exit code", fix: `grep -q nonsense /etc/postfix/main.cf && sed -i /nonsense/d /etc/postfix/main.cf`},
		{name: "one long line", spoil: fmt.Sprintf(`printf 'lab_long = ' >>/etc/postfix/main.cf; yes 0123456789 | tr -d '\n' | head -c %d >>/etc/postfix/main.cf; echo >>/etc/postfix/main.cf`, line)},
		{name: "continued for long", spoil: fmt.Sprintf(`printf 'lab_long =\n' >>/etc/postfix/main.cf; yes '   another.word.of.a.long.value' | head -c %d >>/etc/postfix/main.cf; echo >>/etc/postfix/main.cf`, value)},
		{name: "many parameters", spoil: fmt.Sprintf(`seq %d | sed 's/.*/lab_p& = $lab_p&x/' >>/etc/postfix/main.cf`, parameters)},
		{name: "above 16 MiB", spoil: `yes '# a comment of some length' | head -c 17000000 >>/etc/postfix/main.cf; echo >>/etc/postfix/main.cf`,
			code: 1, says: "larger than 16 MiB"},
		{name: "duplicate keys", short: true, spoil: `printf 'mail_name = a\nmail_name = b\n' >>/etc/postfix/main.cf`},
		{name: "duplicate keys and maillog_file", short: true, spoil: `printf 'lab_a = 1\nlab_a = 2\nlab_b = $lab_a\nlab_b = 1$lab_a\nmail_name = $lab_b\n' >>/etc/postfix/main.cf`,
			code: 1, says: "remove all but the last definition of lab_a, lab_b"},
		{name: "duplicate keys without", spoil: `postfix stop; printf 'maillog_file =\nrelayhost = [old.example]\nlab_a = 1\nlab_a = 2\nlab_b = $lab_a\nlab_b = 1$lab_a\nmail_name = $lab_b\n' >>/etc/postfix/main.cf; postfix start`},
		{name: "NUL", spoil: `printf 'lab_nul = a\000b\n' >>/etc/postfix/main.cf`, code: 1, says: "main.cf: line 48: contains a NUL byte"},
		{name: "byte order mark", spoil: `sed -i '1s/^/\xef\xbb\xbf# mark\n/' /etc/postfix/main.cf`, // Postfix does not read it either
			code: 1, says: "main.cf, line 1"},
		{name: "empty", spoil: `postfix stop; : >/etc/postfix/main.cf`},
		{name: "missing", spoil: `postfix stop; rm /etc/postfix/main.cf`},
		{name: "directory", spoil: `postfix stop; rm /etc/postfix/main.cf; mkdir /etc/postfix/main.cf`, code: 1, says: "main.cf"},
		{name: "main.cf a fifo", spoil: `postfix stop; rm /etc/postfix/main.cf; mkfifo /etc/postfix/main.cf`, code: 1, says: "not a regular file"},
		{name: "planted names", spoil: `echo precious >/root/victim; ln -s /root/victim /etc/postfix/main.cf.tmp; ln -s /root/victim /etc/postfix/sasl_passwd.db.tmp`},
		{name: "may not chown", spoil: `chgrp postfix /etc/postfix/main.cf`, under: `setpriv --bounding-set -chown`, code: 1, says: "with all capabilities"},
		{name: "no capabilities", under: `setpriv --bounding-set -all`, code: 1, says: "with all capabilities"},
		{name: "user namespace", under: `unshare --user --map-root-user`, code: 1, says: "with all capabilities"},
		{name: "acl and attributes", ext4: true, spoil: `setfattr -n user.lab -v 1 /etc/postfix/main.cf 2>/dev/null; chmod 640 /etc/postfix/main.cf; chgrp postfix /etc/postfix/main.cf`},
		{name: "no final newline", spoil: `printf '# the end' >>/etc/postfix/main.cf`},
	} {
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			var opts []lab.Option
			if f.short {
				opts = append(opts, lab.ShortLogQueue())
			}
			s := newServer(t, opts...)
			if f.ext4 {
				s.MountExt4("/etc/postfix", 8<<20)
			}
			s.Shell(f.spoil)
			before := s.Tree("/etc/postfix", "/etc/relayhost", "/srv")
			command := []string{"/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret", f.limit}
			r := s.Run(append(strings.Fields(f.under), command...)...)
			if r.Code != f.code || !strings.Contains(r.Stderr, f.says) {
				t.Errorf("want code %d and %q, got %s", f.code, f.says, r)
			}
			// Files are restored whatever Postfix does.
			if d := before.Diff(s.Tree("/etc/postfix", "/etc/relayhost", "/srv")); f.code == 4 && d != "" {
				t.Errorf("got a difference, want none, since only Postfix could not be told:\n%s", d)
			}
			if f.fix != "" {
				s.Shell(f.fix)
			}
			if f.code == 0 {
				if got := s.Run("postmap", "-q", nextHop, "hash:/etc/postfix/sasl_passwd").Stdout; got != "user:lab-secret\n" {
					t.Errorf("the map: got another answer, of %d bytes, want the login that was stored", len(got))
				}
				s.must(0, "all")
			}
			if d := before.Diff(s.Tree("/etc/postfix", "/etc/relayhost", "/srv")); d != "" {
				t.Errorf("not as before: got\n%s\nwant none", d)
			}
		})
	}
}

// TestLabCrowd starts many runs at once: one works at a time, the others say
// who does, and the result is one whole change or several.
func TestLabCrowd(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var crowd []*lab.Process
	for range 8 {
		crowd = append(crowd, s.Start("/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret"))
	}
	codes := map[int]int{}
	for _, p := range crowd {
		r := p.Wait()
		codes[r.Code]++
		if r.Code == 1 && !strings.Contains(r.Stderr, "another relayhost is running: process ") && !strings.Contains(r.Stderr, ErrStale.Error()) {
			t.Errorf("a run with exit code 1: got %s, want %q or %q on stderr", r, "another relayhost is running: process ", ErrStale)
		}
	}
	if codes[0] == 0 || codes[0]+codes[1] != len(crowd) {
		t.Errorf("got the exit codes %v, want at least one 0, and all of the %d runs 0 or 1", codes, len(crowd))
	}
	s.sound("after " + strconv.Itoa(len(crowd)) + " runs")
	s.must(0, "all")
	s.restored("at the end")
	s.delivered()
	t.Logf("exit codes %v", codes)
}

// TestLabStoppedHolder stops a run with SIGSTOP: it is not robbed of its lock,
// and whoever comes says at once who holds it.
func TestLabStoppedHolder(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := s.Start("/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret", "prove=hang")
	for !strings.Contains(s.ReadFile("/etc/postfix/main.cf"), nextHop) {
		time.Sleep(10 * time.Millisecond)
	}
	if err := p.Kill(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"run", "rollback", "recover"} {
		t.Run(verb, func(t *testing.T) {
			r := s.drive(verb)
			if r.Code != 1 || !strings.Contains(r.Stderr, "another relayhost is running: process ") || r.Took > 10*time.Second {
				t.Errorf("got %s, want code 1 that names the other run", r)
			}
		})
	}
	for _, sig := range []syscall.Signal{syscall.SIGCONT, syscall.SIGTERM} {
		if err := p.Kill(sig); err != nil {
			t.Fatal(err)
		}
	}
	if r := p.Wait(); r.Code != 130 {
		t.Errorf("continued and ended: got %s, want code 130", r)
	}
	s.restored("continued and ended")
}

// TestLabRollbackFaults: a rollback needs no Postfix and no configuration that
// parses, and does nothing where it cannot do all.
func TestLabRollbackFaults(t *testing.T) {
	t.Parallel()
	for _, f := range []struct {
		name, spoil string
		code        int
		says, fix   string
	}{
		{"unparsable", `echo nonsense >>/etc/postfix/main.cf`, 0, "", `sed -i /nonsense/d /etc/postfix/main.cf`},
		{"upgraded", `echo 'lab-new unix - - n - - smtp' >>/etc/postfix/master.cf; sed -i '1s/^/# by the package\n/' /etc/postfix/main.cf`, 0, "",
			`sed -i '/^lab-new/d' /etc/postfix/master.cf; sed -i '/^# by the package/d' /etc/postfix/main.cf`},
		{"no_postfix", `mkdir /root/away && mv /usr/sbin/post* /root/away/`, 0, "", ""},
		{"damaged", `for f in /var/lib/relayhost/history/*/*.before; do echo rotten >$f; done`, 1, "is damaged", "again"},
		{"newer_journal", `sed -i 's/"version": 1/"version": 2/' /var/lib/relayhost/history/*/journal.json`, 1, "version 2", "again"},
		{"no_journal", `rm /var/lib/relayhost/history/*/journal.json`, 1, "journal.json", "again"},
		{"immutable", `chattr +i /etc/postfix/main.cf`, 1, "chattr -i", `chattr -i /etc/postfix/main.cf`},
		{"disk_full", `dd if=/dev/zero of=/etc/postfix/filler bs=1k 2>/dev/null; true`, 1,
			"/etc/postfix is on a disk with", `rm /etc/postfix/filler`},
		{"state_disk_full", `mount -t tmpfs -o size=400k,mode=0700 tmpfs /var/lib/relayhost && cp -a /root/state/. /var/lib/relayhost/ && dd if=/dev/zero of=/var/lib/relayhost/filler bs=1k 2>/dev/null; true`, 1,
			"/var/lib/relayhost is on a disk with", `rm /var/lib/relayhost/filler`},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.MountExt4("/etc/postfix", 8<<20)
			s.tree = s.Tree(restoredPaths...)
			s.must(0, "run")
			s.Shell("cp -a /var/lib/relayhost /root/state")
			s.Shell(f.spoil)
			before := s.Tree(restoredPaths...)
			r := s.drive("rollback")
			if r.Code != f.code || !strings.Contains(r.Stderr, f.says) {
				t.Errorf("want code %d and %q, got %s", f.code, f.says, r)
			}
			if f.code != 0 {
				if d := before.Diff(s.Tree(restoredPaths...)); d != "" {
					t.Errorf("refused, but changed: got\n%s\nwant none", d)
				}
			}
			if f.fix == "again" {
				s.Shell("rm -r /var/lib/relayhost && cp -a /root/state /var/lib/relayhost")
			} else if f.fix != "" {
				s.Shell(f.fix)
			}
			if f.code != 0 {
				s.must(0, "rollback")
			}
			s.restored("rolled back")
			s.must(0, "rollback") // nothing to do
		})
	}
}
