package cmd

import (
	"context"
	"path/filepath"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
)

// forProof sets what Postfix needs besides for the proof, and loses again.
func (s *setup) forProof(ctx context.Context, o *apply.Options) {
	if s.demo || s.flags.noVerify {
		return
	}
	o.Trial = map[string]string{}
	// postmulti(1) makes instances that take no mail from sendmail(1).
	if users, set := s.state.Params["authorized_submit_users"]; set && users == "" {
		o.Trial["authorized_submit_users"] = "root"
	}
	s.keepLog(ctx, o)
}

// keepLog has Postfix keep a log for the proof where no other can be read, as in
// a container without syslog.
func (s *setup) keepLog(ctx context.Context, o *apply.Options) {
	if _, err := maillog.Find(ctx, &s.host.Reader, s.state); err == nil {
		return
	}
	if dups := s.plannedDups(); len(dups) > 0 {
		// Postfix warns of them, and with a log of its own hangs on its warnings:
		// postlogd(8) writes them to the socket that it reads.
		s.io.Say("warning: main.cf defines %s twice: Postfix keeps no log for the proof", dups[0])
		return
	}
	if s.state.SELinux.LogDenied() {
		s.io.Say("warning: this SELinux policy lets Postfix keep no log for the proof")
		return
	}
	o.TrialLabel = s.state.SELinux.LogLabel
	s.trial = &maillog.Log{File: apply.TrialLog(*o)}
	o.Trial["maillog_file"] = s.trial.File
	o.Trial["maillog_file_prefixes"] = filepath.Dir(s.trial.File)
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
// may keep the new one from the file: lines are few, since they fill its socket
// (net.unix.max_dgram_qlen, 10 by default), and then all of Postfix hangs.
func (s *setup) trialBegins(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, reloadLine)
	defer cancel()
	pause := settle / 3
	for line := time.Now(); ctx.Err() == nil; time.Sleep(settle / 10) {
		if now := time.Now(); !now.Before(line) {
			_, _ = s.host.Run(ctx, host.Command{Args: append(s.withConfig("postlog"), "-t", "postfix/relayhost", "proof of delivery")})
			line, pause = now.Add(pause), pause*4
		}
		if m, err := s.host.Stat(s.trial.File); err == nil && m.Size > 0 {
			return true
		}
	}
	return false
}
