package instance

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// bridgeConf is the path of the copy of a planned bridge's configuration, which lies
// beside the live ones: the bridge finds it by its name.
func bridgeConf(path string) string {
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	return conf.ConfigPath(conf.Directory, conf.RehearsalName(name))
}

// writeBridge copies the configuration of a bridge. The user and the directory are
// there (apply.PrepareBridge).
func writeBridge(h *host.Host, f plan.File) error {
	m, err := h.Lstat(conf.Directory)
	if err != nil {
		return fmt.Errorf("directory of the bridges: %w", err)
	}
	return h.WriteFile(bridgeConf(f.Path), f.After, host.Spec{Mode: f.Mode, GID: m.GID})
}

// trialEntry makes the entry of a bridge start the copy.
func trialEntry(s postfix.Service) postfix.Service {
	name, ok := plan.BridgeOf(s)
	if !ok {
		return s
	}
	args := append([]string{}, s.Args...)
	args[len(args)-1] = conf.RehearsalName(name)
	s.Args = args
	return s
}

// trialSocket gives the entry of a bridge that systemd runs the name of the socket that
// mail goes to: here spawn(8) starts it.
func trialSocket(routes []plan.Route, s postfix.Service) postfix.Service {
	for _, r := range routes {
		if socket := strings.TrimPrefix(r.Socket(), "private/"); socket != "" && config.BridgeEntry(socket) == s.Name {
			s.Name = socket
		}
	}
	return s
}

// ours reports whether an entry may deliver in a private Postfix: of the programs
// that hand mail to others on this server, those of our bridges alone.
func ours(s postfix.Service) bool {
	return s.Command != "lmtp" && s.Command != "spawn" || strings.HasPrefix(s.Name, plan.ServicePrefix)
}

// removeBridges removes the copies that a rehearsal has left.
func removeBridges(h *host.Host) error {
	names, err := h.ReadDir(conf.Directory)
	if err != nil {
		return nil //nolint:nilerr // no bridges
	}
	var errs []error
	for _, name := range names {
		if base, ok := strings.CutSuffix(name, filepath.Ext(conf.ConfigPath("", ""))); ok && conf.IsRehearsal(base) {
			errs = append(errs, h.Remove(filepath.Join(conf.Directory, name), ""))
		}
	}
	return errors.Join(errs...)
}
