package install

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/plural"
)

// OtherMTA is a mail server, or what stands in for one, that is not Postfix.
type OtherMTA struct {
	Name    string // "Exim"
	Program string // the path that shows it
	Scope   string // what relayhost does about it
	Queue   string // the directory where its mail waits; "" where it keeps none
	Waiting int    // messages in that directory

	mark string // how the name of a file of the queue begins or ends, one a message
}

// others are looked for by the path of their daemon; nullmailer and msmtp-mta
// own /usr/sbin/sendmail without being a server. Directories and names of files as
// their packages in Debian and Fedora have them.
var others = []OtherMTA{
	{Name: "Exim", Program: "/usr/sbin/exim4", Queue: "/var/spool/exim4/input", mark: "-H"},
	{Name: "Exim", Program: "/usr/sbin/exim", Queue: "/var/spool/exim/input", mark: "-H"},
	{Name: "OpenSMTPD", Program: "/usr/sbin/smtpd", Queue: "/var/spool/smtpd/queue"},
	{Name: "sendmail", Program: "/usr/sbin/sendmail-mta", Queue: "/var/spool/mqueue", mark: "qf"},
	{Name: "sendmail", Program: "/usr/lib/sm.bin/sendmail", Queue: "/var/spool/mqueue", mark: "qf"},
	{Name: "nullmailer", Program: "/usr/sbin/nullmailer-send", Queue: "/var/spool/nullmailer/queue"},
	{Name: "msmtp", Program: "/usr/bin/msmtp"},
	{Name: "DragonFly Mail Agent", Program: "/usr/sbin/dma", Queue: "/var/spool/dma", mark: "Q"},
}

// FindOther returns the mail server that is installed in place of Postfix.
func FindOther(r *host.Reader) (OtherMTA, bool) {
	for _, o := range others {
		if _, err := r.Stat(o.Program); err != nil {
			continue
		}
		o.Waiting = o.waiting(r)
		o.Scope = fmt.Sprintf("%s is installed (%s)", o.Name, o.Program)
		if o.Waiting > 0 {
			o.Scope += ", with " + plural.Of(o.Waiting, "message") + " in its queue " + o.Queue
		}
		o.Scope += "; relayhost configures Postfix only"
		return o, true
	}
	return OtherMTA{}, false
}

// waiting counts the messages of a queue that can be read.
func (o OtherMTA) waiting(r *host.Reader) int {
	names, err := r.ReadDir(o.Queue)
	if o.Queue == "" || err != nil {
		return 0
	}
	n := 0
	for _, name := range names {
		if o.mark == "" || strings.HasPrefix(name, o.mark) || strings.HasSuffix(name, o.mark) {
			n++
		}
	}
	return n
}

// Listener reports whether a program listens on TCP port 25 of this host. It
// needs no root.
func Listener(r *host.Reader) bool {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := r.ReadFile(table)
		if err == nil && listens(data) {
			return true
		}
	}
	return false
}

// listens reads a table of proc_pid_net(5): local address and state are the
// second and fourth field, both hexadecimal; 0A is LISTEN.
func listens(table []byte) bool {
	for sc := bufio.NewScanner(bytes.NewReader(table)); sc.Scan(); {
		f := strings.Fields(sc.Text())
		if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], ":0019") {
			return true
		}
	}
	return false
}
