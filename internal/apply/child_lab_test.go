//go:build lab

package apply

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// childFault stands in for Postfix's programs: it counts the children of a run
// in /root/children, and has the one numbered in /root/at die, fail or hang. A
// map compiler that dies leaves what the real one leaves, an empty table. "from"
// goes on from that number.
const childFault = `#!/bin/sh
me=${0##*/}
echo "$me $*" >>/root/children
n=$(wc -l </root/children)
read -r at how </root/at
if [ "$n" = "$at" ] || [ "$how" = from ] && [ "$n" -ge "$at" ]; then
	case $me:$* in postmap:*" hash:"*) [ "$3" = -q ] || : >"${3#*:}.db" ;; esac
	case $how in
	die) kill -9 $$ ;;
	fail) exit 1 ;;
	hang | from) sleep 600 ;;
	esac
fi
exec /usr/sbin/real/"$me" "$@"
`

// TestLabChildren has each child of a run be killed, fail and hang once: the
// run ends in time, and the server is as before or wholly changed.
func TestLabChildren(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"die", "fail", "hang"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			s.Shell("mkdir /usr/sbin/real; cp -a /usr/sbin/post* /usr/sbin/real/")
			for _, name := range []string{"postfix", "postmap", "postconf"} {
				s.program("/usr/sbin/"+name, childFault)
			}
			arm := func(at int) { s.Shell(fmt.Sprintf("rm -f /root/children; echo %d %s >/root/at", at, how)) }
			hit, failed := 0, 0
			arm(0)
			s.must(0, "run")
			var names []string
			for line := range strings.Lines(s.ReadFile("/root/children")) {
				names = append(names, strings.Fields(line)[0])
			}
			s.must(0, "all")
			points(t, pass{some: spread(names, 2)}, func(n int) bool {
				point := fmt.Sprintf("child %d: %s", n, how)
				arm(n)
				r := s.drive("run", "limit=1s")
				children := strings.Count(s.ReadFile("/root/children"), "\n")
				if children >= n {
					hit++
				}
				if r.Code != 0 {
					failed++
				}
				arm(0)
				if r.Code != 0 && r.Code != 1 || r.Took > 10*time.Second {
					t.Errorf("%s: got %s, want exit code 0 or 1 within 10 s", point, r)
				}
				s.sound(point)
				if r.Code != 0 {
					s.restored(point)
				}
				s.must(0, "all")
				s.restored(point + ", rolled back")
				return children >= n
			})
			s.delivered()
			// A pass that goes on may have little left to try.
			if hit >= 4 && failed == 0 {
				t.Errorf("%d children were hit: got no run that failed, want one\n%s", hit, s.ReadFile("/root/children"))
			}
		})
	}
}

// TestLabPostlogBlocked stops postlogd(8) and fills its socket, so that every
// Postfix command that logs blocks for ever in sendto(2). Each child has its
// limit; the files are put back, and what is left to do is said.
func TestLabPostlogBlocked(t *testing.T) {
	t.Parallel()
	s := newServer(t, lab.ShortLogQueue())
	s.Shell(`pkill -STOP -x postlogd && i=0; while timeout 1 postlog -t lab full; do i=$((i+1)); [ $i -lt 2000 ] || exit 1; done`)
	r := s.drive("run", "limit=2s")
	if r.Code != 4 || !strings.Contains(r.Stderr, "the files are as before, but Postfix was not reloaded") || r.Took > 20*time.Second {
		t.Errorf("with a blocked postlogd: got %s, want code 4 within 20 s", r)
	}
	s.restored("blocked")
	s.Shell("pkill -CONT -x postlogd")
	s.must(0, "recover")
	if s.Exists("/var/lib/relayhost/in-progress") {
		t.Error("got the journal left, want it gone")
	}
	s.sound("freed")
	s.must(0, "run")
	s.sound("run again")
	s.must(0, "all")
	s.restored("rolled back")
	s.delivered()
}

// TestLabRandom kills runs at any time, from before they begin until after
// they end, wherever that is.
func TestLabRandom(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	start := time.Now()
	s.must(0, "run", "watch=1m")
	took := time.Since(start)
	s.must(0, "all")
	killed := 0
	points(t, pass{few: 4, all: 200}, func(n int) bool {
		after := time.Duration(rand.Int64N(int64(took * 11 / 10)))
		point := fmt.Sprintf("killed after %s", after)
		p := s.Start("/usr/local/bin/apply-driver", "driver", "run", "password=lab-secret", "watch=1m")
		select {
		case <-p.Done():
		case <-time.After(after):
			if err := p.Kill(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		if r := p.Wait(); r.Code == 137 {
			killed++
		} else if r.Code != 0 {
			t.Errorf("%s: got %s, want exit code 0 or 137", point, r)
		}
		s.watched(point)
		s.sound(point)
		s.must(0, "run") // sweeps what a run without a state directory left
		s.must(0, "all")
		s.restored(point)
		return true
	})
	s.delivered()
	t.Logf("%d killed, a whole run takes %s", killed, took.Round(time.Millisecond))
}
