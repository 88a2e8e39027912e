package lab

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"
)

// mailLog is where Postfix logs (postconf(5), maillog_file) on a server
// without systemd.
const mailLog = "/var/log/mail.log"

// debianName is the host name that Postfix was installed under.
const debianName = "host.example.com"

// mainCF is the distribution's main.cf, with this server's name and log.
func (s *Server) mainCF() ([]byte, error) {
	data, err := os.ReadFile("/etc/postfix/main.cf")
	if err != nil {
		return nil, err
	}
	// The package writes localhost with the host's domain (postfix.postinst).
	_, domain, ok := strings.Cut(s.cfg.hostname, ".")
	if !ok {
		domain = "localdomain"
	}
	data = bytes.ReplaceAll(data, []byte("localhost.example.com"), []byte("localhost."+domain))
	data = bytes.ReplaceAll(data, []byte(debianName), []byte(s.cfg.hostname))
	if s.cfg.log {
		data = append(data, "maillog_file = "+mailLog+"\n"...)
	}
	return data, nil
}

// startMaster does what "postfix start" does on a server with a fresh package of bookworm,
// without its forty programs: the queue's directories as postfix-files(5) has them, the
// environment of postfix(1), and master(8).
const startMaster = `queue=$(postconf -h queue_directory)
daemons=$(postconf -h daemon_directory)
cd "$queue"
install -d -m 755 pid
install -d -o postfix -m 700 active bounce corrupt defer deferred flush hold incoming private saved trace
install -d -o postfix -g postdrop -m 730 maildrop
install -d -o postfix -g postdrop -m 710 public
MAIL_CONFIG=/etc/postfix exec "$daemons/master" -w`

// StartPostfix starts Postfix and fails the test if it does not run then.
func (s *Server) StartPostfix() {
	s.t.Helper()
	start := "postfix start && postfix status" // of trixie it fills the chroot as well
	switch {
	case s.cfg.systemd:
		start = "systemctl start postfix && postfix status"
	case s.cfg.suite == Bookworm:
		start = startMaster
	}
	if r := s.Run("sh", "-e", "-c", start); r.Code != 0 {
		s.t.Fatalf("lab: %s: Postfix does not start: %s\n%s", s.cfg.hostname, r, s.MailLog())
	}
	if s.cfg.log { // postlogd(8) makes it a moment later
		s.Shell("for i in $(seq 100); do [ ! -s " + mailLog + " ] || break; sleep 0.02; done")
	}
}

// MailLog is all that Postfix has logged; "" where there is no log.
func (s *Server) MailLog() string {
	s.t.Helper()
	switch {
	case s.cfg.systemd:
		return s.Run("journalctl", "--no-pager", "-o", "short", "SYSLOG_FACILITY=2").Stdout
	case s.Exists(mailLog):
		return s.ReadFile(mailLog)
	}
	return ""
}

// WaitLog waits until the mail log matches a regular expression and returns
// what matched: the first group, if there is one. It fails the test after a
// minute.
func (s *Server) WaitLog(expr string) string {
	s.t.Helper()
	re := regexp.MustCompile(expr)
	for end := time.Now().Add(runTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.MailLog()); m != nil {
			return m[min(1, len(m)-1)]
		}
	}
	s.t.Fatalf("lab: %s: the mail log never matched %s:\n%s", s.cfg.hostname, expr, s.MailLog())
	return ""
}

// SendMail hands a message to Postfix's sendmail and fails the test if that
// refuses it. body may begin with header lines of its own, ended by a blank
// line; From, To and Subject are set.
func (s *Server) SendMail(from, to, body string) {
	s.t.Helper()
	msg := fmt.Sprintf("From: %s\nTo: %s\nSubject: lab\n", from, to)
	if !strings.Contains(body, "\n\n") {
		msg += "\n"
	}
	if r := s.RunInput(msg+body+"\n", "sendmail", "-i", "-f", from, "--", to); r.Code != 0 {
		s.t.Fatalf("lab: sendmail: %s", r)
	}
}

// Queue lists Postfix's queue, as postqueue -j does: a JSON object a line.
func (s *Server) Queue() string {
	s.t.Helper()
	return s.Shell("postqueue -j")
}

// Flush has all deferred mail tried again. A message whose deferral is in the log may still
// be in the active queue, which a flush leaves alone: it waits for what is at work first,
// ten seconds at most.
func (s *Server) Flush() {
	s.t.Helper()
	s.Shell(`cd /var/spool/postfix
for i in $(seq 100); do [ -n "$(find maildrop incoming active -type f)" ] || break; sleep 0.1; done
postqueue -f`)
}
