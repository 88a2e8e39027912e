package cmd

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"relayhost/detect"
	"relayhost/internal/apply"
	"relayhost/internal/install"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/verify"
	"relayhost/relays"
)

// readPostfix reads the Postfix that is there, installing it after consent,
// and the answers of an earlier set-up.
func (s *setup) readPostfix(ctx context.Context) (err error) {
	r := &s.host.Reader
	if s.state, err = postfix.Read(ctx, r, s.configDir); err != nil {
		return err
	}
	if !s.state.Installed {
		if err := s.installPostfix(ctx); err != nil {
			return err
		}
	}
	if s.state.Installed && !s.state.Version.AtLeast(3, 4) {
		return hint(fmt.Errorf("Postfix %d.%d is too old", s.state.Version.Major, s.state.Version.Minor), "relayhost needs Postfix 3.4 or later")
	}
	if err := s.refuseManaged(); err != nil {
		return err
	}
	if err := s.readFile(); err != nil {
		return err
	}
	s.resolver, err = s.app.resolver(s.state)
	return err
}

// readAnswers reads what an earlier set-up was told; the zero Answers when
// there was none.
func (a *app) readAnswers() (plan.Answers, error) {
	data, err := a.host.ReadFile(plan.AnswersPath)
	if errors.Is(err, fs.ErrNotExist) {
		return plan.Answers{}, nil
	}
	if err != nil {
		return plan.Answers{}, err
	}
	debug.SetMemoryLimit(max(debug.SetMemoryLimit(-1), plan.MemoryFor(len(data))))
	return plan.ReadAnswers(data)
}

// installPostfix installs Postfix after consent. Another mail server is found
// first.
func (s *setup) installPostfix(ctx context.Context) error {
	other, found := install.FindOther(&s.host.Reader)
	switch {
	case found && !s.flags.replaceMTA:
		err := hint(errors.New(other.Scope), "--replace-mta installs Postfix in its place, once its queue is empty")
		if !s.flags.dryRun {
			return err
		}
		s.io.Tell("note: ", "%s", other.Scope)
	case found && other.Waiting > 0 && !s.flags.dryRun:
		return hint(errors.New(other.Scope), "send or move what waits there first: nothing would deliver it any more")
	case !found && install.Listener(&s.host.Reader) && !s.flags.replaceMTA && !s.flags.dryRun:
		return hint(errors.New("a program that is not Postfix listens on port 25 of this host"),
			"ss -ltnp 'sport = :25' names it; --replace-mta goes on all the same")
	}
	if s.flags.dryRun {
		s.io.Tell("", "Postfix is not installed: the difference is against what the distribution installs")
		s.state = postfix.Fresh(s.state)
		return nil
	}
	if err := s.consentToInstall(ctx); err != nil {
		return err
	}
	if s.limit != nil { // a slow mirror is no reason to stop half way
		defer s.limit.pause()()
	}
	done, err := install.Postfix(context.WithoutCancel(ctx), s.host, install.Options{
		Quiet: true, Mailname: s.state.FQDN, Progress: func(t string) { s.progress("%s", t) },
	})
	if err != nil {
		return err
	}
	s.installed = done.Packages
	s.progress("installed %s; they stay installed whatever happens now", strings.Join(done.Packages, ", "))
	s.io.Done()
	if err := ctx.Err(); err != nil {
		return err // Ctrl-C waits for the package manager
	}
	s.state, err = postfix.Read(ctx, &s.host.Reader, s.configDir)
	return err
}

func (s *setup) consentToInstall(ctx context.Context) error {
	how := "relayhost setup --install installs it"
	switch {
	case s.flags.noInstall:
		return hint(errNoPostfix, "install it, or leave --no-install out")
	case s.flags.install:
		return nil
	case !s.canAsk():
		return hint(errNoPostfix, "%s", how)
	}
	p, err := s.ask(ctx, "Postfix is not installed; the answer", "--install")
	if err != nil {
		return err
	}
	s.io.Tell("", "Postfix, the mail server that relayhost configures, is not installed. It would listen on this host alone (inet_interfaces = loopback-only).")
	yes, err := p.Confirm("Install Postfix now?")
	if err == nil && !yes {
		err = hint(errNoPostfix, "%s", how)
	}
	return err
}

var errNoPostfix = errors.New("Postfix is not installed")

// caFile is the file that the relay's certificate is verified with: the
// flag's, or the distribution's.
func (s *setup) caFile() string { return first(s.answers.CAFile, s.state.CAFile) }

// roots loads caFile; nil where there is none, and then nothing verifies.
func (a *app) roots(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	pem, err := a.host.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, hint(fmt.Errorf("%s holds no certificate", path), "install the package ca-certificates, or give --ca-file")
	}
	return pool, nil
}

