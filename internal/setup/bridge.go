package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"relayhost/internal/apply"
	"relayhost/internal/bridge"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// bridgeHost is what this host has for bridges: the program is the one that runs.
func bridgeHost(r *host.Reader) plan.Bridge {
	b := plan.Bridge{GID: apply.BridgeGID(r)}
	if self, err := os.Executable(); err == nil {
		b.Program = self
	}
	return b
}

// bridgeInUse is bridgeHost with the program that master.cf names now, so that a look
// from another place finds no difference.
func bridgeInUse(r *host.Reader, s postfix.State) plan.Bridge {
	b := bridgeHost(r)
	b.Program = first(plan.BridgeProgram(s), b.Program)
	return b
}

// bridged reports whether a route goes by a bridge.
func (s Setup) bridged() bool {
	for _, r := range s.Config.Routes {
		for _, h := range r.Hops {
			if h.Bridged() {
				return true
			}
		}
	}
	return false
}

// prepareBridges makes what the bridges of the plan need before they can be rehearsed.
// The caller holds the lock. undo takes it away again where no setup follows.
func (s Setup) prepareBridges(ctx context.Context) (undo func(), err error) {
	if !s.bridged() {
		return func() {}, nil
	}
	o := apply.Options{ConfigDir: s.State.ConfigDir, StateDir: s.StateDir, Progress: s.Report.Part}
	undo = func() { apply.TidyBridges(ctx, s.Host, o) }
	if err := reachableByAll(&s.Host.Reader, bridgeHost(&s.Host.Reader).Program); err != nil {
		return undo, err
	}
	if _, _, err = apply.PrepareBridge(ctx, s.Host, o); err == nil {
		err = s.SaveTokens(ctx)
	}
	if err != nil {
		undo()
		return undo, host.Denied(err)
	}
	return undo, nil
}

// reachableByAll wants that the user of the bridges can start a program.
func reachableByAll(r *host.Reader, program string) error {
	if program == "" {
		return errors.New("where this program is on disk is not known, and Postfix has to start it")
	}
	for path := program; path != "/"; path = filepath.Dir(path) {
		m, err := r.Stat(path)
		if err != nil {
			return err
		}
		if m.Mode.Perm()&0o001 == 0 {
			return Hint(fmt.Errorf("Postfix has to start %s as the user %s, and %s is closed to others (mode %04o)", program, bridge.User, path, m.Mode.Perm()),
				"install relayhost where every user can run it: /usr/local/bin")
		}
		if m.UID != 0 {
			return Hint(fmt.Errorf("Postfix has to start %s, and %s belongs to user %d, who could replace it", program, path, m.UID),
				"install relayhost in a directory of root: /usr/local/bin")
		}
	}
	return nil
}

// fromBridge gives h the account that its bridge has stored.
func fromBridge(h *config.Hop, c bridge.Config) {
	if a := c.API; a != nil {
		h.API = config.API{Host: c.Host, Settings: a.Settings, Key: a.Key, AWS: a.AWS}
		if c.OAuth == nil {
			return
		}
	}
	h.Username = c.Username
	if c.OAuth != nil {
		h.SignIn.Secret, h.SignIn.Certificate = c.OAuth.Secret, c.OAuth.Certificate
		h.SignIn.Grant, h.SignIn.ClientID = c.OAuth.Grant, c.OAuth.ID
	}
}
