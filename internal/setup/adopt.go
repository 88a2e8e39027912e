package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"relayhost/detect"
	"relayhost/internal/adopt"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// Adopt offers the setup that was made by hand as a Config of ours. from is the
// address that mail of this server is sent from; "" finds one.
func Adopt(ctx context.Context, deps Deps, from string) (adopt.Adoption, error) {
	r := &deps.Host.Reader
	state, err := postfix.Read(ctx, r, deps.ConfigDir)
	if err != nil {
		return adopt.Adoption{}, err
	}
	if !state.Installed {
		return adopt.Adoption{}, Hint(ErrNoPostfix, "relayhost setup --install installs it")
	}
	state.Load(r, adopt.Paths(state)...)
	all, err := Catalog()
	if err != nil {
		return adopt.Adoption{}, err
	}
	offer, err := adopt.Read(state, adopt.Options{Catalog: all, From: from})
	switch {
	case errors.Is(err, adopt.ErrNone):
		return offer, Hint(err, "relayhost setup sets a relay up")
	case errors.Is(err, adopt.ErrOurs):
		return offer, Hint(err, "relayhost status shows it, and relayhost setup --print-config prints its file")
	case err != nil:
		return offer, err
	}
	offer.Questions = append(offer.Questions, stale(r, state)...)
	if m, ok := detect.FindManager(r, state.Main.Bytes()); ok {
		offer.Questions = append(offer.Questions, adopt.Point{
			What: m.Name, Why: fmt.Sprintf("it manages the mail of this host (%s), so that setup needs --force: %s", m.Why, m.Advice),
		})
	}
	return offer, nil
}

// stale names tables of the routes that were changed and not compiled again.
func stale(r *host.Reader, s postfix.State) (points []adopt.Point) {
	for _, name := range []string{
		"smtp_sasl_password_maps", "sender_dependent_relayhost_maps", "sender_dependent_default_transport_maps", "transport_maps", "smtp_tls_policy_maps",
	} {
		for _, t := range postfix.ParseTables(s.Params[name], s.DefaultMap) {
			source, known := s.MapMeta[t.Path]
			if t.Index() == "" || !known {
				continue
			}
			if compiled, err := r.Stat(t.Index()); err == nil && source.Mtime.After(compiled.Mtime) {
				points = append(points, adopt.Point{What: "postmap " + t.String(), Why: "the file was changed after it was compiled: Postfix goes by what it was, and this offer by what it is"})
			}
		}
	}
	return points
}

// MayWriteConfig refuses before anything is read.
func MayWriteConfig(r *host.Reader, force bool) error {
	if os.Geteuid() != 0 {
		return Hint(errors.New(config.Path+" is written by root alone"), "run it with sudo, or leave --write out")
	}
	switch _, err := r.Lstat(config.Path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !force:
		return Hint(errors.New(config.Path+" is there already"), "relayhost adopt without --write prints the offer; --force replaces the file")
	}
	return nil
}

// WriteConfig writes the file of the Config and nothing else.
func WriteConfig(h *host.Host, text []byte, force bool) error {
	if err := h.Mkdir(filepath.Dir(config.Path), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	spec := host.Spec{Mode: 0o644, Expect: host.Absent}
	if force {
		spec.Expect = ""
	}
	return h.WriteFile(config.Path, text, spec)
}
