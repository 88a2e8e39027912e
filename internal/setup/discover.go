package setup

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/install"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Discovery is what was found out about the host before anything is decided.
type Discovery struct {
	State    postfix.State
	Stored   config.Config // as relayhost.toml says it
	Before   config.Hop    // the first hop of the default route as Stored and Postfix have it; zero for none
	Catalog  []relays.Relay
	Resolver *resolve.Resolver
	// OpenConnections are those that the probe of the ports leaves open for the login; nil
	// where a question may take long.
	OpenConnections *smtpprobe.Connections

	Credentials Credentials // as given; zero until ReadCredentials
	// Facts is nil where nothing was probed. Where nothing can be asked it has the ports
	// alone (Look.Ports): what else was looked for is told when it has come.
	Facts *detect.Facts
}

// Discover reads what is there: the Config of an earlier setup, the lookup tables
// that state names, and the catalogue. state is what postfix.Read has returned.
func Discover(ctx context.Context, deps Deps, state postfix.State, req Request) (d Discovery, err error) {
	r := &deps.Host.Reader
	d.State = state
	if state.Installed && !state.Version.AtLeast(3, 4) {
		return d, Hint(fmt.Errorf("Postfix %d.%d is too old", state.Version.Major, state.Version.Minor), "relayhost needs Postfix 3.4 or later")
	}
	if err := refuseManaged(r, state, req.Force); err != nil {
		return d, err
	}
	if d.Catalog, err = Catalog(); err != nil {
		return d, err
	}
	if d.Stored, err = Stored(r); err != nil {
		return d, err
	}
	if state.Installed {
		if err := d.State.ConfirmMapTypes(ctx, r); err != nil {
			return d, err
		}
	}
	d.State.Load(r, plan.Paths(d.State)...) // the files that Build compares with, and postfix.Read leaves out
	resolved, err := d.Stored.Resolve(d.Find, plan.NextHops(d.State))
	d.Before = *resolved.First()
	switch {
	case err == nil:
	case req.Relay == "" && req.Smarthost == "" && req.Region == "" && req.Port == 0:
		return d, err // else what is wrong may be replaced; it is looked at again then
	}
	d.Resolver, err = Resolver(r, state)
	return d, err
}

// refuseManaged stops where another tool writes the mail configuration.
func refuseManaged(r *host.Reader, s postfix.State, force bool) error {
	if !s.Installed || force {
		return nil
	}
	if m, ok := detect.FindManager(r, s.Main.Bytes()); ok {
		return Hint(fmt.Errorf("%s manages the mail of this host: %s", m.Name, m.Why), "%s; --force continues anyway", m.Advice)
	}
	return nil
}

// Stored reads the Config of an earlier setup, whoever has written it: as the file
// says it, and config.New where there is none.
func Stored(r *host.Reader) (config.Config, error) {
	data, err := r.ReadFile(config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return config.New(), nil
	}
	if err != nil {
		return config.New(), err
	}
	c, err := config.Read(data)
	if err != nil {
		return config.New(), err
	}
	return c, nil
}

// otherAnswers is the instance of Postfix that the file of the Config was last written
// for, "" where that is the one in configDir or nobody knows: there is one file for all.
func otherAnswers(history []apply.Record, configDir string) string {
	for _, c := range history { // the newest first
		if slices.ContainsFunc(c.Files, func(f apply.Change) bool { return f.Path == config.Path }) {
			if c.ConfigDir == configDir {
				return ""
			}
			return c.ConfigDir
		}
	}
	return ""
}

// warnOfAnswers says that a setup goes by what another instance was set up with, and
// replaces that.
func warnOfAnswers(deps Deps, state postfix.State) {
	history, err := apply.History(&deps.Host.Reader, apply.Options{StateDir: deps.StateDir})
	if err != nil { // without root
		return
	}
	if other := otherAnswers(history, state.ConfigDir); other != "" {
		deps.Report.Unproven("%s was last written for the Postfix in %s: what no flag says is read from it, its routes too, and for that in %s it is written again", config.Path, other, state.ConfigDir)
	}
}

