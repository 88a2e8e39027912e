//go:build lab

package plan_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/lab"
	"relayhost/internal/plan"
)

// TestBenchRoutes plans for 100, 1,000 and 10,000 routes, the most of them in a
// process of its own whose memory can be told.
func TestBenchRoutes(t *testing.T) {
	if os.Getenv("BENCH_ROUTES") != "" {
		n, _ := strconv.Atoi(os.Getenv("BENCH_ROUTES"))
		st, o := debian(t).state(t), routed(hop(t, "ses", 587, "ses"), manyAccounts(t, n)...)
		began := time.Now()
		p, err := plan.Build(plan.Server{State: st}, o)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("took %f for %d\n", time.Since(began).Seconds(), len(p.Routes))
		return
	}
	seconds, megabytes := map[int]float64{}, 0.0
	for _, n := range []int{100, 1000, 10_000} {
		for range 3 { // the best counts: what else the machine does is not ours
			cmd := exec.Command(os.Args[0], "-test.run=^TestBenchRoutes$", "-test.v")
			cmd.Env = append(os.Environ(), fmt.Sprint("BENCH_ROUTES=", n))
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("planning %d routes in a process of its own: got %v, want no error\n%s", n, err, out)
			}
			var took float64
			var routes int
			_, after, _ := strings.Cut(string(out), "took ")
			if _, err := fmt.Sscanf(after, "%f for %d", &took, &routes); err != nil || routes != n+1 {
				t.Fatalf("%d routes, %v: %s, want %d", routes, err, out, n+1)
			}
			if was := seconds[n]; was == 0 || took < was {
				seconds[n] = took
			}
			megabytes = max(megabytes, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1024)
		}
	}
	lab.AtMost(t, "routes_10k_seconds", seconds[10_000], 0.5)
	lab.AtMost(t, "routes_10k_megabytes", megabytes, 100)
	lab.AtMost(t, "routes_10k_to_1k", seconds[10_000]/seconds[1000], 15)
}

// TestBenchRoutesApply compares a transaction for 10,000 routes, on a new host
// and where one route is added, with one for a single relay and what postmap(1)
// alone takes for the tables.
func TestBenchRoutesApply(t *testing.T) {
	l := lab.New(t, lab.Postfix(), lab.Relay("ses"), lab.Relay("mailgun"))
	ses, mailgun := l.World.Relay("ses"), l.World.Relay("mailgun")
	var routes []any
	for i := range 10_001 {
		name := fmt.Sprintf("shop%d", i)
		routes = append(routes, routeTo(name, []string{name + ".example"}, as(mailgun, name)))
	}
	one := applied(t, l.AddServer(lab.Postfix()), by(ses))
	for _, test := range []struct {
		name string
		n    int
	}{{"new", 10_000}, {"one_more", 10_001}} {
		took := applied(t, l.Server, by(ses, routes[:test.n]...))
		l.Server.Shell("cp /etc/postfix/relayhost_by_sender /root/a; cp /etc/postfix/relayhost_passwd_by-sender-mailgun-587 /root/b; touch -d yesterday /etc/postfix/main.cf")
		began := time.Now()
		l.Server.Shell("postmap hash:/root/a && postmap hash:/root/b")
		alone := time.Since(began).Seconds()
		fmt.Printf("figure: routes_apply_%s_seconds %.2f (one relay %.2f, postmap of both tables %.2f)\n", test.name, took, one, alone)
		lab.AtMost(t, "routes_apply_"+test.name+"_to_postmap", took/(one+alone), 1.5)
	}
}

// applied is how long the transaction takes on s, in seconds.
func applied(t *testing.T, s *lab.Server, a answers) float64 {
	t.Helper()
	program, err := onserver()
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	s.WriteFile("/root/onserver", string(program), 0o755)
	r := s.Do(lab.Command{Args: []string{"/root/onserver", "apply"}, Stdin: string(input), Timeout: time.Minute})
	took, err := strconv.ParseFloat(strings.TrimSpace(r.Stdout), 64)
	if err != nil || r.Code != 0 {
		t.Fatalf("apply: got %s, want exit code 0 and a number of seconds on stdout", r)
	}
	return took
}
