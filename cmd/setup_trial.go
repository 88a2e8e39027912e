package cmd

import (
	"context"
	"path/filepath"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// useTrialLog has Postfix keep a log for the proof where no other can be read,
// as in a container without syslog.
func (s *setup) useTrialLog(ctx context.Context, o *apply.Options) {
	if s.log != nil || s.flags.noVerify {
		return
	}
	if _, err := postfix.FindLog(ctx, &s.host.Reader, s.state); err == nil {
		return
	}
	if dups := s.plannedDups(); len(dups) > 0 {
		// Postfix warns of them, and with a log of its own hangs on its warnings:
		// postlogd(8) writes them to the socket that it reads.
		s.io.Say("warning: main.cf defines %s twice: Postfix keeps no log for the proof", dups[0])
		return
	}
	o.TrialLog = true
	s.trial = &postfix.Log{File: apply.TrialLog(*o)}
}

// plannedDups are the parameters that main.cf defines twice.
func (s *setup) plannedDups() []string {
	for _, f := range s.plan.Files {
		if filepath.Base(f.Path) != "main.cf" {
			continue
		}
		if main, err := postfix.ParseMain(f.After); err == nil {
			return main.Dups()
		}
	}
	return nil
}

// trialBegins reports whether what Postfix logs comes into the log for the
// proof. The old postlogd(8) may take a line or two yet, and a security module
// may keep the new one from the file.
func (s *setup) trialBegins(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reloadLine)
	defer cancel()
	for ctx.Err() == nil {
		_, _ = s.host.Run(ctx, host.Command{Args: append(s.withConfig("postlog"), "-t", "postfix/relayhost", "proof of delivery")})
		time.Sleep(settle / 10)
		if m, err := s.host.Stat(s.trial.File); err == nil && m.Size > 0 {
			return true
		}
	}
	return false
}
