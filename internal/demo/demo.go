// Package demo goes the whole way of setup on this machine alone: an embedded relay
// on 127.0.0.1 and a private Postfix in a temporary directory. The system's Postfix is
// neither changed nor used, and nothing is probed.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/host"
	"relayhost/internal/install"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Options of a demo.
type Options struct {
	Host    *host.Host
	Out     io.Writer // what is shown
	Color   bool      // of the difference
	Verbose bool      // show the difference whole
	Keep    bool      // leave the temporary directory
	Install bool      // install Postfix where it is missing
	Timeout time.Duration
	Report  setup.Reporter
	// Card is the plan on one screen, as setup shows it before its question.
	Card func(setup.Setup) string
	// Delivered shows what became of the test message.
	Delivered func(to string, proven []setup.Delivered)
}

// demo is one run.
type demo struct {
	Options
	dir    string // holds everything, removed at the end
	relay  *smtpd.Server
	port   int
	ca     []byte // of the relay, and where it lies
	caFile string
	// installed says that Postfix was installed for the demo.
	installed bool
}

const (
	demoHost = "localhost"
	demoFrom = "app@example.com"
	demoTo   = "you@example.net"
)

// Run goes the whole way, and back.
func Run(ctx context.Context, o Options) (err error) {
	if os.Geteuid() != 0 {
		return setup.Hint(errors.New("demo runs a private Postfix and must run as root"), "sudo relayhost demo; the system's own Postfix is not touched")
	}
	d := &demo{Options: o}
	state, err := d.postfix(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	if err := d.hostFacts(ctx); err != nil {
		return err
	}
	// /run is root's and passable by all, which Postfix demands of the
	// directories above its own.
	if d.dir, err = os.MkdirTemp("/run", "relayhost-demo-"); err != nil {
		return err
	}
	defer func() {
		if d.Keep {
			fmt.Fprintf(d.Out, "kept: %s\n", d.dir)
			return
		}
		err = errors.Join(err, os.RemoveAll(d.dir))
	}()
	if err := os.Chmod(d.dir, 0o755); err != nil {
		return err
	}
	if err := d.startRelay(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.relay.Close()) }()
	own := instance.Options{
		Dir: filepath.Join(d.dir, "postfix"), Name: instance.DemoName, State: state, Keep: d.Keep,
		Params: map[string]string{"smtp_host_lookup": "native", "myhostname": "server.example.com"},
	}
	if d.Host.SELinuxEnforces() {
		// Postfix may not enter a directory of /run, whatever is in it.
		own.Dir, own.Name = "", fmt.Sprintf("%s-%d", instance.DemoName, os.Getpid())
	}
	private, err := instance.Start(ctx, d.Host, own)
	if err != nil {
		return host.Denied(err)
	}
	defer func() { err = errors.Join(err, private.Close()) }()
	if d.Keep && own.Dir == "" {
		fmt.Fprintf(d.Out, "the private Postfix is kept as well: %s\n", private.ConfigDir)
	}
	d.caFile = filepath.Join(private.ConfigDir, "ca.pem")
	if err := d.Host.WriteFile(d.caFile, d.ca, host.Spec{Mode: 0o644}); err != nil {
		return err
	}
	return d.mainJob(ctx, private)
}

// postfix finds the programs of Postfix, installing them if that was asked for.
func (d *demo) postfix(ctx context.Context) (postfix.State, error) {
	state, err := postfix.Read(ctx, &d.Host.Reader, "")
	var unusable *postfix.ConfigError
	if errors.As(err, &unusable) {
		err = nil // the demo has a configuration of its own
	}
	if err != nil || state.Installed {
		return state, err
	}
	if !d.Install {
		return state, setup.Hint(setup.ErrNoPostfix, "relayhost demo --install installs it: loopback only, not started")
	}
	// Ctrl-C waits for the package manager: half an installation is worse.
	if _, err := install.Postfix(context.WithoutCancel(ctx), d.Host, install.Options{
		Progress: func(t string) { d.Report.Step("%s", t) },
	}); err != nil {
		return state, err
	}
	if err := ctx.Err(); err != nil {
		return state, err
	}
	d.installed = true
	return postfix.Read(ctx, &d.Host.Reader, "")
}

// hostFacts prints what local files tell of this machine.
func (d *demo) hostFacts(ctx context.Context) error {
	facts, err := detect.Run(ctx, detect.Options{Reader: &d.Host.Reader, NoProbe: true, NoMetadata: true})
	if err != nil {
		return err
	}
	fmt.Fprint(d.Out, `This demo runs a relay of its own on 127.0.0.1 and a private Postfix in a
temporary directory. It shows what setup would change, applies it, sends a test
message, shows the message as it arrived, and rolls everything back. The Postfix
of this machine and its mail are not touched, and nothing leaves this machine.
`)
	if facts.Host.Provider != "" {
		d.head("this machine, from local files")
		fmt.Fprintln(d.Out, facts.Lines()[0]) // the host; the ports are not probed
	}
	return nil
}

func (d *demo) head(format string, args ...any) {
	fmt.Fprintf(d.Out, "\n== "+format+"\n", args...)
}

