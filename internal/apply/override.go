package apply

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// proofLogName is a log that Postfix may write during the proof, beside the
// journal, so that an undoing removes it with that.
const proofLogName = "mail.log"

// ProofLog is a maillog_file for Options.Override, which goes with the journal.
func ProofLog(o Options) string { return filepath.Join(o.stateDir(), inProgress, proofLogName) }

// ErrProofLog is what Options.Watch says when Postfix does not write ProofLog.
// The override ends then: with a log that nobody reads out of its socket, every
// Postfix program hangs after some lines (msg_logger(3), unix(7)).
var ErrProofLog = errors.New("Postfix does not write the log for the proof")

// labelProofLog makes the log with the label that lets postlogd(8) write it: in
// the state directory files get one of which Postfix may only pass by.
func (x executor) labelProofLog() error {
	if x.o.ProofLogLabel == "" {
		return nil
	}
	return x.h.WriteFile(ProofLog(x.o), nil, host.Spec{Mode: 0o600, UID: os.Geteuid(), GID: os.Getegid(),
		Xattrs: map[string][]byte{host.SELinuxXattr: []byte(x.o.ProofLogLabel)}})
}

// withOverride gives main.cf another text for the time of the proof. A plan that
// leaves main.cf as it is gets a step for it.
func withOverride(h *host.Host, o Options, steps []step) ([]step, error) {
	if len(o.Override) == 0 || len(steps) == 0 {
		return steps, nil
	}
	path := filepath.Join(o.configDir(), "main.cf")
	i := slices.IndexFunc(steps, func(s step) bool { return s.Path == path })
	if i < 0 {
		s, err := stepAt(h, path)
		if err != nil {
			return nil, err
		}
		s.After = s.Before
		i, steps = len(steps), append(steps, s)
	}
	main, err := postfix.ParseMain(steps[i].After.data)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Override)) {
		main.Set(name, o.Override[name])
	}
	during := steps[i].After
	during.data = main.Bytes()
	during.Sum = host.Sum(during.data)
	steps[i].Override = &during
	return steps, nil
}

// overridden is steps as they are done before the proof.
func overridden(steps []step) []step {
	steps = slices.Clone(steps)
	for i, s := range steps {
		if s.Override != nil {
			steps[i].After = *s.Override
		}
	}
	return steps
}

// overrideOnly reports whether steps do nothing that outlives the proof.
func overrideOnly(steps []step) bool {
	return !slices.ContainsFunc(steps, func(s step) bool { return !s.idle() })
}

// idle reports whether the step leaves nothing changed.
func (s step) idle() bool { return s.Before.alike(s.After) }

// written is what the step has put where now is: the text of the override, or what
// stays. Somebody may have edited either.
func (s step) written(now state) state {
	if s.Override == nil || now.same(s.After) || holdsNone(s.After.data, s.Override.data, now.data) {
		return s.After
	}
	return *s.Override
}

// endOverride puts main.cf as planned in the place of the one for the proof. The
// journal forgets the override after that, and the log goes last: whenever the run
// dies, what is on disk can be undone.
func (x executor) endOverride(ctx context.Context, j *journal) error {
	var left []step
	var copies []string
	for _, s := range j.Steps {
		if s.Override == nil {
			left = append(left, s)
			continue
		}
		back := s
		back.Before = *s.Override
		if err := x.do(back); err != nil {
			return err
		}
		copies = append(copies, s.Override.Copy)
		if s.Override = nil; !s.idle() {
			left = append(left, s)
		} else {
			copies = append(copies, s.Before.Copy, s.After.Copy)
		}
	}
	if copies == nil {
		return nil
	}
	if err := x.reload(ctx); err != nil {
		return err
	}
	dir := filepath.Join(x.o.stateDir(), inProgress)
	j.Steps = left
	if err := j.save(x.h, dir); err != nil {
		return err
	}
	for _, name := range append(copies, proofLogName) {
		if name == "" {
			continue
		}
		if err := x.h.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
