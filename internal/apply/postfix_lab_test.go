//go:build lab

package apply

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// server is a test host with a running Postfix and the driver.
type server struct {
	*lab.Server
	t    *testing.T
	old  string // main.cf
	serv string // master.cf
	tree lab.Tree
	sent int
}

// restoredPaths are those of the configuration, and of a rehearsal.
var restoredPaths = []string{"/etc/postfix", "/etc/relayhost", "/etc/passwd", "/etc/group", "/etc/shadow", "/var/lib/postfix-relayhost-bridge",
	"/etc/postfix-relayhost", "/var/spool/postfix-relayhost", "/var/lib/postfix-relayhost", "/var/lib/postfix-relayhost-log"}

func newServer(t *testing.T, opts ...lab.Option) *server {
	t.Helper()
	path, err := driverPath()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Server: lab.New(t, append([]lab.Option{lab.Postfix()}, opts...)...).Server, t: t}
	s.program("/usr/local/bin/apply-driver", string(program))
	s.old, s.serv = s.ReadFile("/etc/postfix/main.cf"), s.ReadFile("/etc/postfix/master.cf")
	s.tree = s.Tree(restoredPaths...)
	return s
}

// program puts an executable file on the server.
func (s *server) program(path, data string) {
	s.t.Helper()
	s.WriteFile(path, data, 0o755)
}

// drive runs the driver and returns its exit code, 137 after SIGKILL.
func (s *server) drive(verb string, args ...string) lab.Result {
	return s.Run(append([]string{"/usr/local/bin/apply-driver", "driver", verb, "password=lab-secret"}, args...)...)
}

func (s *server) must(want int, verb string, args ...string) {
	s.t.Helper()
	if r := s.drive(verb, args...); r.Code != want {
		s.t.Fatalf("%s %v: got %s, want code %d", verb, args, r, want)
	}
}

// changed are the names of the changes of a run and of a rollback. All servers
// are alike.
var changed struct {
	sync.Mutex
	by map[string][]string
}

// thin is a pass over the changes of verb, thinned out to few, and to one of each
// kind where that is asked for.
func (s *server) thin(verb string, few int, kinds bool) pass {
	s.t.Helper()
	if whole() {
		return pass{}
	}
	changed.Lock()
	defer changed.Unlock()
	if changed.by == nil {
		changed.by = map[string][]string{}
		for _, v := range []string{"run", "all"} {
			s.must(0, v, "ops=/root/ops")
			changed.by[v] = strings.Fields(s.ReadFile("/root/ops"))
		}
	}
	names := changed.by[verb]
	if !kinds {
		names = make([]string, len(names))
	}
	return pass{some: spread(names, few)}
}

// sound wants the server to work at this very moment: the texts are old or
// new, Postfix reads them, takes a message, and nobody reads the password.
func (s *server) sound(point string) {
	s.t.Helper()
	if text := s.ReadFile("/etc/postfix/main.cf"); text != s.old && text != withRelay(s.old) {
		s.t.Errorf("%s: main.cf: want the old or the new text, got\n%s", point, text)
	}
	if text := s.ReadFile("/etc/postfix/master.cf"); text != s.serv && text != s.serv+masterAfter {
		s.t.Errorf("%s: master.cf: want the old or the new text, got\n%s", point, text)
	}
	if r := s.Run("postfix", "check"); r.Code != 0 {
		s.t.Errorf("%s: postfix check: got %s, want success", point, r)
	}
	if strings.Contains(s.ReadFile("/etc/postfix/main.cf"), nextHop) {
		if r := s.Run("postmap", "-q", nextHop, "hash:/etc/postfix/sasl_passwd"); r.Stdout != "user:lab-secret\n" {
			s.t.Errorf("%s: main.cf is new: want its map to answer, got %s", point, r)
		}
	}
	found := s.Run("sh", "-c", "grep -rlZ lab-secret /etc /var/lib /run /tmp | xargs -0r -I{} find {} -perm /077")
	if found.Stdout != "" {
		s.t.Errorf("%s: got files that others can read, want none: %s", point, found.Stdout)
	}
	s.SendMail("root@host.example.com", "root@host.example.com", "message "+strconv.Itoa(s.sent))
	s.sent++
}