// InUse is the stored Config c as this Postfix has it: resolved, and with the
// accounts that its tables hold. missing says that some account is not there.
func InUse(c config.Config, s postfix.State, find config.Catalogue) (used config.Config, missing bool, err error) {
	if used, err = c.Resolve(find, plan.NextHops(s)); err != nil {
		return used, false, err
	}
	accounts := plan.StoredAccounts(s)
	for i := range used.Routes {
		r := &used.Routes[i]
		for n := range r.Hops {
			h := &r.Hops[n]
			if h.Plaintext() {
				continue // whatever a table has for it
			}
			if h.Bridged() {
				stored, ok := accounts.BridgeHop(*h, r.Senders...)
				if missing = missing || !ok; ok {
					fromBridge(h, stored)
				}
				continue
			}
			h.Username, h.Password, _ = accounts.Find(h.NextHop(), r.Senders...)
			missing = missing || h.Password.IsZero()
			if h.Relay.ID == relays.SmarthostID && (i+n == 0 || h.Username != "") {
				h.Relay = relays.Smarthost(h.Host, h.Port, h.TLS, h.Username != "")
			}
		}
	}
	return used, missing, nil
}

// UserCatalog is where administrators keep relays of their own.
const UserCatalog = "/etc/relayhost/relays.d"

// Catalog is ours with the administrator's own relays added or put over it.
func Catalog() ([]relays.Relay, error) {
	all, err := relays.Catalog()
	if err != nil {
		return nil, err
	}
	own, err := relays.LoadDir(UserCatalog)
	if err != nil {
		return nil, err
	}
	return relays.Merge(all, own), nil
}

// Find takes a path to a catalogue file, or the ID of a relay of the catalogue.
func (d Discovery) Find(name string) (relays.Relay, error) { return FindRelay(d.Catalog, name) }

// FindRelay takes a path to a catalogue file, or the ID of a relay of all.
func FindRelay(all []relays.Relay, name string) (relays.Relay, error) {
	if isFile(name) {
		return relays.Load(name)
	}
	return relays.Find(all, name)
}

func isFile(name string) bool {
	return strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".toml")
}

// Resolver asks DNS as smtp(8) does: /etc/hosts counts only where smtp_host_lookup
// names "native", or DNS is not asked at all (smtp_dns_support_level, and
// disable_dns_lookups before it).
func Resolver(r *host.Reader, s postfix.State) (*resolve.Resolver, error) {
	system, err := resolve.System(r)
	level := s.Params["smtp_dns_support_level"]
	native := strings.Contains(s.Params["smtp_host_lookup"], "native") || level == "disabled" ||
		level == "" && strings.EqualFold(s.Params["disable_dns_lookups"], "yes")
	if err != nil || native {
		return system, err
	}
	return system.WithoutHosts(), nil
}

// Roots loads a CA file; nil where path is "", and then nothing verifies.
func Roots(r *host.Reader, path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := r.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		if _, err := x509.ParseCertificate(pem); err == nil {
			return nil, fmt.Errorf("%s is in DER form, and Postfix reads PEM: convert it with openssl x509 -inform der -in %s -out ca.pem", path, path)
		}
		return nil, Hint(fmt.Errorf("%s holds no certificate", path), "install the package ca-certificates, or give --ca-file")
	}
	return pool, nil
}

// detectOptions are those that probe the ports of h, whose relay may be unknown.
func detectOptions(deps Deps, d Discovery, h config.Hop) (o detect.Options, err error) {
	o = detect.Options{Reader: &deps.Host.Reader, Resolver: d.Resolver, HELO: d.State.FQDN, Keep: d.OpenConnections, Advance: func(step string) { deps.Report.Step("%s", step) }}
	if h.Relay.ID != "" && h.Host != "" {
		o.Relay, o.Region, o.Host = &h.Relay, h.Region, h.Host
	}
	o.Roots, err = Roots(&deps.Host.Reader, cmp.Or(h.CAFile, d.State.CAFile))
	return o, err
}

// InstallOptions say how far an installation of Postfix may go.
type InstallOptions struct {
	DryRun     bool // install nothing: the State is that of a fresh Postfix
	ReplaceMTA bool // in place of another mail server
	// Consent is asked once nothing else stands in the way.
	Consent func(context.Context) error
}

