// Package instance runs a private Postfix: own configuration, queue and data
// directory, own log, no listener. It is the rehearsal of setup, the Postfix of
// demo, and nothing of the system's Postfix is touched by it.
package instance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Options of an instance.
type Options struct {
	// Dir is one directory for everything, made by Start and removed by Close.
	// Users other than root must be able to pass through its parents, or
	// Postfix cannot reach its data directory. "" makes three directories where
	// postmulti(1) would make them for an instance called Name, so that
	// security labels fit: /etc/postfix-NAME, /var/spool/postfix-NAME,
	// /var/lib/postfix-NAME; or one below /var/lib or /run where those are on a
	// read-only file system.
	Dir   string
	Name  string // "" is defaultName
	State postfix.State
	Plan  plan.Plan
	// Params are set in main.cf beside the planned ones (smtp_host_lookup of
	// the demo, say).
	Params map[string]string
	Keep   bool // leave the directories
	// Routing starts only what answers where mail would go (trivial-rewrite(8) at
	// Rewrite): nothing takes in, queues or delivers mail, and no secret is copied.
	Routing bool
	// Aliases is the table ("type:path") by which mail to users of this host is
	// delivered: aliases to addresses elsewhere, and nothing else. "" delivers none.
	Aliases string
	// Gate lets nothing leave but by services of ours that log in, and lets them log in
	// when it is opened, not before.
	Gate bool
}

// Instance is a running private Postfix.
type Instance struct {
	ConfigDir string
	Log       maillog.Log // the zero Log where it logs nowhere that can be read
	Gate      *Gate       // nil without Options.Gate

	h           *host.Host
	o           Options
	directories directories
	shared      bool              // Log is that of the server's Postfix
	moved       map[string]string // planned tables: their paths, and those of the copies
}

// Rewrite is the socket of the instance's trivial-rewrite(8).
func (i *Instance) Rewrite() string {
	return i.h.Real(filepath.Join(i.directories.queue, "private", "rewrite"))
}

// Verify is the socket of the instance's verify(8).
func (i *Instance) Verify() string {
	return i.h.Real(filepath.Join(i.directories.queue, "private", "verify"))
}

// Live gives a text about this instance (a value of postconf(1), a line of its log)
// the paths of the server's own Postfix: what was copied has its own name again.
func (i *Instance) Live(text string) string {
	for from, to := range i.moved {
		text = strings.ReplaceAll(text, to, from)
	}
	return strings.ReplaceAll(text, i.ConfigDir, i.o.State.ConfigDir)
}

// stopTime bounds each step of stopping.
const stopTime = 10 * time.Second

// marker is a file in the configuration directory that says the directories are ours.
const marker = ".relayhost-instance"

// ErrNotStarted is returned when no private Postfix can be started here.
var ErrNotStarted = errors.New("start a private Postfix")

// Start makes and starts an instance with exactly the planned configuration:
// the maps are copies, the listeners, content filters and milters are left out,
// and nothing bounces. It needs root. What an earlier one of the same name left
// behind is stopped and removed first.
func Start(ctx context.Context, h *host.Host, o Options) (*Instance, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("a private Postfix needs root")
	}
	if o.Name == "" {
		o.Name = defaultName
	}
	if err := o.complete(ctx, h); err != nil {
		return nil, err
	}
	if o.Dir == "" {
		o.Dir = place(&h.Reader, o.Name)
	}
	i := &Instance{h: h, o: o, directories: o.directories()}
	i.ConfigDir = i.directories.config
	i.findLog(ctx)
	if err := i.sweep(); err != nil {
		return nil, err
	}
	if err := i.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrNotStarted, err), i.Close())
	}
	return i, nil
}

// complete asks Postfix for its built-in values where State has none, as on a
// host whose own configuration cannot be used.
func (o *Options) complete(ctx context.Context, h *host.Host) error {
	for name, value := range map[string]*string{"daemon_directory": &o.State.DaemonDir, "mail_owner": &o.State.MailOwner} {
		if *value != "" {
			continue
		}
		out, err := h.Query(ctx, host.Postconf("", "-dh", name))
		if err != nil {
			return err
		}
		*value = strings.TrimSpace(string(out.Stdout))
	}
	return nil
}