// startRelay brings up the embedded service with a CA of its own, on the same
// port of both loopback addresses.
func (d *demo) startRelay(ctx context.Context) error {
	ca, err := smtpd.NewCA()
	if err != nil {
		return err
	}
	cert, err := ca.Issue(demoHost)
	if err != nil {
		return err
	}
	d.ca = ca.PEM()
	var lc net.ListenConfig
	v4, err := lc.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	d.port = v4.Addr().(*net.TCPAddr).Port
	d.relay = smtpd.New(smtpd.Config{
		Name: demoHost, TLS: smtpd.ServerTLS(cert),
		Accounts: []smtpd.Account{{Username: "demo", Password: demoPassword}},
	})
	d.relay.Start(v4, false)
	// A machine without IPv6 has no ::1.
	if v6, err := lc.Listen(ctx, "tcp6", net.JoinHostPort("::1", strconv.Itoa(d.port))); err == nil {
		d.relay.Start(v6, false)
	}
	return nil
}

// demoPassword is as hard as passwords get that Postfix can store.
var demoPassword = secret.New(`p#a:s{s}"w\o rd$`)

// mainJob is what setup does after its questions, on the private Postfix.
func (d *demo) mainJob(ctx context.Context, private *instance.Instance) error {
	state, err := postfix.Read(ctx, &d.Host.Reader, private.ConfigDir)
	if err != nil {
		return err
	}
	if err := state.ConfirmMapTypes(ctx, &d.Host.Reader); err != nil {
		return err
	}
	state.Load(&d.Host.Reader, plan.Paths(state)...)
	resolver, err := setup.Resolver(&d.Host.Reader, func(name string) string { return state.Params[name] })
	if err != nil {
		return err
	}
	b := setup.Basis{
		Deps:      setup.Deps{Host: d.Host, ConfigDir: private.ConfigDir, StateDir: filepath.Join(d.dir, "state"), Report: d.Report},
		Discovery: setup.Discovery{Before: *config.New().First(), State: state, Resolver: resolver},
	}
	c := config.Config{To: demoTo, Routes: []config.Route{{Name: config.DefaultRoute, From: demoFrom, Hops: []config.Hop{{
		Relay: relays.Smarthost(demoHost, d.port, relays.StartTLS, true), Host: demoHost, Port: d.port, TLS: relays.StartTLS,
		Username: "demo", Password: demoPassword, CAFile: d.caFile,
	}}}}}
	p, err := setup.Build(b, c, false)
	if err != nil {
		return err
	}
	// The Config belongs to the system's own setup.
	p.Files = slices.DeleteFunc(p.Files, func(f plan.File) bool { return f.Path == config.Path })
	s := setup.Setup{Basis: b, Config: c, Plan: p}
	before, err := d.snapshot(private.ConfigDir)
	if err != nil {
		return err
	}
	d.head("the plan, as setup shows it before it asks")
	fmt.Fprint(d.Out, d.Card(s))
	d.head("what changes in the private Postfix")
	fmt.Fprint(d.Out, diff.Plan(s.Plan, diff.Style{Color: d.Color, Brief: !d.Verbose}))
	d.head("applied and proven")
	if err := setup.Preflight(ctx, s, nil); err != nil {
		return err
	}
	out, err := setup.Commit(ctx, s, setup.CommitOptions{Private: &private.Log})
	if err != nil {
		return out.Stated(err)
	}
	d.Delivered(demoTo, out.Proven)
	if err := d.showMessage(ctx); err != nil {
		return err
	}
	return d.rollBack(ctx, s.Deps, before)
}

func (d *demo) showMessage(ctx context.Context) error {
	m, err := d.relay.WaitMessage(ctx)
	if err != nil {
		return err
	}
	d.head("the message as it arrived, over %s", m.Session.TLSVersion)
	for line := range strings.Lines(string(m.Data)) {
		fmt.Fprintln(d.Out, "  "+smtpprobe.Sanitize(strings.TrimRight(line, "\r\n")))
	}
	return nil
}

// rollBack takes the change back and holds the directory against what it was.
func (d *demo) rollBack(ctx context.Context, s setup.Deps, before map[string]string) error {
	d.head("rolled back")
	o := apply.Options{ConfigDir: s.ConfigDir, StateDir: s.StateDir}
	done, err := apply.RollBack(ctx, d.Host, "", o)
	if err != nil {
		return err
	}
	after, err := d.snapshot(s.ConfigDir)
	if err != nil {
		return err
	}
	if len(after) != len(before) {
		return fmt.Errorf("%s holds %d files after the rollback, %d before", s.ConfigDir, len(after), len(before))
	}
	for name, sum := range before {
		if after[name] != sum {
			return fmt.Errorf("%s differs after the rollback", filepath.Join(s.ConfigDir, name))
		}
	}
	fmt.Fprint(d.Out, setup.RolledBack(done))
	fmt.Fprintf(d.Out, "%s is as it was before, byte for byte\n", s.ConfigDir)
	if d.installed {
		fmt.Fprintln(d.Out, "Postfix stays installed, and is not running.")
	}
	fmt.Fprint(d.Out, "\nSet up this server: sudo relayhost setup\n")
	return nil
}

// snapshot maps the files of a directory to their hashes.
func (d *demo) snapshot(dir string) (map[string]string, error) {
	names, err := d.Host.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for _, name := range names {
		data, err := d.Host.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		sums[name] = host.Sum(data)
	}
	return sums, nil
}
