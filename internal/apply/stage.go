package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// stage is a private directory beside the live configuration, where compiled maps
// are built and the new configuration is read by this host's own Postfix. It
// is in the configuration directory because security policies let postmap(1) write
// there, and nowhere else.
type stage struct {
	h    *host.Host
	o    Options
	dir  string
	maps map[string]step // by the path of the source
}

// stage builds and checks everything that can be without touching a live file.
func newStage(ctx context.Context, h *host.Host, o Options, p plan.Plan, files []step) (*stage, error) {
	s := &stage{h: h, o: o, maps: map[string]step{}}
	if !s.needed(p, files) {
		return s, nil
	}
	if err := s.open(files); err != nil {
		return s, err
	}
	o.say("checking the new configuration with this host's Postfix")
	if err := s.check(ctx, p); err != nil {
		return s, err
	}
	for _, f := range p.Files {
		if mapType, _ := f.Compiled(); mapType == "" {
			continue
		}
		if err := s.build(ctx, f, files); err != nil {
			return s, err
		}
	}
	return s, nil
}

// open makes the directory, with the configuration as it will be in it.
func (s *stage) open(files []step) error {
	if s.dir != "" {
		return nil
	}
	config, err := s.h.Follow(s.o.configDir())
	if err != nil {
		return err
	}
	dir := filepath.Join(config, host.TempName())
	if err := s.h.Mkdir(dir, 0o700); err != nil {
		return err
	}
	s.dir = dir
	return s.copyConfig(files)
}

func (s *stage) needed(p plan.Plan, files []step) bool {
	for _, f := range p.Files {
		if mapType, _ := f.Compiled(); mapType != "" {
			return true
		}
	}
	for _, f := range files {
		if s.o.isConfig(f) {
			return true
		}
	}
	return false
}

// close removes the directory.
func (s *stage) close() {
	if s == nil || s.dir == "" {
		return
	}
	// What stays behind is swept by the next run.
	_ = s.h.RemoveAll(s.dir)
}

// steps is files with each compiled map right after its source: the other way
// round Postfix would warn that the map is older.
func (s *stage) steps(files []step) []step {
	var all []step
	used := map[string]bool{}
	for _, f := range files {
		all = append(all, f)
		if m, ok := s.maps[f.Path]; ok {
			all, used[f.Path] = append(all, m), true
		}
	}
	// Maps whose source stays as it is come first.
	var first []step
	for source, m := range s.maps {
		if !used[source] {
			first = append(first, m)
		}
	}
	return append(first, all...)
}