// Install installs Postfix after consent; another mail server is found first. It
// returns the State of the new Postfix and the packages that were installed, which
// stay whatever happens.
func Install(ctx context.Context, deps Deps, s postfix.State, o InstallOptions) (postfix.State, []string, error) {
	other, found := install.FindOther(&deps.Host.Reader)
	switch {
	case found && !o.ReplaceMTA && !o.DryRun:
		return s, nil, Hint(errors.New(other.Scope), "--replace-mta installs Postfix in its place, once its queue is empty")
	case found && !o.ReplaceMTA:
		deps.Report.Note("%s", other.Scope)
	case found && other.Waiting > 0 && !o.DryRun:
		return s, nil, Hint(errors.New(other.Scope), "send or move what waits there first: nothing would deliver it any more")
	case !found && install.Listener(&deps.Host.Reader) && !o.ReplaceMTA && !o.DryRun:
		return s, nil, Hint(errors.New("a program that is not Postfix listens on port 25 of this host"),
			"ss -ltnp 'sport = :25' names it; --replace-mta continues anyway")
	}
	if o.DryRun {
		return postfix.Fresh(s), nil, nil
	}
	if err := o.Consent(ctx); err != nil {
		return s, nil, err
	}
	packages, err := install.Postfix(context.WithoutCancel(ctx), deps.Host, install.Options{
		Mailname: s.FQDN, Progress: func(t string) { deps.Report.Step("%s", t) },
	})
	if err != nil {
		return s, nil, err
	}
	deps.Report.Step("installed %s; they stay installed whatever happens now", strings.Join(packages, ", "))
	if err := ctx.Err(); err != nil {
		return s, nil, err // Ctrl-C waits for the package manager
	}
	s, err = postfix.Read(ctx, &deps.Host.Reader, deps.ConfigDir)
	return s, packages, err
}

// Look finds out where this host is and what gets out of it, beside the rest of a setup:
// port 25 may be silent for seconds, and a setup by a relay that was named, without
// questions, needs none of it but the ports of that relay. nil looks at nothing.
type Look struct {
	tried chan []detect.Submission
	done  chan struct{}
	once  sync.Once // the ports have been taken out of tried
	ports []detect.Submission
	facts detect.Facts
	err   error
	told  bool
	whole bool // it was waited for, and the plan knows it
}

// LookAround begins a Look; nil where nothing is to be probed, and where the relay of c
// is the one in use: nothing is to be chosen then. SelectPorts probes the ports of that
// relay.
func LookAround(ctx context.Context, deps Deps, d Discovery, c config.Config, req Request) (*Look, error) {
	if req.NoProbe || d.Before.Relay.ID != "" && d.Before.Relay.ID == c.First().Relay.ID && c.First().Relay.ID != relays.SmarthostID {
		return nil, nil
	}
	o, err := detectOptions(deps, d, *c.First())
	if err != nil {
		return nil, err
	}
	l := &Look{tried: make(chan []detect.Submission, 1), done: make(chan struct{})}
	o.Catalog, o.Domain = d.Catalog, mailaddr.Domain(c.From())
	o.Tried = func(list []detect.Submission) { l.tried <- list }
	go func() {
		defer close(l.done)
		l.facts, l.err = detect.Run(ctx, o)
	}()
	return l, nil
}

// Ports waits until the submission ports have been tried, and is what came of that; nil
// where nothing has been found out.
func (l *Look) Ports() *detect.Facts {
	if l == nil {
		return nil
	}
	l.once.Do(func() {
		select {
		case l.ports = <-l.tried:
		case <-l.done:
			l.ports = l.facts.Submission
		}
	})
	return &detect.Facts{Submission: l.ports}
}

// Whole waits for everything, and tells it.
func (l *Look) Whole(report Reporter) (*detect.Facts, error) {
	if l == nil {
		return nil, nil
	}
	<-l.done
	if l.err != nil {
		return nil, l.err
	}
	l.whole = true
	l.Tell(report)
	return &l.facts, nil
}

// Tell tells what has been found out, once, and only if all of it has been by now.
func (l *Look) Tell(report Reporter) {
	if l == nil || l.told {
		return
	}
	select {
	case <-l.done:
	default:
		return
	}
	if l.told = true; l.err != nil {
		return
	}
	if report.Found(l.facts); !l.whole && l.facts.Port25.Verdict == detect.Open {
		report.Unproven("port 25 is open from this host: no relay is needed to send mail")
	}
}
