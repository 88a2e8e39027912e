package cmd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"relayhost/internal/plan"
	"relayhost/internal/resolve"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// missing is the answer to a question that nobody is there to be asked.
func missing(what, flag string) error {
	return usageError{fmt.Errorf("%s is not given, and there is no terminal to ask on", what), "give " + flag}
}

// canAsk reports whether a missing answer may be asked for.
func (s *setup) canAsk() bool { return s.io.CanAsk() && !s.flags.yes && !s.json }

// ask returns the prompter, or the error that names the flag.
func (s *setup) ask(ctx context.Context, what, flag string) (ui.Prompter, error) {
	if s.io.CanAsk() && !s.canAsk() {
		return nil, usageError{fmt.Errorf("%s is not given, and with --yes or --json nothing is asked", what), "give " + flag}
	}
	if !s.canAsk() {
		return nil, missing(what, flag)
	}
	s.io.Done()
	if s.prompter == nil {
		var err error
		if s.prompter, err = ui.NewPrompter(ctx, s.io); err != nil {
			return nil, err
		}
		if s.limit != nil {
			s.prompter = patient{s.prompter, s.limit}
		}
	}
	return s.prompter, nil
}

// patient asks while the run's time limit stands still.
type patient struct {
	ui.Prompter
	limit *limit
}

func (p patient) Select(question string, options []ui.Option) (string, error) {
	defer p.limit.pause()()
	return p.Prompter.Select(question, options)
}

func (p patient) Input(question, preset string, check func(string) error) (string, error) {
	defer p.limit.pause()()
	return p.Prompter.Input(question, preset, check)
}

func (p patient) Secret(question string, check func(string) error) (string, error) {
	defer p.limit.pause()()
	return p.Prompter.Secret(question, check)
}

func (p patient) Confirm(question string) (bool, error) {
	defer p.limit.pause()()
	return p.Prompter.Confirm(question)
}

// askRegion asks for the region: from a list where the service has few, else
// as text. A service that has a default is asked about on a terminal all the
// same: an account of one region is unknown in the others.
func (s *setup) askRegion(ctx context.Context) (string, error) {
	r := s.answers.Relay
	names := r.Regions()
	if !s.canAsk() || s.before.Relay == r.ID || !r.NeedsRegion() && len(names) == 0 {
		return "", nil
	}
	p, err := s.ask(ctx, "the region", "--region")
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		s.io.Tell("", "%s has a host in each region, and credentials hold in one region only.", r.Name)
		return p.Input("Region, for example "+r.Hosts.Example, "", func(v string) error {
			host, err := r.Host(v)
			if err == nil && !s.flags.noProbe && s.unknown(ctx, host) {
				err = fmt.Errorf("there is no %s: look the region up in your account", host)
			}
			return err
		})
	}
	var options []ui.Option
	if !r.NeedsRegion() {
		options = append(options, ui.Option{Text: r.Hosts.Default, Detail: "the usual one"})
	}
	for _, name := range names {
		host, err := r.Host(name)
		if err != nil {
			return "", err
		}
		if host != r.Hosts.Default {
			options = append(options, ui.Option{Value: name, Text: host, Detail: name})
		}
	}
	if len(options) == 1 {
		return options[0].Value, nil
	}
	return p.Select("Host of "+r.Name+" to use", options)
}

// secretAccessKey is the form of an IAM user's secret, which is no SMTP
// password (AWS documentation of access keys).
var secretAccessKey = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// askCredentials asks for what is missing, in the service's own words.
func (s *setup) askCredentials(ctx context.Context, c *secret.Credentials) error {
	auth := s.answers.Relay.Auth
	needUser := c.Username == "" && !auth.Same
	needPassword := c.Password.IsZero() && c.SecretAccessKey.IsZero()
	if !needUser && !needPassword {
		return nil
	}
	if s.canAsk() {
		s.io.Done()
		if page := first(auth.Where, s.answers.Relay.Docs); page != "" {
			s.io.Tell("", "Where to get %s for %s:", wanted(auth), s.answers.Relay.Name)
			s.io.Tell("  ", "%s", page)
		}
	}
	if needUser {
		p, err := s.ask(ctx, "the user name", "--username, or username= in --credentials-file")
		if err != nil {
			return err
		}
		s.io.Tell("User name: ", "%s", auth.Username.Label)
		s.asked = true
		if c.Username, err = p.Input("User name", s.typedUser, s.credentialCheck("username", c)); err != nil {
			return err
		}
	}
	if needPassword {
		p, err := s.ask(ctx, "the password", "--credentials-file FILE, or - for standard input")
		if err != nil {
			return err
		}
		what, label := "Password", auth.Password.Label
		if auth.Same {
			what, label = "Token", auth.Username.Label
		}
		if auth.Derive == "ses" {
			label += "; or the secret access key, 40 characters, from which it is derived here"
		}
		s.io.Tell(what+": ", "%s", label)
		s.asked = true
		answer, err := p.Secret(what, s.credentialCheck("password", c))
		if err != nil {
			return err
		}
		if auth.Derive == "ses" && secretAccessKey.MatchString(answer) {
			c.SecretAccessKey = secret.New(answer)
			return nil
		}
		c.Password = secret.New(answer)
	}
	return nil
}

