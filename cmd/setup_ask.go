package cmd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// questions asks on the terminal what neither flags nor the file say. It is the
// setup.Asker of the command line.
type questions struct {
	*app
	flags    setupFlags
	limit    *ui.Limit // stands still while a question is open
	prompter ui.Prompter
	typed    bool            // a part of the credentials was typed at a question
	asked    map[string]bool // "from", "to": answered at a question
	from, to string          // answers that the relay has refused, to begin with
	doubted  map[string]bool // domains that are taken when they are given once more
}

// missing is the answer to a question that nobody is there to be asked.
func missing(what, flag string) error {
	return usage(fmt.Errorf("missing %s, and stdin is not a terminal", what), "give "+flag)
}

// Can reports whether a missing answer may be asked for.
func (q *questions) Can() bool { return q.io.CanAsk() && !q.flags.yes && !q.json }

// ask returns the prompter, or the error that names the flag.
func (q *questions) ask(ctx context.Context, what, flag string) (ui.Prompter, error) {
	if q.io.CanAsk() && !q.Can() {
		return nil, usage(fmt.Errorf("missing %s, and with --yes or --json nothing is asked", what), "give "+flag)
	}
	if !q.Can() {
		return nil, missing(what, flag)
	}
	q.io.Done()
	if q.prompter == nil {
		var err error
		if q.prompter, err = ui.NewPrompter(ctx, q.io); err != nil {
			return nil, err
		}
		if q.limit != nil {
			q.prompter = patient{q.prompter, q.limit}
		}
	}
	return q.prompter, nil
}

// patient asks while the run's time limit stands still.
type patient struct {
	ui.Prompter
	limit *ui.Limit
}

func (p patient) Select(question string, options []ui.Option) (string, error) {
	defer p.limit.Pause()()
	return p.Prompter.Select(question, options)
}

func (p patient) Input(question, preset string, check func(string) error) (string, error) {
	defer p.limit.Pause()()
	return p.Prompter.Input(question, preset, check)
}

func (p patient) Secret(question string, check func(string) error) (string, error) {
	defer p.limit.Pause()()
	return p.Prompter.Secret(question, check)
}

func (p patient) Confirm(question string) (bool, error) {
	defer p.limit.Pause()()
	return p.Prompter.Confirm(question)
}

// Relay asks for the relay, the best for this host first.
func (q *questions) Relay(ctx context.Context, d setup.Discovery) (string, error) {
	q.mentionAdopt(d.State)
	p, err := q.ask(ctx, "the relay service", "--relay NAME (relayhost relays lists them)")
	if err != nil {
		return "", err
	}
	if d.Facts != nil && d.Facts.Port25.Verdict == detect.Open {
		q.io.Tell("note: ", "port 25 is open: mail can leave this server without a relay")
		yes, err := p.Confirm("Send through a relay nevertheless?")
		switch {
		case err != nil:
			return "", err
		case !yes:
			return "", errDeclined
		}
	}
	options, reason := rankedOptions(d)
	switch {
	case options[0] == otherServer:
		q.io.Tell("", "No relay service is reachable from this server. Is there an SMTP server in your network that it may use? Choose %q.", otherServer.Text)
	case reason != "":
		q.io.Tell("Recommended: ", "%s: %s.", options[0].Text, reason)
	}
	return p.Select("Relay service", options)
}

// rankedOptions are the services in the order of the ranking, each with its port, and
// any other server: first where no service is reachable. reason is why the first is
// recommended, "" without one.
func rankedOptions(d setup.Discovery) (options []ui.Option, reason string) {
	names := map[string]string{}
	for _, r := range d.Catalog {
		names[r.ID] = r.Name
	}
	facts := detect.Facts{}
	if d.Facts != nil {
		facts = *d.Facts
	}
	ranked := detect.Rank(facts, d.Catalog)
	best, ok := detect.Best(ranked, d.Catalog)
	for _, c := range ranked {
		o := ui.Option{Value: c.Relay, Text: names[c.Relay]}
		switch {
		case c.Port == 0:
			o.Detail = "not reachable from this server"
		default:
			o.Text += fmt.Sprintf("  (port %d)", c.Port)
		}
		if ok && c.Relay == best.Relay {
			options = append([]ui.Option{o}, options...)
			if entry, found := detect.HostByID(facts.Host.Provider); c.Region != "" || found && entry.Relay == c.Relay {
				reason = c.Reason
			}
			continue
		}
		options = append(options, o)
	}
	if !ok {
		return append([]ui.Option{otherServer}, options...), ""
	}
	return append(options, otherServer), reason
}

// mentionAdopt tells somebody who has named no relay that there is one.
func (q *questions) mentionAdopt(s postfix.State) {
	w := postfix.NewRouting(s).Way("")
	if len(w.NextHops) > 0 {
		q.io.Tell("note: ", "mail is sent through %s already; relayhost adopt takes that setup over", smtpprobe.Sanitize(w.NextHops[0].Text))
	}
}