// look finds out where we are and what gets out.
func (s *setup) look(ctx context.Context) error {
	if s.flags.noProbe {
		return nil
	}
	o, err := s.detectOptions()
	if err != nil {
		return err
	}
	facts, err := detect.Run(ctx, o)
	if err != nil {
		return err
	}
	s.facts = &facts
	s.io.Done()
	if !s.json {
		s.io.Say("")
		for _, line := range facts.Brief(s.io.Width()) {
			s.io.Say("%s", line)
		}
		s.io.Say("")
	}
	return nil
}

// choosePort takes the port that was asked for, the configured one if it still
// works, or the first in the service's order that completes greeting, EHLO
// and verified TLS and offers AUTH.
func (s *setup) choosePort(ctx context.Context) error {
	r := s.answers.Relay
	if s.flags.port != "auto" {
		s.answers.Port, _ = strconv.Atoi(s.flags.port)
		mode, ok := r.TLSOf(s.answers.Port)
		if !ok {
			return usageError{fmt.Errorf("%s has no port %d", r.Name, s.answers.Port), "its ports are " + portList(r)}
		}
		s.answers.TLS = mode
		return nil
	}
	order := r.PortOrder()
	if s.flags.noProbe {
		if s.answers.Port, s.answers.TLS = s.before.Port, relays.TLSMode(s.before.TLS); !s.sameRelay() || s.before.Port == 0 {
			return errNoPort
		}
		return nil
	}
	if s.sameRelay() && s.before.Port != 0 {
		order = append([]int{s.before.Port}, slices.DeleteFunc(order, func(p int) bool { return p == s.before.Port })...)
	}
	tried, err := s.tryPorts(ctx)
	if err != nil {
		return err
	}
	taken, mode, err := s.portsOfFallback()
	if err != nil {
		return err
	}
	hop := s.answers.Hop()
	for _, port := range order {
		for _, t := range tried {
			if t.Port == port && !slices.Contains(taken, port) && (mode == "" || relays.TLSMode(t.TLS) == mode) && getsThrough(hop, t) {
				s.answers.Port, s.answers.TLS = port, relays.TLSMode(t.TLS)
				s.progress("%s port %d gets through", s.answers.Host, port)
				return nil
			}
		}
	}
	return s.nothingOpen(hop, tried)
}

// portsOfFallback are the ports of the relay's host that the file keeps for its
// fall-backs, and how TLS starts there: one way for all hops of a route.
func (s *setup) portsOfFallback() (taken []int, mode relays.TLSMode, err error) {
	hop := s.answers.Hop()
	hop.Port = 0
	fallback, err := s.hops.Fallback(hop)
	for _, h := range fallback {
		if h.Port != 0 && mode == "" {
			mode = h.TLS
		}
		if h.Port != 0 && h.Host == hop.Host {
			taken = append(taken, h.Port)
		}
	}
	return taken, mode, err
}

// getsThrough reports whether a port may be taken. A certificate that the CA
// file does not verify is no obstacle where a fingerprint stands in its place,
// which the probe of that port looks at, or where nothing is to verify it.
func getsThrough(h plan.Hop, t detect.Submission) bool {
	return t.Result == string(detect.Open) ||
		(h.Pin != "" || h.NoVerify) && smtpprobe.Fault(t.Result).Certificate()
}

// nothingOpen says for each port at which step it ended.
func (s *setup) nothingOpen(h plan.Hop, tried []detect.Submission) error {
	if len(tried) > 0 && tried[0].Result == string(detect.DNSFailed) {
		err := fmt.Errorf("no port of %s can be tried: %s", h.Host, tried[0].Detail)
		cause := "dns_chroot_resolv"
		if strings.Contains(tried[0].Detail, resolve.ErrNotFound.Error()) {
			cause = "dns_nxdomain"
		}
		return proofError{s.found(err, verify.Finding{
			Check: "dns", Result: verify.Fail, Detail: err.Error(), Cause: cause,
			Remedy: "Check the host name or the region, and the name servers in /etc/resolv.conf.",
		})}
	}
	var lines []string
	for _, t := range tried {
		line := fmt.Sprintf("  port %d: %s at %s", t.Port, t.Result, t.Step)
		if t.Detail != "" {
			line += ": " + t.Detail
		}
		lines = append(lines, line)
	}
	err := fmt.Errorf("no port of %s gets through from here\n%s", h.Host, strings.Join(lines, "\n"))
	return proofError{s.explainedPorts(err, h, tried)}
}

func portList(r relays.Relay) string {
	var ports []string
	for _, p := range r.Ports {
		ports = append(ports, strconv.Itoa(p.Port))
	}
	return strings.Join(ports, ", ")
}

// refuseManaged stops where another tool writes the mail configuration.
func (s *setup) refuseManaged() error {
	if !s.state.Installed || s.flags.force {
		return nil
	}
	if m, ok := apply.FindManager(&s.host.Reader, s.state.Main.Bytes()); ok {
		return hint(fmt.Errorf("%s manages the mail of this host: %s", m.Name, m.Why), "%s; --force goes on all the same", m.Advice)
	}
	return nil
}
