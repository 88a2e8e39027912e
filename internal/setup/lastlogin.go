package setup

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
	"relayhost/internal/verify"
)

// loginFile remembers when the relay took the log-in as it was stored then.
const loginFile = "last-login.json"

// lastLogin is what loginFile holds.
type lastLogin struct {
	ConfigDir string    `json:"config_dir"`
	Time      time.Time `json:"time"`
}

// RememberLogin keeps what a verification that began at a time has seen of the
// log-in.
func RememberLogin(deps Deps, r verify.Report, configDir string, began time.Time) {
	passed, failed := false, false
	for _, f := range r.Findings {
		if f.Check == "auth" {
			passed = passed || f.Result == verify.Pass
			failed = failed || f.Result == verify.Fail || f.Result == verify.Warn
		}
	}
	switch {
	case failed:
		KeepLogin(deps, configDir, time.Time{})
	case passed:
		KeepLogin(deps, configDir, began)
	}
}

// KeepLogin writes the time down, the zero time for none.
func KeepLogin(deps Deps, configDir string, at time.Time) {
	if _, err := deps.Host.Stat(apply.StateDir); err != nil || os.Geteuid() != 0 {
		return
	}
	data, err := json.Marshal(lastLogin{configDir, at.UTC()})
	if err == nil {
		err = deps.Host.WriteFile(filepath.Join(apply.StateDir, loginFile), data, host.Spec{Mode: 0o600})
	}
	if err != nil && !errors.Is(err, host.ErrChanged) { // by another verification, which knows as much
		deps.Report.Warn("could not save for verify that the relay accepted the login: %v", err)
	}
}

// acceptedBefore reports whether the relay has taken the log-in, and nothing that
// decides about it was touched since: main.cf, master.cf, and the password tables.
func acceptedBefore(r *host.Reader, s postfix.State) bool {
	var last lastLogin
	data, err := r.ReadFile(filepath.Join(apply.StateDir, loginFile))
	if err != nil || json.Unmarshal(data, &last) != nil || last.ConfigDir != s.ConfigDir || last.Time.After(time.Now()) {
		return false
	}
	files := []string{filepath.Join(s.ConfigDir, "main.cf"), filepath.Join(s.ConfigDir, "master.cf")}
	tables := postfix.ParseTables(explain.RouteOf(s).Param("smtp_sasl_password_maps"), s.DefaultMap)
	for _, t := range tables {
		if !t.Editable() {
			return false // a service that somebody else keeps
		}
		files = append(files, t.Path)
		if index := t.Index(); index != "" {
			files = append(files, index)
		}
	}
	for _, file := range files {
		m, err := r.Stat(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || m.Ctime.After(last.Time) {
			return false
		}
	}
	return len(tables) > 0
}