// Stdin reads credentials from standard input.
func (q *questions) Stdin(ctx context.Context) (secret.Credentials, error) {
	c, err := secret.Read(q.io.InUntil(ctx))
	switch {
	case ctx.Err() != nil:
		return c, fmt.Errorf("read standard input: %w", context.Cause(ctx))
	case err != nil:
		err = fmt.Errorf("standard input %w", err)
	}
	return c, err
}

// Region asks for the region: from a list where the service has few, else
// as text. A service that has a default is asked about on a terminal all the
// same: an account of one region is unknown in the others.
func (q *questions) Region(ctx context.Context, d setup.Discovery, r relays.Relay) (string, error) {
	names := r.Regions()
	given := q.flags.credentialsFile != "" && q.flags.credentialsFile != "-" && q.flags.from != ""
	if !q.Can() || !r.NeedsRegion() && (given || len(names) == 0) { // whoever gives all else by flags wants the default
		return "", nil
	}
	p, err := q.ask(ctx, "the region", "--region")
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		q.io.Tell("", "%s has a host in each region; a login is valid in one region only.", r.Name)
		return p.Input("Region, for example "+r.Hosts.Example, "", func(v string) error {
			host, err := r.Host(v)
			if err == nil && !q.flags.noProbe && unknown(ctx, d.Resolver, host) {
				err = fmt.Errorf("there is no %s: look the region up in your account", host)
			}
			return err
		})
	}
	var options []ui.Option
	if !r.NeedsRegion() {
		options = append(options, ui.Option{Text: "default", Detail: r.Hosts.Default})
	}
	for _, name := range names {
		host, err := r.Host(name)
		if err != nil {
			return "", err
		}
		if host != r.Hosts.Default {
			options = append(options, ui.Option{Value: name, Text: name, Detail: host})
		}
	}
	if len(options) == 1 {
		return options[0].Value, nil
	}
	return p.Select("Region of "+r.Name, options)
}

// secretAccessKey is the form of an IAM user's secret, which is no SMTP
// password (AWS documentation of access keys).
var secretAccessKey = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)

