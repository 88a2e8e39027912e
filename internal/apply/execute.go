package apply

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"relayhost/internal/host"
)

// serviceTime is how long master(8) may take to listen for a new service.
const serviceTime = 3 * time.Second

// prepare does the steps that must be there before main.cf: tables and services,
// in the state in between where they have one. When services come, when they stop
// to rely on main.cf, or fresh says that nobody knows what Postfix has read last, it
// is told before main.cf changes: a delivery that meets a name without a service
// puts all mail for it off.
func (t *transaction) prepare(ctx context.Context, steps []step, reload func(context.Context) error, fresh bool) error {
	var gained []string
	switches, altered := false, false
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.isMain(s) {
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
		if filepath.Base(s.Path) == "master.cf" && t.isConfig(s) {
			gained = servicesWithout(now.After.data, s.Before.data)
			altered = becomesPrivate(s.Before.data, now.After.data)
		}
		if now.Before.alike(now.After) {
			continue
		}
		if err := t.do(now); err != nil {
			return err
		}
	}
	if err := t.startUnits(ctx, steps); err != nil {
		return err
	}
	if !switches || len(gained) == 0 && !altered && !fresh {
		return nil
	}
	return t.announce(ctx, gained, reload)
}

// announce has master(8) read master.cf, and waits until it listens for names.
func (t *transaction) announce(ctx context.Context, names []string, reload func(context.Context) error) error {
	if t.h.Root != "" {
		return nil
	}
	// One that cannot be asked is told, and that says why.
	if running, err := t.running(ctx); err == nil && !running {
		return nil
	}
	sockets := t.sockets(ctx, names)
	before := map[string]int64{}
	for _, path := range sockets {
		before[path] = t.changed(path)
	}
	if err := reload(ctx); err != nil {
		return err
	}
	for end := time.Now().Add(serviceTime); time.Now().Before(end); {
		waits := false
		for path, was := range before {
			waits = waits || t.changed(path) == was
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
func (t *transaction) sockets(ctx context.Context, names []string) []string {
	queue := t.queueDir(ctx)
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
func (t *transaction) queueDir(ctx context.Context) string {
	out, err := t.h.Query(ctx, host.Postconf(t.h.Real(t.o.configDir()), "-h", "queue_directory"))
	dir := firstLine(out.Stdout)
	if err != nil || out.Code != 0 || !filepath.IsAbs(dir) {
		return ""
	}
	return dir
}

// room wants some on the disk of the queue: with none left Postfix takes no
// message, which the proof would find out too late, and lay on the relay.
func (t *transaction) room(ctx context.Context) error {
	dir := t.queueDir(ctx)
	if m, err := t.h.Stat(dir); dir != "" && err == nil && m.Mode.IsDir() {
		return errors.Join(t.mayTell(ctx, dir), t.h.Room(dir))
	}
	return nil
}

// mayTell wants what it takes to tell Postfix: postsuper(1), a part of every
// reload, becomes the owner of the queue.
func (t *transaction) mayTell(ctx context.Context, queue string) error {
	m, err := t.h.Stat(filepath.Join(queue, "active"))
	if err != nil || queue == "" || t.h.Root != "" {
		return nil //nolint:nilerr // no Postfix that could be told
	}
	return t.h.Become(ctx, m.UID, m.GID)
}

// changed is the time of the last change of path, 0 where there is none.
func (t *transaction) changed(path string) int64 {
	m, err := t.h.Lstat(path)
	if err != nil {
		return 0
	}
	return m.Mtime.UnixNano()
}

// switchOver makes main.cf what it will be: from then on deliveries go the new
// way, as soon as Postfix is told.
func (t *transaction) switchOver(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if !t.isMain(s) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.do(s); err != nil {
			return err
		}
	}
	return nil
}

// tidy takes away what only the old configuration needs, once Postfix works with
// the new one: first the services, when their deliveries have ended, then
// entries of tables, files and directories.
func (t *transaction) tidy(ctx context.Context, steps []step, reload func(context.Context) error) error {
	for _, s := range steps {
		if !t.isConfig(s) || t.isMain(s) || !s.tidies() {
			continue
		}
		lost := lostServices(s)
		if err := t.drain(ctx, lost); err != nil {
			return err
		}
		if err := t.do(s.rest()); err != nil {
			return err
		}
		if err := reload(ctx); err != nil {
			return err
		}
	}
	t.stopUnits(ctx, steps)
	for _, s := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.isConfig(s) || !s.tidies() {
			continue
		}
		if err := t.do(s.rest()); err != nil {
			return err
		}
	}
	t.forgetUnits(ctx, steps)
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
func (t *transaction) isMain(s step) bool {
	return t.isConfig(s) && filepath.Base(s.Path) == "main.cf"
}
