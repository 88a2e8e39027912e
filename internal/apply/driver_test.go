package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// The test binary is also the program that the tests kill: "driver VERB" runs
// one transaction in a process of its own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "watch-transaction":
			os.Exit(WatchMain(context.Background(), os.Args[2:]))
		case "driver":
			os.Exit(drive(os.Args[2:]))
		}
	}
	code := m.Run()
	_ = os.RemoveAll(driverDir)
	os.Exit(code)
}

// driverDir holds the program of driverPath, and is removed at the end.
var driverDir string

// driverPath is this package's test program once more, static and without the race
// detector, which takes several times as long to start: for servers, and for the thousands
// of drivers that are killed. The tests that call Run have the detector.
var driverPath = sync.OnceValues(func() (path string, err error) {
	if driverDir, err = os.MkdirTemp("", "relayhost-driver-"); err != nil {
		return "", err
	}
	path = filepath.Join(driverDir, "driver")
	cmd := exec.Command("go", "test", "-c", "-o", path, "relayhost/internal/apply")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c: %w\n%s", err, said)
	}
	return path, nil
})

// drive reads name=value arguments: root, path, limit (of each child), kill (the
// change to die at), fail (change:ENOSPC), unfit (a service whose configuration
// is judged), prove (ok, fail, hang), watch (a deadline), password, undouble (main.cf
// loses what is defined twice), relay, ops (a file for the names of the changes).
func drive(args []string) int {
	set := map[string]string{}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		set[name] = value
	}
	h := &host.Host{Reader: host.Reader{Root: set["root"], Path: set["path"]}}
	h.Limit, _ = time.ParseDuration(set["limit"])
	ops, kill := []string{}, -1
	if n, err := strconv.Atoi(set["kill"]); err == nil {
		kill = n
	}
	at, what, _ := strings.Cut(set["fail"], ":")
	fail, _ := strconv.Atoi(at)
	errnos := map[string]error{"ENOSPC": syscall.ENOSPC, "EIO": syscall.EIO}
	h.Before = func(op host.Op) error {
		if ops = append(ops, op.Name); len(ops) == kill {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		if len(ops) == fail {
			return errnos[what]
		}
		return nil
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o := Options{ConfigDir: "/etc/postfix", StateDir: "/var/lib/relayhost", Force: set["force"] != ""}
	if set["root"] != "" {
		o.Reload = func(context.Context) error { return nil }
	}
	if set["trial"] != "" {
		o.Override = map[string]string{"maillog_file": ProofLog(o)}
	}
	if set["watch"] != "" {
		self, _ := os.Executable()
		o.Watchdog = []string{self, "watch-transaction"}
		o.Deadline, _ = time.ParseDuration(set["watch"])
	}
	o.Prove = func(ctx context.Context) error {
		switch set["prove"] {
		case "fail":
			return errors.New("the relay said 535")
		case "hang":
			fmt.Println("proving")
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
	var err error
	switch args[0] {
	case "run":
		p := driverPlan(h, set["password"], set["relay"])
		if service := set["unfit"]; service != "" { // else it is not judged
			p.Routes = []plan.Route{{Service: service, Hops: []plan.Hop{{NextHop: nextHop}}}}
		}
		if set["undouble"] != "" {
			dropOverridden(p)
		}
		_, err = Run(ctx, h, p, o)
	case "rollback":
		_, err = RollBack(ctx, h, "", o)
	case "all":
		_, err = RollBackAll(ctx, h, o)
	case "recover":
		_, err = Recover(ctx, h, o)
	}
	if set["ops"] != "" {
		_ = os.WriteFile(set["ops"], []byte(strings.Join(ops, "\n")), 0o600)
	}
	return exit(err)
}

// dropOverridden takes what is defined twice out of the planned main.cf.
func dropOverridden(p plan.Plan) {
	for i, f := range p.Files {
		if filepath.Base(f.Path) != "main.cf" {
			continue
		}
		if main, err := postfix.ParseMain(f.After); err == nil {
			main.DropOverridden()
			p.Files[i].After = main.Bytes()
		}
	}
}

// exit is the exit code of the command line for err.
func exit(err error) int {
	var person *Incomplete
	var proof *ProofFailed
	var ended *Interrupted
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	switch {
	case err == nil, errors.Is(err, ErrNothing):
		return 0
	case errors.As(err, &person):
		return 4
	case errors.As(err, &proof):
		return 3
	case errors.As(err, &ended):
		return 130
	}
	return 1
}

// driver prepares a driver for the tree.
func (tr *tree) driver(verb string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if raced {
		self, err = driverPath()
	}
	if err != nil {
		tr.t.Fatal(err)
	}
	args = append([]string{"driver", verb, "root=" + tr.h.Root, "path=" + tr.h.Path, "password=one"}, args...)
	return exec.CommandContext(tr.t.Context(), self, args...)
}