// delivered wants each message sent so far in the mailbox once.
func (s *server) delivered() {
	s.t.Helper()
	if s.sent == 0 {
		return
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if s.Queue() == "" {
			break
		}
	}
	box := "\n" + s.ReadFile("/var/mail/root")
	for i := range s.sent {
		if n := strings.Count(box, fmt.Sprintf("\nmessage %d\n", i)); n != 1 {
			s.t.Errorf("message %d: got it %d times, want once", i, n)
		}
	}
	s.t.Logf("%d messages sent, each delivered once", s.sent)
}

// restored wants the server as it was found.
func (s *server) restored(point string) {
	s.t.Helper()
	if d := s.tree.Diff(s.Tree(restoredPaths...)); d != "" {
		s.t.Errorf("%s: want all as before, got the difference\n%s", point, d)
	}
}

// TestLabKilledRun kills a setup at its changes to the machine; the next run
// repairs, and another setup and its removal leave no trace.
func TestLabKilledRun(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	points(t, s.thin("run", 4, true), func(n int) bool {
		point := fmt.Sprintf("killed at change %d", n)
		r := s.drive("run", "kill="+strconv.Itoa(n))
		if r.Code != 137 && r.Code != 0 {
			t.Fatalf("%s: got %s, want exit code 0 or 137", point, r)
		}
		s.sound(point)
		s.must(0, "recover")
		if r.Code != 0 && !s.Exists("/var/lib/relayhost/history") {
			s.restored(point)
		}
		if whole() || n == 1 {
			s.must(0, "run")
			s.sound(point + ", run again")
		}
		s.must(0, "all")
		s.restored(point + ", rolled back")
		return r.Code != 0
	})
	s.delivered()
}

// TestLabKilledRollback kills a rollback at its changes to the machine.
func TestLabKilledRollback(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	points(t, s.thin("all", 3, true), func(n int) bool {
		point := fmt.Sprintf("killed at change %d", n)
		s.must(0, "run")
		r := s.drive("all", "kill="+strconv.Itoa(n))
		if r.Code != 137 && r.Code != 0 {
			t.Fatalf("%s: got %s, want exit code 0 or 137", point, r)
		}
		s.sound(point)
		s.must(0, "all")
		s.restored(point + ", rolled back")
		return r.Code != 0
	})
	s.delivered()
}

// TestLabFailedRun has one change to the machine fail in place of a kill.
func TestLabFailedRun(t *testing.T) {
	t.Parallel()
	for _, errno := range []string{"ENOSPC", "EIO"} {
		t.Run(errno, func(t *testing.T) {
			s := newServer(t)
			points(t, s.thin("run", 3, false), func(n int) bool {
				point := fmt.Sprintf("%s at change %d", errno, n)
				ops := s.drive("run", "fail="+strconv.Itoa(n)+":"+errno, "ops=/root/ops")
				if ops.Code != 0 && ops.Code != 1 {
					t.Fatalf("%s: got %s, want exit code 0 or 1", point, ops)
				}
				s.sound(point)
				if ops.Code == 1 {
					s.restored(point)
				}
				s.must(0, "all")
				s.restored(point + ", rolled back")
				return len(strings.Fields(s.ReadFile("/root/ops"))) >= n
			})
			s.delivered()
		})
	}
}

// TestLabWatch kills runs that have the watchdog: nothing else runs,
// and within five seconds the old state is back and Postfix has it.
func TestLabWatch(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	var slowest time.Duration
	points(t, s.thin("run", 3, false), func(n int) bool {
		point := fmt.Sprintf("killed at change %d", n)
		r := s.drive("run", "watch=1m", "kill="+strconv.Itoa(n))
		if r.Code == 0 {
			s.must(0, "all")
			return false
		}
		took := s.watched(point)
		slowest = max(slowest, took)
		s.sound(point)
		s.must(0, "all") // takes away what a kill after the commit leaves
		s.restored(point)
		return true
	})
	s.delivered()
	t.Logf("slowest watch: %s", slowest.Round(time.Millisecond))
}

