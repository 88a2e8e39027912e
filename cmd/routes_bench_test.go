//go:build lab

package cmd_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// fourServices carry the routes of the benchmarks.
var fourServices = []string{"postmark", "brevo", "mailgun", "smtp2go"}

// routesFile has n routes by four services, beside SendGrid by default.
func routesFile(n int) string {
	var b strings.Builder
	b.WriteString("version = 1\nrelay = \"sendgrid\"\nport = 587\nfrom = \"app@example.com\"\ncredentials_file = \"/root/sendgrid.txt\"\n")
	for i := range n {
		id := fourServices[i%len(fourServices)]
		fmt.Fprintf(&b, "\n[[route]]\nname = \"r%05d\"\nsenders = [\"d%05d.example\"]\nrelay = \"%s\"\nport = 587\ncredentials_file = \"/root/%s.txt\"\n", i, i, id, id)
	}
	return b.String()
}

func benchLab(t *testing.T) *lab.Lab {
	t.Helper()
	opts := []lab.Option{lab.Relay("sendgrid"), lab.Postfix()}
	for _, id := range fourServices {
		opts = append(opts, lab.Relay(id))
	}
	return lab.New(t, opts...)
}

func accountFiles(l *lab.Lab, s *lab.Server) {
	for _, id := range append([]string{"sendgrid"}, fourServices...) {
		r := l.World.Relay(id)
		s.WriteFile("/root/"+id+".txt", "username="+r.Username+"\npassword="+r.Password+"\n", 0o600)
	}
}

// TestBenchDryRunRoutes is how long one waits for the differences of many routes,
// and the memory that it takes.
func TestBenchDryRunRoutes(t *testing.T) {
	l := benchLab(t)
	s := l.Server
	accountFiles(l, s)
	seconds := map[int]float64{}
	for _, n := range []int{100, 1000, 10_000} {
		s.WriteFile(answersPath, routesFile(n), 0o644)
		fastest := time.Hour
		for range 5 {
			res := l.Run("relayhost", "setup", "--dry-run", "--no-probe")
			if res.Code != 0 || strings.Count(res.Stdout, "\n+@d") != n {
				t.Fatalf("got %d entries: %s, want %d", strings.Count(res.Stdout, "\n+@d"), res.Stderr, n)
			}
			fastest = min(fastest, res.Took)
		}
		seconds[n] = fastest.Seconds()
		fmt.Printf("figure: dry_run_%d_routes_seconds %.2f\n", n, seconds[n])
	}
	lab.AtMost(t, "dry_run_10000_routes_seconds", seconds[10_000], 1)
	lab.AtMost(t, "dry_run_10000_routes_to_1000", seconds[10_000]/seconds[1000], 12)
	// It is stopped at its answer by a pipe that nobody empties.
	out := s.Shell(`mkfifo /root/pipe; sleep 60 < /root/pipe & reader=$!
relayhost setup --dry-run --no-probe > /root/pipe 2>/dev/null & pid=$!
sleep 5; grep VmHWM /proc/$pid/status; kill $pid $reader`)
	fields := strings.Fields(out)
	if len(fields) < 2 {
		t.Fatalf("got no VmHWM, want one in %q", out)
	}
	kB, _ := strconv.ParseFloat(fields[1], 64)
	lab.AtMost(t, "dry_run_10000_routes_megabytes", kB*1024/1e6, 100)
}

