//go:build lab

package cmd_test

import (
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// ownQueue moves the queue to a file system of its own.
const ownQueue = `postfix stop; cp -a /var/spool/postfix /root/queue && mount -t tmpfs -o size=%s,mode=0755 tmpfs /var/spool/postfix &&
	cp -a /root/queue/. /var/spool/postfix/ && postfix start; `

// TestLabOddHosts: what is odd about a host, and no fault of the relay, is
// named as such; nothing is restarted, nor written in vain.
func TestLabOddHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		opts    []lab.Option
		spoil   string
		code    int
		says    []string
		nowhere string // what must not be said
	}{
		{name: "queue full", spoil: strings.ReplaceAll(ownQueue, "%s", "400k") + `dd if=/dev/zero of=/var/spool/postfix/filler bs=1k 2>/dev/null; true`,
			code: 1, says: []string{"/var/spool/postfix is on a disk with 0 KiB left", "df -h /var/spool/postfix", "this server: unchanged"}, nowhere: "writing /etc/postfix"},
		{name: "no inodes in the queue", spoil: strings.ReplaceAll(ownQueue, "%s", "4m,nr_inodes=200") +
			`i=0; while touch /var/spool/postfix/f$i 2>/dev/null; do i=$((i+1)); done`,
			code: 1, says: []string{"/var/spool/postfix is on a disk with 0 inodes left"}, nowhere: "writing /etc/postfix"},
		{name: "queue filled meanwhile", spoil: strings.ReplaceAll(ownQueue, "%s", "4m") + fillAtReload,
			code: 3, says: []string{"No space left on device", "The disk that the queue is on is full; the relay has not been asked", "this server: restored"}},
		{name: "queue elsewhere", spoil: strings.ReplaceAll(ownQueue, "%s", "40m")},
		{name: "restart needed", spoil: `postconf -e inet_protocols=ipv4; cp /var/spool/postfix/pid/master.pid /root/pid`,
			says: []string{"note: inet_protocols was changed in main.cf, and only a restart brings that in"}, nowhere: "starting it"},
		{name: "loopback down", spoil: `ip link set lo down`},
		{name: "no interface", spoil: `ip -br link | while read -r name rest; do ip link set "${name%%@*}" down; done`,
			code: 3, says: []string{"no outgoing connection works from this host, not even to its resolver", "this server: unchanged"}},
		{name: "localhost", opts: []lab.Option{lab.Hostname("localhost")},
			says: []string{"note: myhostname = localhost is not a HELO name that relays accept; this server greets the relay as example.com"}},
		{name: "bad name", spoil: "postconf -e myhostname=localhost.localdomain; postfix reload",
			says: []string{"note: myhostname = localhost.localdomain is not a HELO name"}},
		{name: "one of several instances", spoil: `postmulti -e init && postmulti -I postfix-out -e create && postmulti -i postfix-out -e enable`,
			says: []string{"note: this Postfix has further instances (/etc/postfix-out), which stay as they are: name one with --config-dir"}, nowhere: "starting it"},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			l := newLab(t, append(test.opts, lab.Relay("sendgrid"))...)
			s := l.Server
			credentials(l, "sendgrid", "")
			s.Shell(test.spoil + "\ntrue")
			before := s.Tree(mailConfig...)
			r := l.Run(remove(setupArgs(five[1]), "--json")...)
			if r.Code != test.code {
				t.Errorf("exit code %d, want %d: %s\n%s", r.Code, test.code, r, s.MailLog())
			}
			for _, want := range test.says {
				if !strings.Contains(strings.Join(strings.Fields(r.Stderr), " "), want) {
					t.Errorf("want %q in stderr, got %s", want, r)
				}
			}
			if test.nowhere != "" && strings.Contains(r.Stderr, test.nowhere) {
				t.Errorf("want no %q in stderr, got %s", test.nowhere, r)
			}
			if s.Exists("/root/pid") && s.ReadFile("/root/pid") != s.ReadFile("/var/spool/postfix/pid/master.pid") {
				t.Error("Postfix has another process ID than before, want the same: it was restarted")
			}
			if r.Code == 0 {
				if r := l.Run("relayhost", "rollback", "--all", "--yes"); r.Code != 0 {
					t.Errorf("rollback: want exit code 0, got %s", r)
				}
			}
			if d := before.Diff(s.Tree(mailConfig...)); d != "" {
				t.Errorf("not as before: got\n%s\nwant none", d)
			}
		})
	}
}

// fillAtReload fills the disk of the queue at the first reload.
const fillAtReload = `cp /usr/sbin/postfix /root/postfix; printf '#!/bin/sh\ncase "$*" in *reload*) dd if=/dev/zero of=/var/spool/postfix/filler bs=1k 2>/dev/null;; esac\nexec /root/postfix "$@"\n' >/root/p; chmod 755 /root/p; mount --bind /root/p /usr/sbin/postfix`