// watched waits for the watch of a run that was killed, and says how long it
// took. It promises five seconds; a machine busy with other tests gets more.
func (s *server) watched(point string) time.Duration {
	s.t.Helper()
	start := time.Now()
	for s.Exists("/var/lib/relayhost/in-progress") {
		if time.Since(start) > 20*time.Second {
			s.t.Errorf("%s: got no restoring by the watchdog, want it", point)
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(start)
}

// TestLabWatchSystemd ends the unit that a run belongs to, as the end of
// cloud-init or of a session would: the watch has a scope of its own.
func TestLabWatchSystemd(t *testing.T) {
	t.Parallel()
	s := newServer(t, lab.Systemd())
	s.Shell("systemd-run --quiet --unit=job /usr/local/bin/apply-driver driver run password=lab-secret prove=hang watch=1m")
	for !strings.Contains(s.ReadFile("/etc/postfix/main.cf"), nextHop) {
		time.Sleep(20 * time.Millisecond)
	}
	if units := s.Shell("systemctl list-units --plain --no-legend 'relayhost-watch-*.scope'"); !strings.Contains(units, "running") {
		t.Errorf("no scope: got %q, want %q in it", units, "running")
	}
	s.Shell("systemctl kill --signal=KILL job.service")
	t.Logf("restored after %s", s.watched("unit ended").Round(time.Millisecond))
	s.restored("unit ended")
	if r := s.drive("recover"); r.Code != 0 {
		t.Errorf("recover: got %s, want success", r)
	}
	if note := s.ReadFile("/var/lib/relayhost/last-undo.json"); !strings.Contains(note, byWatch) {
		t.Errorf("the note says %s, want %v in it", note, byWatch)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		units := s.Shell("systemctl list-units --plain --no-legend 'relayhost-watch-*.scope'")
		if units == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got the scope still there, want it gone: %s", units)
		}
	}
}

// TestLabMail changes and undoes while a queue is full and more mail comes:
// each message is delivered once.
func TestLabMail(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	waiting, coming := 40, 60
	if whole() {
		waiting, coming = 200, 300
	}
	s.Shell(fmt.Sprintf("postconf -e defer_transports=local && postfix reload && i=0; while [ $i -lt %d ]; do "+
		"printf 'Subject: lab\\n\\nmessage %%d\\n' $i | sendmail -i root@host.example.com; i=$((i+1)); done", waiting))
	s.Shell("postconf -X defer_transports && postfix reload")
	s.old = s.ReadFile("/etc/postfix/main.cf")
	s.tree = s.Tree(restoredPaths...)
	mail := s.Start("sh", "-c", fmt.Sprintf("i=%d; while [ $i -lt %d ]; do "+
		"printf 'Subject: lab\n\nmessage %%d\n' $i | sendmail -i root@host.example.com || exit 1; i=$((i+1)); done", waiting, waiting+coming))
	rounds := 0
	for running := true; running; rounds++ {
		s.must(0, "run")
		s.must(0, "all")
		select {
		case <-mail.Done():
			running = false
		default:
		}
	}
	if r := mail.Wait(); r.Code != 0 {
		t.Errorf("sendmail: got %s, want success", r)
	}
	s.restored("at the end")
	s.Flush()
	s.sent = waiting + coming
	s.delivered()
	t.Logf("%d rounds meanwhile", rounds)
}

// TestLabRounds changes and undoes over and over: the directory stays the same,
// and the state directory does not grow.
func TestLabRounds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	points(t, pass{few: 5, all: 1000}, func(n int) bool {
		s.must(0, "run")
		s.must(0, "rollback")
		if n%100 == 0 || n < 3 {
			s.restored(fmt.Sprintf("after %d rounds", n))
		}
		return true
	})
	s.restored("after all rounds")
	if s.Exists("/var/lib/relayhost") {
		t.Errorf("got the state directory left, want it gone: %s", s.Shell("ls -lR /var/lib/relayhost"))
	}
}
