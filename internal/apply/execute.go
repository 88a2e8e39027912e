package apply

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// serviceTime is how long master(8) may take to listen for a new service.
const serviceTime = 3 * time.Second

// executor does the steps of a change on the server, in the order in which no mail is
// touched, and has Postfix read each.
type executor struct {
	h        *host.Host
	o        Options
	ownsMain bool // main.cf is one of the files that the journal knows
	undoing  bool // by o.ReloadBack, then
}

func newExecutor(h *host.Host, o Options, j journal) executor {
	return executor{h: h, o: o, ownsMain: slices.ContainsFunc(j.Steps, o.isMain)}
}

// prepare does the steps that must be there before main.cf: tables and services,
// in the state in between where they have one. When services come, when they stop
// to rely on main.cf, or fresh says that nobody knows what Postfix has read last, it
// is told before main.cf changes: a delivery that meets a name without a service
// puts all mail for it off.
func (x executor) prepare(ctx context.Context, steps []step, reload func(context.Context) error, fresh bool) error {
	var gained []string
	switches, altered := false, false
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if x.o.isMain(s) {
			switches = true
			continue
		}
		if !s.After.Exists {
			continue
		}
		now := s
		if s.Between != nil {
			now.After = *s.Between
		}
		if filepath.Base(s.Path) == "master.cf" && x.o.isConfig(s) {
			gained = servicesWithout(now.After.data, s.Before.data)
			altered = becomesPrivate(s.Before.data, now.After.data)
		}
		if now.Before.alike(now.After) {
			continue
		}
		if err := x.do(now); err != nil {
			return err
		}
	}
	if err := x.startUnits(ctx, steps); err != nil {
		return err
	}
	if !switches || len(gained) == 0 && !altered && !fresh {
		return nil
	}
	return x.announce(ctx, gained, reload)
}

// announce has master(8) read master.cf, and waits until it listens for names.
func (x executor) announce(ctx context.Context, names []string, reload func(context.Context) error) error {
	if x.h.Root != "" {
		return nil
	}
	// One that cannot be asked is told, and that says why.
	if running, err := x.running(ctx); err == nil && !running {
		return nil
	}
	sockets := sockets(ctx, x.h, x.o, names)
	before := map[string]int64{}
	for _, path := range sockets {
		before[path] = changedAt(x.h, path)
	}
	if err := reload(ctx); err != nil {
		return err
	}
	for end := time.Now().Add(serviceTime); time.Now().Before(end); {
		waits := false
		for path, was := range before {
			waits = waits || changedAt(x.h, path) == was
		}
		if !waits {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil // the reload that follows main.cf makes them known as well
}

// sockets are where master(8) listens for private services: it recreates each
// when it learns of it, over one that an earlier service of that name has left.
func sockets(ctx context.Context, h *host.Host, o Options, names []string) []string {
	queue := queueDir(ctx, h, o)
	if queue == "" {
		return nil
	}
	var paths []string
	for _, name := range names {
		paths = append(paths, filepath.Join(queue, "private", name))
	}
	return paths
}

// queueDir is where Postfix keeps its queue, "" where it does not say.
func queueDir(ctx context.Context, h *host.Host, o Options) string {
	dir, _ := postfix.QueueDir(ctx, h, h.Real(o.configDir()))
	return dir
}

// checkRoom wants some on the disk of the queue: with none left Postfix takes no
// message, which the proof would find out too late, and lay on the relay.
func checkRoom(ctx context.Context, h *host.Host, o Options) error {
	dir := queueDir(ctx, h, o)
	if m, err := h.Stat(dir); dir != "" && err == nil && m.Mode.IsDir() {
		return errors.Join(mayTell(ctx, h, dir), h.Room(dir))
	}
	return nil
}

// mayTell wants what it takes to tell Postfix: postsuper(1), a part of every
// reload, becomes the owner of the queue.
func mayTell(ctx context.Context, h *host.Host, queue string) error {
	m, err := h.Stat(filepath.Join(queue, "active"))
	if err != nil || queue == "" || h.Root != "" {
		return nil //nolint:nilerr // no Postfix that could be told
	}
	return h.Become(ctx, m.UID, m.GID)
}

// changedAt is the time of the last change of path, 0 where there is none.
func changedAt(h *host.Host, path string) int64 {
	m, err := h.Lstat(path)
	if err != nil {
		return 0
	}
	return m.Mtime.UnixNano()
}

// switchOver makes main.cf what it will be: from then on deliveries go the new
// way, as soon as Postfix is told.
func (x executor) switchOver(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if !x.o.isMain(s) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := x.do(s); err != nil {
			return err
		}
	}
	return nil
}

// tidy takes away what only the old configuration needs, once Postfix works with
// the new one: first the services, when their deliveries have ended, then
// entries of tables, files and directories.
func (x executor) tidy(ctx context.Context, steps []step, reload func(context.Context) error) error {
	for _, s := range steps {
		if !x.o.isConfig(s) || x.o.isMain(s) || !s.tidies() {
			continue
		}
		lost := lostServices(s)
		if err := x.drain(ctx, lost); err != nil {
			return err
		}
		if err := x.do(s.rest()); err != nil {
			return err
		}
		if err := reload(ctx); err != nil {
			return err
		}
	}
	x.stopUnits(ctx, steps)
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if x.o.isConfig(s) || !s.tidies() {
			continue
		}
		if err := x.do(s.rest()); err != nil {
			return err
		}
	}
	x.forgetUnits(ctx, steps)
	return nil
}

// tidies reports whether s is not done before tidy.
func (s step) tidies() bool {
	return !s.After.Exists && s.Before.Exists || s.Between != nil && !s.Between.alike(s.After)
}

// rest is s from the state in between on.
func (s step) rest() step {
	if s.Between != nil {
		s.Before = *s.Between
	}
	return s
}

// isMain reports whether s is Postfix's main.cf.
func (o Options) isMain(s step) bool {
	return o.isConfig(s) && filepath.Base(s.Path) == "main.cf"
}