// Left reports whether there may be something for Sweep.
func Left(r *host.Reader) bool { return len(abandoned(r)) > 0 }

// Sweep stops and removes the instances of a run that has died. The caller holds
// the lock of the transaction, so that no rehearsal is at work.
func Sweep(h *host.Host) error {
	var errs []error
	for _, o := range abandoned(&h.Reader) {
		i := &Instance{h: h, o: o, directories: o.directories()}
		i.ConfigDir = i.directories.config
		errs = append(errs, i.sweep())
	}
	return errors.Join(errs...)
}

// sweep removes the directories of an instance that was not closed. A directory that
// holds something, but not our marker, is somebody else's; one that holds nothing
// is of a run that died right after making it, or at the end of removing it.
func (i *Instance) sweep() error {
	names, err := i.h.ReadDir(i.directories.config)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	foreign := slices.DeleteFunc(names, host.IsTemp)
	if len(foreign) > 0 && !slices.Contains(names, marker) {
		return fmt.Errorf("%s exists and is not of relayhost: %w", i.directories.config, os.ErrExist)
	}
	return i.remove()
}

func (i *Instance) start(ctx context.Context) error {
	if err := i.makeDirectories(); err != nil {
		return err
	}
	tables, err := i.writeConfig()
	if err != nil {
		return err
	}
	if err := i.makeQueue(); err != nil {
		return err
	}
	if i.o.Gate {
		if i.Gate, err = newGate(i.h.Real(gateSocket(i.directories)), i.o.State.MailOwner, gateTime); err != nil {
			return err
		}
	}
	// Nothing opens a table before there is a message, or a question. "postfix start" is
	// not used: Debian 13 hands it on to systemd, which knows no such instance.
	compiled := make(chan error, 1)
	go func() { compiled <- compile(ctx, i, tables) }()
	err = i.run(ctx, filepath.Join(i.o.State.DaemonDir, "master"), "-c", i.ConfigDir, "-w")
	if cerr := <-compiled; cerr != nil {
		return cerr
	}
	return err
}

func (i *Instance) run(ctx context.Context, args ...string) error {
	out, err := i.h.Run(ctx, host.Command{Args: args})
	if err != nil {
		return err
	}
	if out.Code != 0 {
		said := strings.TrimSpace(string(out.Stderr) + string(out.Stdout))
		if said == "" {
			said = i.lastFault()
		}
		return fmt.Errorf("%s: exit code %d: %s", args[0], out.Code, said)
	}
	return nil
}

// lastFault is what the log says when a program of Postfix said nothing: before
// 3.8 errors go to the log alone when there is no terminal.
func (i *Instance) lastFault() string {
	data, err := i.h.ReadFile(i.Log.File)
	if err != nil || i.shared {
		return "no message"
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for n := len(lines) - 1; n >= 0; n-- {
		if strings.Contains(lines[n], "fatal:") || strings.Contains(lines[n], "error:") {
			return lines[n]
		}
	}
	return lines[len(lines)-1]
}

// Close stops it and removes its directories, whatever state it is in.
func (i *Instance) Close() error {
	i.Gate.close()
	if i.o.Keep {
		return stop(i.h, i.directories)
	}
	return i.remove()
}

func (i *Instance) remove() error {
	if err := stop(i.h, i.directories); err != nil {
		return err
	}
	var errs []error
	if i.o.Name == defaultName { // that of a rehearsal
		errs = append(errs, removeBridges(i.h))
	}
	f := i.directories
	// The configuration goes last, and the marker in it.
	names, err := i.h.ReadDir(f.config)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	gone := []string{f.queue, f.data, f.log}
	for _, name := range names {
		if name != marker {
			gone = append(gone, filepath.Join(f.config, name))
		}
	}
	for _, dir := range append(gone, f.config, i.o.Dir) {
		if dir != "" {
			errs = append(errs, i.h.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// masterPID of the master, 0 when none runs. The file alone does not say: Postfix
// leaves it behind.
func masterPID(h *host.Host, d directories) int {
	data, err := h.ReadFile(filepath.Join(d.queue, "pid", "master.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil || pid <= 1 {
		return 0
	}
	cmdline, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(cmdline), "master\x00-c\x00"+d.config+"\x00") {
		return 0
	}
	return pid
}