// TestBenchSetupRoutes compares a setup without proof of 10,000 routes with one
// of a single relay and what postmap(1) alone takes for the tables.
func TestBenchSetupRoutes(t *testing.T) {
	l := benchLab(t)
	setUp := func(s *lab.Server, n int) float64 {
		accountFiles(l, s)
		s.WriteFile(answersPath, routesFile(n), 0o644)
		res := s.Do(lab.Command{Args: []string{"relayhost", "setup", "--no-probe", "--no-verify", "--yes", "--json"}, Timeout: 2 * time.Minute})
		if res.Code != 0 || decode[setupResult](t, res).Result != "applied" {
			t.Fatalf("setup: want exit code 0 and the result %q, got %s", "applied", res.Stderr)
		}
		return res.Took.Seconds()
	}
	// The fastest of three servers: what else the machine does is no cost of a setup.
	const servers = 3
	one, fastest := math.Inf(1), map[int]float64{10_000: math.Inf(1), 10_001: math.Inf(1)}
	for i := range servers {
		one = min(one, setUp(l.AddServer(lab.Postfix()), 0))
		s := l.Server
		if i < servers-1 {
			s = l.AddServer(lab.Postfix())
		}
		for _, n := range []int{10_000, 10_001} {
			fastest[n] = min(fastest[n], setUp(s, n))
			s.Shell("touch -d yesterday /etc/postfix/main.cf")
		}
	}
	l.Server.Shell("cp /etc/postfix/relayhost_by_sender /root/by_sender")
	began := time.Now()
	l.Server.Shell("postmap hash:/root/by_sender")
	alone := time.Since(began).Seconds()
	for n, took := range fastest {
		fmt.Printf("figure: setup_%d_routes_seconds %.2f (one relay %.2f, postmap %.2f)\n", n, took, one, alone)
	}
	lab.AtMost(t, "setup_10000_routes_to_postmap", fastest[10_000]/(one+alone), 1.5)
	lab.AtMost(t, "setup_10001_routes_to_postmap", fastest[10_001]/(one+alone), 1.5)
	s := l.Server
	s.WriteFile(answersPath, routesFile(10_002), 0o644)
	res := l.Run("relayhost", "setup", "--dry-run", "--no-probe", "--json")
	for _, f := range decode[setupResult](t, res).Files {
		lines := 0
		for line := range strings.Lines(f.Diff) {
			if (line[0] == '+' || line[0] == '-') && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "---") {
				lines++
			}
		}
		if f.Action != "none" && lines != 1 {
			t.Errorf("one route more changes %d lines of %s, want 1:\n%.500s", lines, f.Path, f.Diff)
		}
	}
}

// TestBenchSetupMaps is what ten thousand routes cost beside one, in each map
// type, against what postmap(1) takes for their table: wall clock, and the
// processor's time of relayhost and its children, which another program on the
// machine does not lengthen. The best of three counts.
func TestBenchSetupMaps(t *testing.T) {
	l := benchLab(t)
	for _, kind := range []string{"hash", "btree", "lmdb"} {
		s := l.AddServer(lab.Postfix(), lab.Packages("postfix-lmdb"))
		accountFiles(l, s)
		s.Run("relayhost", "version") // which puts it there
		setUp := func(n int) (wall, cpu float64) {
			file := strings.Replace(routesFile(n), "port = 587\n", "port = 587\nmap_type = \""+kind+"\"\n", 1)
			s.WriteFile(answersPath, file, 0o644)
			wall, cpu = took(t, s, "relayhost setup --no-probe --no-verify --yes")
			s.Shell("cp /etc/postfix/relayhost_by_sender /root/by_sender; relayhost rollback --all --yes")
			return wall, cpu
		}
		best := func(run func() (float64, float64)) (wall, cpu float64) {
			wall, cpu = run()
			for range 2 {
				w, c := run()
				wall, cpu = min(wall, w), min(cpu, c)
			}
			return wall, cpu
		}
		one, oneCPU := best(func() (float64, float64) { return setUp(1) })
		many, manyCPU := best(func() (float64, float64) { return setUp(10_000) })
		s.Shell("touch -d yesterday /etc/postfix/main.cf")
		alone, aloneCPU := best(func() (float64, float64) {
			s.Shell("rm -f /root/by_sender.*")
			return took(t, s, "postmap "+kind+":/root/by_sender")
		})
		fmt.Printf("figure: setup_10000_routes_%s_seconds %.2f (cpu %.2f; one route %.2f, cpu %.2f; postmap %.3f, cpu %.3f)\n",
			kind, many, manyCPU, one, oneCPU, alone, aloneCPU)
		fmt.Printf("figure: setup_10000_routes_%s_more_to_postmap %.1f (cpu %.1f)\n", kind, (many-one)/alone, (manyCPU-oneCPU)/aloneCPU)
		lab.AtMost(t, "setup_10000_routes_"+kind+"_to_one_and_postmap", many/(one+alone), 1.5)
	}
}

// took is how long a command line takes on s, and the time of the processor, in
// seconds.
func took(t *testing.T, s *lab.Server, line string) (wall, cpu float64) {
	t.Helper()
	res := s.Do(lab.Command{Args: []string{"bash", "-c", "TIMEFORMAT='took %3R %3U %3S'; time " + line}, Timeout: 2 * time.Minute})
	_, after, _ := strings.Cut(res.Stderr, "took ")
	var user, system float64
	if _, err := fmt.Sscanf(after, "%f %f %f", &wall, &user, &system); err != nil || res.Code != 0 {
		t.Fatalf("%s: want exit code 0 and three times, got the error %v of %s", line, err, res)
	}
	return wall, user + system
}