// copyConfig puts main.cf and master.cf as they will be into the directory.
func (s *stage) copyConfig(files []step) error {
	for _, name := range []string{"main.cf", "master.cf"} {
		path := filepath.Join(s.o.configDir(), name)
		text, err := s.h.ReadFile(path)
		for _, f := range files {
			if f.Path == path {
				text, err = f.After.data, nil
			}
		}
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.write(name, text); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) write(name string, data []byte) error {
	return s.h.WriteFile(filepath.Join(s.dir, name), data, host.Spec{
		Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid(), Mtime: mtime(state{})})
}

// build makes the compiled map of f aside and adds the step that moves it in,
// unless the one that is there is right.
func (s *stage) build(ctx context.Context, f plan.File, files []step) error {
	mapType, _ := f.Compiled()
	index := postfix.Table{Type: mapType, Path: f.Path}.Index()
	if index == "" || filepath.Ext(index) == ".pag" { // dbm makes two files, which cannot change at once
		return fmt.Errorf("%s: a table of type %q cannot be compiled and renamed into place", f.Path, mapType)
	}
	m, err := stepAt(s.h, index)
	if err != nil {
		return err
	}
	m.Source, m.Secret = f.Path, f.Secret
	if f.Action == plan.Remove {
		if m.Before.Exists {
			s.maps[f.Path] = m
		}
		return nil
	}
	m.Map = f.Map // "" for aliases, which nothing looks up while they change
	changed := false
	for _, file := range files {
		changed = changed || file.Path == f.Path && !file.Before.same(file.After)
	}
	stale := f.Recompile && s.stale(f.Path, m.Before)
	if !changed && !stale && m.Before.Exists && s.answers(ctx, mapType+":"+s.h.Real(f.Path), f) == nil {
		m.After = m.Before
	} else if m.After, err = s.compile(ctx, f, m.Before); err != nil {
		return err
	}
	m.After.Anew = stale
	if f.Secret {
		m.After.seal()
	}
	if !m.After.alike(m.Before) {
		s.maps[f.Path] = m
	}
	return nil
}

// stale reports whether what is compiled from source is older. It is written again
// then, though it may say the same: Postfix warns until it is as new.
func (s *stage) stale(source string, compiled state) bool {
	m, err := s.h.Stat(source)
	return err == nil && compiled.Exists && m.Mtime.Sub(compiled.Mtime) > postfix.StaleAfter
}

// compile runs postmap(1), or postalias(1) for aliases(5), on a private copy.
func (s *stage) compile(ctx context.Context, f plan.File, before state) (state, error) {
	s.o.say("compiling " + f.Path)
	name := filepath.Base(f.Path)
	if err := s.write(name, f.After); err != nil {
		return state{}, err
	}
	mapType, program := f.Compiled()
	table := postfix.Table{Type: mapType, Path: filepath.Join(s.h.Real(s.dir), name)}
	if err := runCommand(ctx, s.h, []string{program, "-c", s.h.Real(s.dir), table.String()}); err != nil {
		return state{}, fmt.Errorf("compile %s: %w", f.Path, err)
	}
	// postmap says 0 when it has dropped lines, and a killed one leaves a
	// valid empty table: only what the map answers counts.
	if err := s.answers(ctx, table.String(), f); err != nil {
		return state{}, fmt.Errorf("compile %s: %w", f.Path, err)
	}
	built, err := look(&s.h.Reader, filepath.Join(s.dir, filepath.Base(table.Index())))
	if err != nil || !built.Exists {
		return state{}, fmt.Errorf("compile %s: no compiled table was written: %w", f.Path, errors.Join(err, os.ErrNotExist))
	}
	// Its time is that of the moment when it is moved in, after its source: the
	// proof may lie in between.
	built.Xattrs, built.Mtime = before.Xattrs, time.Time{}
	built.Mode, built.UID, built.GID = f.Mode.Perm(), f.UID, f.GID
	if before.Exists {
		built.Mode, built.UID, built.GID = before.Mode, before.UID, before.GID
	}
	return built, nil
}

// answers looks every key of the source up in a compiled map.
func (s *stage) answers(ctx context.Context, table string, f plan.File) error {
	keys, err := sourceKeys(f)
	if err != nil {
		return err
	}
	wanted := make(map[string]secret.Value, len(f.Keys))
	for key, value := range f.Keys {
		wanted[strings.ToLower(key)] = value
	}
	in := make(map[string]bool, len(keys))
	for _, key := range keys {
		in[key] = true
	}
	for key := range f.Keys {
		if !in[strings.ToLower(key)] {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	found := make(map[string]string, len(keys))
	// What a child says is bounded, so that a large table takes several.
	for some := range slices.Chunk(keys, 10_000) {
		out, err := s.h.Query(ctx, host.PostmapGet(s.h.Real(s.dir), table, some...))
		if err != nil {
			return err
		}
		for key, value := range host.PostmapEntries(out.Stdout) {
			found[strings.ToLower(key)] = value
		}
	}
	for _, key := range keys {
		value, ok := found[strings.ToLower(key)]
		want, exact := wanted[strings.ToLower(key)]
		if !ok || exact && value != want.Reveal() {
			return fmt.Errorf("the compiled table does not have what was written for %q", key)
		}
	}
	return nil
}

// sourceKeys lists the keys of the source of a table, in lower case. Quoted keys, and
// those of aliases(5), are left to File.Keys.
func sourceKeys(f plan.File) ([]string, error) {
	if f.Aliases != "" {
		return nil, nil
	}
	source, err := postfix.ParseSource(f.After)
	if err != nil {
		return nil, err
	}
	keys, _ := source.All()
	return slices.DeleteFunc(keys, func(key string) bool { return strings.Contains(key, `"`) }), nil
}
