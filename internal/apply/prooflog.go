package apply

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
)

// KeepLog has Postfix keep a log for the time of the proof (maillog_file). It
// returns that log, or why there can be none; plannedMain is main.cf as it will be.
func KeepLog(o *Options, policy postfix.SELinux, plannedMain []byte) (log maillog.Log, why string) {
	if main, err := postfix.ParseMain(plannedMain); err == nil {
		if dups := main.Dups(); len(dups) > 0 {
			// Postfix warns of them, and with a log of its own hangs on its warnings:
			// postlogd(8) writes them to the socket that it reads.
			return log, fmt.Sprintf("main.cf defines %s twice: Postfix keeps no log for the proof", dups[0])
		}
	}
	if policy.LogDenied() {
		return log, "this SELinux policy lets Postfix keep no log for the proof"
	}
	o.ProofLogLabel = policy.LogLabel
	log.File = ProofLog(*o)
	o.Override["maillog_file"] = log.File
	o.Override["maillog_file_prefixes"] = filepath.Dir(log.File)
	return log, ""
}

// How long the kept log may take to begin.
const (
	logBegins = 3 * time.Second
	logPause  = 30 * time.Millisecond
)

// LogBegins reports whether what Postfix logs comes into the log for the proof. The
// old postlogd(8) may take a line or two yet, and a security module may keep the
// new one from the file: lines are few, since they fill its socket
// (net.unix.max_dgram_qlen, 10 by default), and then all of Postfix hangs.
func LogBegins(ctx context.Context, h *host.Host, configDir string, log maillog.Log) bool {
	ctx, cancel := context.WithTimeout(ctx, logBegins)
	defer cancel()
	args := host.WithConfig(configDir, "postlog", "-t", "postfix/relayhost", "proof of delivery")
	pause := 100 * time.Millisecond
	for line := time.Now(); ctx.Err() == nil; time.Sleep(logPause) {
		if now := time.Now(); !now.Before(line) {
			_, _ = h.Run(ctx, host.Command{Args: args})
			line, pause = now.Add(pause), pause*4
		}
		if m, err := h.Stat(log.File); err == nil && m.Size > 0 {
			return true
		}
	}
	return false
}