// wanted names what the service calls for.
func wanted(auth relays.Auth) string {
	switch {
	case auth.Same:
		return "the token"
	case auth.Username.Fixed != "":
		return "the password"
	}
	return "user name and password"
}

// credentialCheck holds an answer against the service's rules on Enter. What
// only looks wrong is taken when it is given a second time.
func (s *setup) credentialCheck(field string, c *secret.Credentials) func(string) error {
	r := s.answers.Relay
	doubted := ""
	return func(answer string) error {
		if answer == "" {
			return errors.New("it cannot be empty")
		}
		if field == "password" && r.Auth.Derive == "ses" && secretAccessKey.MatchString(answer) {
			return nil
		}
		user, pass := answer, ""
		if field == "password" {
			user, pass = c.Username, answer
			if r.Auth.Same {
				user = answer
			}
		}
		user, pass = r.Normalise(user, pass)
		for _, p := range r.CheckCredentials(user, pass) {
			if p.Field != field && !r.Auth.Same {
				continue
			}
			if p.Refuse {
				return errors.New(p.Message)
			}
			if doubted != answer {
				doubted = answer
				return fmt.Errorf("%s; give it once more to use it all the same", p.Message)
			}
		}
		return nil
	}
}

// askFrom asks for the sender.
func (s *setup) askFrom(ctx context.Context) (string, error) {
	p, err := s.ask(ctx, "the sender address", "--from, an address that the service accepts as sender")
	if err != nil {
		return "", err
	}
	s.io.Tell("Sender: ", "mail of this server leaves from this address. %s", s.senderRule())
	return p.Input("Sender address", "", s.addressCheck(ctx, "app@example.com"))
}

// senderRule says which senders the service takes.
func (s *setup) senderRule() string {
	r := s.answers.Relay
	switch {
	case r.Sender.Note != "":
		return r.Name + " takes " + strings.TrimSuffix(r.Sender.Note, ".") + "."
	case r.Sender.Rule == "any":
		return r.Name + " takes any sender."
	default:
		return r.Name + " takes those only that it knows."
	}
}

// askTo asks where the test message goes.
func (s *setup) askTo(ctx context.Context, from string) (string, error) {
	if !s.canAsk() {
		return from, nil
	}
	p, err := s.ask(ctx, "the recipient of the test message", "--to")
	if err != nil {
		return "", err
	}
	s.io.Tell("Test message: ", "to a mailbox that you can look into; Enter takes the sender.")
	return p.Input("Send a test message to", from, s.addressCheck(ctx, "you@example.com"))
}

// askDirect asks, on a server that does more than send, which domains must not
// be sent to by the relay: those that a relay on the internet cannot reach. What
// Postfix knows of keeps its way without being asked about.
func (s *setup) askDirect(ctx context.Context) ([]string, error) {
	duties := plan.Duties(s.state)
	if len(duties) == 0 || !s.canAsk() || s.before.Relay != "" {
		return s.before.Direct, nil
	}
	p, err := s.ask(ctx, "the domains that keep their way", "--direct")
	if err != nil {
		return nil, err
	}
	s.io.Tell("This server ", "%s. Other mail leaves through the relay, unless you name domains that it cannot reach: internal ones, say.",
		smtpprobe.Sanitize(strings.Join(duties, "; ")))
	answer, err := p.Input("Domains that keep their way, none with Enter", "", func(v string) error {
		for _, domain := range domainsIn(v) {
			if err := plan.CheckDomain(domain); err != nil {
				return err
			}
		}
		return nil
	})
	return domainsIn(answer), err
}

func domainsIn(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
}

// addressCheck refuses on Enter what no set-up takes, and doubts once a domain that
// is not in DNS: it is misspelt more often than new.
func (s *setup) addressCheck(ctx context.Context, like string) func(string) error {
	return func(v string) error {
		if err := plan.CheckAddress("", v); err != nil {
			return errors.New("that is no full address; it looks like " + like)
		}
		domain := domainOf(v)
		key := "domain\x00" + domain
		if s.flags.noProbe || s.doubted[key] || !s.unknown(ctx, domain) {
			return nil
		}
		s.remember(key)
		return fmt.Errorf("DNS knows no domain %s; give it once more to use it all the same", domain)
	}
}

// askDNS bounds a look-up that a question waits for.
const askDNS = 3 * time.Second

// unknown reports that DNS has nothing of a domain that has to do with mail. One
// that does not answer is no reason to doubt.
func (s *setup) unknown(ctx context.Context, domain string) bool {
	ctx, cancel := context.WithTimeout(ctx, askDNS)
	defer cancel()
	_, err := s.resolver.MX(ctx, domain)
	if errors.Is(err, resolve.ErrNotFound) {
		_, _, err = s.resolver.Addrs(ctx, domain)
	}
	if errors.Is(err, resolve.ErrNotFound) {
		_, err = s.resolver.TXT(ctx, domain)
	}
	return errors.Is(err, resolve.ErrNotFound)
}
