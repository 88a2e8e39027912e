package apply

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// check has this host's own postconf(1) read the staged configuration. Postfix
// has no "nginx -t": this finds what does not parse, what is read as something
// else, and parameters that nothing uses.
func (s *stage) check(ctx context.Context, p plan.Plan) error {
	staged, err := s.postconf(ctx, s.dir, "-n")
	if err != nil {
		return err
	}
	if err := s.hangs(staged); err != nil {
		return err
	}
	for _, f := range p.Files {
		if f.Path == filepath.Join(s.o.configDir(), "main.cf") {
			if err := readBack(f, staged.Stdout); err != nil {
				return err
			}
		}
	}
	if err := s.services(ctx, p); err != nil {
		return err
	}
	// What the live configuration warns of is not ours. One that does not
	// parse is no reason to stop either.
	live, err := s.h.Query(ctx, host.Postconf(s.h.Real(s.o.configDir()), "-n"))
	if err != nil {
		return err
	}
	known := unused(live.Stderr)
	for name := range unused(staged.Stderr) {
		if !known[name] && !s.foundSo(p, name) {
			return fmt.Errorf("this Postfix does not know the parameter %s", name)
		}
	}
	return s.judge(ctx, p)
}

// maxOverridden is how many parameters may be there twice in a main.cf that sets
// maillog_file. Every program of Postfix warns of each when it starts, and so
// does postlogd(8), to the socket that it is about to read: when that is full it
// waits for itself for ever, and all that logs waits with it. About ten programs
// start at once; with a queue of 10, Postfix 3.7 hangs at the second reload with
// three.
func (s *stage) maxOverridden() int { return postfix.LogQueue(&s.h.Reader) / 10 }

// hangs refuses a configuration that Postfix may hang with at a reload.
func (s *stage) hangs(staged host.Output) error {
	logs := false
	for line := range strings.Lines(string(staged.Stdout)) {
		name, value, _ := strings.Cut(line, "=")
		logs = logs || strings.TrimSpace(name) == "maillog_file" && strings.TrimSpace(value) != ""
	}
	var twice []string
	for line := range strings.Lines(string(staged.Stderr)) {
		if _, entry, found := strings.Cut(line, "overriding earlier entry: "); found {
			name, _, _ := strings.Cut(entry, "=")
			twice = append(twice, strings.TrimSpace(name))
		}
	}
	if !logs || len(twice) <= s.maxOverridden() {
		return nil
	}
	return &host.Refusal{Path: filepath.Join(s.o.configDir(), "main.cf"),
		Why: "sets maillog_file and defines parameters twice: at a reload Postfix can hang for ever on its own warnings about that",
		Fix: "remove all but the last definition of " + strings.Join(twice, ", ")}
}

func (s *stage) postconf(ctx context.Context, dir string, args ...string) (host.Output, error) {
	out, err := s.h.Query(ctx, host.Postconf(s.h.Real(dir), args...))
	if err == nil && out.Code != 0 {
		err = fmt.Errorf("postconf refuses the new configuration: %s", out.Fault())
	}
	return out, err
}

// readBack compares what postconf reads with what the plan means, for every
// parameter that changes. postconf prints runs of white space as one blank.
func readBack(f plan.File, printed []byte) error {
	was, err := postfix.ParseMain(f.Before)
	if err != nil { // a broken main.cf may well be what is being fixed
		was, _ = postfix.ParseMain(nil)
	}
	will, err := postfix.ParseMain(f.After)
	if err != nil {
		return &postfix.ConfigError{Path: f.Path, Err: err}
	}
	got := map[string]string{}
	for line := range strings.Lines(string(printed)) {
		if name, value, ok := strings.Cut(line, "="); ok {
			got[strings.TrimSpace(name)] = value
		}
	}
	before := was.Values()
	for name, want := range will.Values() {
		if old, ok := before[name]; ok && old == want {
			continue
		}
		value, ok := got[name]
		if !ok || squeeze(value) != squeeze(want) {
			return fmt.Errorf("postconf reads %s as %q, not as %q", name, squeeze(value), squeeze(want))
		}
	}
	return nil
}

// foundSo reports whether main.cf defined name before as it will after: a macro
// of the administrator's own that only a line that we replace has used.
func (s *stage) foundSo(p plan.Plan, name string) bool {
	for _, f := range p.Files {
		if f.Path != filepath.Join(s.o.configDir(), "main.cf") {
			continue
		}
		was, err1 := postfix.ParseMain(f.Before)
		will, err2 := postfix.ParseMain(f.After)
		if err1 != nil || err2 != nil {
			return false
		}
		before, found := was.Get(name)
		after, stays := will.Get(name)
		return found && stays && before == after
	}
	return false
}

// services compares the entries that postconf finds in master.cf with ours.
func (s *stage) services(ctx context.Context, p plan.Plan) error {
	for _, f := range p.Files {
		if f.Path != filepath.Join(s.o.configDir(), "master.cf") {
			continue
		}
		out, err := s.postconf(ctx, s.dir, "-M")
		if err != nil {
			return err
		}
		found := map[string]bool{}
		for line := range strings.Lines(string(out.Stdout)) {
			if fields := strings.Fields(line); len(fields) > 1 {
				found[fields[0]+"/"+fields[1]] = true
			}
		}
		will, err := postfix.ParseMaster(f.After)
		if err != nil {
			return err
		}
		for _, service := range will.Services() {
			if name := service.Name + "/" + service.Type; !found[name] {
				return fmt.Errorf("postconf does not find the service %s", name)
			}
		}
	}
	return nil
}

// unused lists the parameters of "unused parameter" warnings.
func unused(stderr []byte) map[string]bool {
	names := map[string]bool{}
	for line := range strings.Lines(string(stderr)) {
		if _, rest, ok := strings.Cut(line, "unused parameter: "); ok {
			name, _, _ := strings.Cut(rest, "=")
			names[strings.TrimSpace(name)] = true
		}
	}
	return names
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
