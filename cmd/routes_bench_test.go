//go:build lab

package cmd_test

import (
	"fmt"
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

// figure prints a figure with its bound.
func figure(name string, value, bound float64) {
	verdict := "ok"
	if value > bound {
		verdict = "miss"
	}
	fmt.Printf("figure: %s %.2f <= %g %s\n", name, value, bound, verdict)
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
				t.Fatalf("%d entries: %s", strings.Count(res.Stdout, "\n+@d"), res.Stderr)
			}
			fastest = min(fastest, res.Took)
		}
		seconds[n] = fastest.Seconds()
		fmt.Printf("figure: dry_run_%d_routes_seconds %.2f\n", n, seconds[n])
	}
	figure("dry_run_10000_routes_seconds", seconds[10_000], 1)
	figure("dry_run_10000_routes_to_1000", seconds[10_000]/seconds[1000], 12)
	// It is stopped at its answer by a pipe that nobody empties.
	out := s.Shell(`mkfifo /root/pipe; sleep 60 < /root/pipe & reader=$!
relayhost setup --dry-run --no-probe > /root/pipe 2>/dev/null & pid=$!
sleep 5; grep VmHWM /proc/$pid/status; kill $pid $reader`)
	fields := strings.Fields(out)
	if len(fields) < 2 {
		t.Fatalf("no VmHWM: %q", out)
	}
	kB, _ := strconv.ParseFloat(fields[1], 64)
	figure("dry_run_10000_routes_megabytes", kB*1024/1e6, 100)
}

// TestBenchSetupRoutes compares a set-up without proof of 10,000 routes with one
// of a single relay and what postmap(1) alone takes for the tables.
func TestBenchSetupRoutes(t *testing.T) {
	l := benchLab(t)
	single := l.AddServer(lab.Postfix())
	setUp := func(s *lab.Server, n int) float64 {
		accountFiles(l, s)
		s.WriteFile(answersPath, routesFile(n), 0o644)
		res := s.Do(lab.Command{Args: []string{"relayhost", "setup", "--no-probe", "--no-verify", "--yes", "--json"}, Timeout: 2 * time.Minute})
		if res.Code != 0 || decode[setupResult](t, res).Result != "applied" {
			t.Fatalf("setup: %s", res.Stderr)
		}
		return res.Took.Seconds()
	}
	one := setUp(single, 0)
	for _, n := range []int{10_000, 10_001} {
		took := setUp(l.Server, n)
		l.Server.Shell("cp /etc/postfix/relayhost_by_sender /root/by_sender; touch -d yesterday /etc/postfix/main.cf")
		began := time.Now()
		l.Server.Shell("postmap hash:/root/by_sender")
		alone := time.Since(began).Seconds()
		fmt.Printf("figure: setup_%d_routes_seconds %.2f (one relay %.2f, postmap %.2f)\n", n, took, one, alone)
		figure(fmt.Sprintf("setup_%d_routes_to_postmap", n), took/(one+alone), 1.5)
	}
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
			t.Errorf("one route more changes %d lines of %s:\n%.500s", lines, f.Path, f.Diff)
		}
	}
}