// Credentials asks for what is missing, in the service's own words.
func (q *questions) Credentials(ctx context.Context, r relays.Relay, typed string, c *secret.Credentials) error {
	auth := r.Auth
	needUser := c.Username == "" && !auth.Same
	needPassword := c.Password.IsZero() && c.SecretAccessKey.IsZero()
	if !needUser && !needPassword {
		return nil
	}
	if q.Can() {
		q.io.Done()
		if page := first(auth.Where, r.Docs); page != "" {
			q.io.Tell("", "Where to get %s for %s:", wanted(auth), r.Name)
			q.io.Tell("  ", "%s", page)
		}
	}
	if needUser {
		p, err := q.ask(ctx, "the user name", "--username, or username= in --credentials-file")
		if err != nil {
			return err
		}
		if auth.Username.Label != "user name" {
			q.io.Tell("User name: ", "%s", auth.Username.Label)
		}
		q.typed = true
		if c.Username, err = p.Input("User name", typed, credentialCheck(r, "username", c)); err != nil {
			return err
		}
	}
	if needPassword {
		p, err := q.ask(ctx, "the password", "--credentials-file FILE, or - for standard input")
		if err != nil {
			return err
		}
		what, label := "Password", auth.Password.Label
		if auth.Same {
			what, label = "Token", strings.TrimSuffix(auth.Username.Label, ", in both fields")
		}
		if auth.Derive == "ses" {
			label += "; or the secret access key of 40 characters, from which it is computed here"
		}
		if label != "password" {
			q.io.Tell(what+": ", "%s", label)
		}
		q.typed = true
		answer, err := p.Secret(what, credentialCheck(r, "password", c))
		if err != nil {
			return err
		}
		if auth.Derive == "ses" && secretAccessKey.MatchString(answer) {
			c.SecretAccessKey = secret.New(answer)
			q.io.Tell("", "That is a secret access key: the SMTP password is computed from it.")
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
func credentialCheck(r relays.Relay, field string, c *secret.Credentials) func(string) error {
	doubted := ""
	return func(answer string) error {
		if answer == "" {
			return errors.New("enter a value")
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
				return fmt.Errorf("%s; enter it again to use it anyway", p.Message)
			}
		}
		return nil
	}
}

// From asks for the sender.
func (q *questions) From(ctx context.Context, d setup.Discovery, r relays.Relay) (string, error) {
	p, err := q.ask(ctx, "the sender address", "--from, an address that the service accepts as sender")
	if err != nil {
		return "", err
	}
	q.mark("from")
	q.io.Tell("Sender: ", "Mail from this server's own accounts (root, www-data, cron) will be sent as this address. %s", senderRule(r))
	valid := q.addressCheck(ctx, d.Resolver, "app@example.com")
	return p.Input("Sender address", q.from, func(v string) error {
		if err := valid(v); err != nil {
			return err
		}
		return q.publicSender(r, domainOf(v))
	})
}

// mark remembers that a question has been put.
func (q *questions) mark(what string) {
	if q.asked == nil {
		q.asked = map[string]bool{}
	}
	q.asked[what] = true
}

// doubt is err the first time, and nil where what is given once more.
func (q *questions) doubt(what string, err error) error {
	if q.doubted[what] {
		return nil
	}
	if q.doubted == nil {
		q.doubted = map[string]bool{}
	}
	q.doubted[what] = true
	return err
}

// publicSender doubts a sender of a public mail service at a relay that verifies
// senders: it cannot be verified there, and receivers reject such mail (DMARC).
func (q *questions) publicSender(r relays.Relay, domain string) error {
	if r.Sender.Rule != "verified" || !setup.PublicMail(domain) {
		return nil
	}
	return q.doubt("public "+domain, fmt.Errorf("%s is a public mail service: %s cannot send in its name so that receivers accept it. "+
		"Use a domain of your own; enter the address again to use it anyway", domain, r.Name))
}

// senderRule says which senders the relay accepts.
func senderRule(r relays.Relay) string {
	switch {
	case r.Sender.Note != "":
		return r.Name + ": " + strings.TrimSuffix(r.Sender.Note, ".") + "."
	case r.Sender.Rule == "any":
		return r.Name + " accepts any sender."
	default:
		return r.Name + " accepts only senders that it has verified."
	}
}

// To asks where the test message goes.
func (q *questions) To(ctx context.Context, d setup.Discovery, from string) (string, error) {
	if !q.Can() {
		return from, nil
	}
	p, err := q.ask(ctx, "the recipient of the test message", "--to")
	if err != nil {
		return "", err
	}
	preset := first(q.to, from)
	if plan.StaysHere(d.State, preset) {
		preset = ""
		q.io.Tell("Test message: ", "Choose a mailbox that you can open, outside this server; %s is delivered here.", domainOf(from))
	} else {
		q.io.Tell("Test message: ", "Choose a mailbox that you can open (Enter: %s).", preset)
	}
	q.mark("to")
	valid := q.addressCheck(ctx, d.Resolver, "you@example.com")
	return p.Input("Send a test message to", preset, func(v string) error {
		if err := valid(v); err != nil {
			return err
		}
		if plan.StaysHere(d.State, v) {
			return fmt.Errorf("%s is delivered on this server, so the test would prove nothing: choose a recipient elsewhere", domainOf(v))
		}
		return nil
	})
}

// Direct asks, on a server that does more than send, which domains must not
// be sent to by the relay: those that a relay on the internet cannot reach. What
// Postfix knows of keeps its way without being asked about.
func (q *questions) Direct(ctx context.Context, d setup.Discovery) ([]string, error) {
	roles := plan.Roles(d.State)
	if len(roles) == 0 {
		return d.Stored.Direct, nil
	}
	p, err := q.ask(ctx, "the domains to deliver directly", "--direct")
	if err != nil {
		return nil, err
	}
	q.io.Tell("This server ", "%s. That does not change. All other mail will leave through the relay. Name the domains that the relay cannot reach, such as internal ones.",
		smtpprobe.Sanitize(strings.Join(roles, "; ")))
	answer, err := p.Input("Domains to deliver directly, not through the relay (Enter for none)", "", func(v string) error {
		for _, domain := range domainsIn(v) {
			if err := config.CheckDomain(domain); err != nil {
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
func (q *questions) addressCheck(ctx context.Context, dns *resolve.Resolver, like string) func(string) error {
	return func(v string) error {
		if err := config.CheckAddress("", v); err != nil {
			return errors.New("enter a full address, e.g. " + like)
		}
		domain := domainOf(v)
		if q.flags.noProbe || !unknown(ctx, dns, domain) {
			return nil
		}
		return q.doubt(domain, fmt.Errorf("DNS has no domain %s; enter the address again to use it anyway", domain))
	}
}

// askDNS bounds a look-up that a question waits for.
const askDNS = 3 * time.Second

// notFound reports that DNS has answered, and knows no such name.
func notFound(err error) bool { return errors.Is(err, resolve.ErrNotFound) }

// unknown reports that DNS has nothing of a domain that has to do with mail. One
// that does not answer is no reason to doubt.
func unknown(ctx context.Context, dns *resolve.Resolver, domain string) bool {
	ctx, cancel := context.WithTimeout(ctx, askDNS)
	defer cancel()
	_, err := dns.MX(ctx, domain)
	if errors.Is(err, resolve.ErrNotFound) {
		_, _, err = dns.Addrs(ctx, domain)
	}
	if errors.Is(err, resolve.ErrNotFound) {
		_, err = dns.TXT(ctx, domain)
	}
	return errors.Is(err, resolve.ErrNotFound)
}
