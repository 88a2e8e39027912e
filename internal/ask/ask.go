// Package ask has the questions of a setup on a terminal: it is the setup.Asker of the
// command line. What is done with the answers is internal/setup's.
package ask

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"relayhost/detect"
	"relayhost/internal/answers"
	"relayhost/internal/config"
	"relayhost/internal/mailaddr"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/resolve"
	"relayhost/internal/secret"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
	"relayhost/relays"
)

// Terminal is where the questions are asked, and for what.
type Terminal struct {
	IO      *ui.Streams
	Deps    setup.Deps
	Request setup.Request // what the flags say
	Limit   *ui.Limit     // of the run; paused while a question is open
	Quiet   bool          // --yes or --json: nothing is asked
	Keep    bool          // --keep-on-failure
	// Complain prints what is wrong with an answer.
	Complain func(kind, text string)
}

// Questions asks on a terminal what neither flags nor the file say. It is the
// setup.Asker and the setup.Person of the command line.
type Questions struct {
	Terminal
	talk     *answers.Conversation // its Prompter is made for the first question
	proof    string                // of an application: bySecret or byCertificate
	typed    bool                  // a part of the credentials was typed at a question
	asked    map[string]bool       // "from", "to": answered at a question
	from, to string                // answers that the relay has refused, to begin with
	doubted  map[string]bool       // domains that are taken when they are given once more
	trusted  string                // host and fingerprint of a certificate that was accepted
}

// New returns the questions of a run, none of which has been asked.
func New(t Terminal) *Questions {
	login := []string{askUser, askPassword, askToken}
	q := &Questions{Terminal: t, asked: map[string]bool{}, doubted: map[string]bool{}}
	q.talk = &answers.Conversation{Offer: q.earlier, Resets: map[string][]string{askRelay: login, askHost: login}}
	return q
}

// The questions that others refer to.
const (
	askRelay    = "Relay service"
	askHost     = "SMTP server (host name)"
	askPort     = "Port (587, 465 and 25 are usual)"
	askUser     = "User name"
	askPassword = "Password"
	askToken    = "Token"
	askFrom     = "Sender address"
	askTo       = "Send a test message to"

	askAPIKey       = "API key"
	askSecretKey    = "Secret key"
	askAccessKey    = "Access key ID"
	askAccessSecret = "Secret access key"
)

// ErrDeclined is a "no" at the last question, and says all of the host's state.
var ErrDeclined = errors.New("aborted; nothing was changed")

// Missing is the usage error for an answer that nobody is there to give. Its hint names
// the flag.
func Missing(what, flag string) error {
	return usage(fmt.Errorf("missing %s, and stdin is not a terminal", what), "give "+flag)
}

func usage(err error, hint string) error { return setup.UsageError{Err: err, Hint: hint} }

// Can reports whether a missing answer may be asked for.
func (t Terminal) Can() bool { return t.IO.CanAsk() && !t.Quiet }

// ask returns the prompter, or the error that names the flag.
func (q *Questions) ask(ctx context.Context, what, flag string) (ui.Prompter, error) {
	if q.IO.CanAsk() && !q.Can() {
		return nil, usage(fmt.Errorf("missing %s, and with --yes or --json nothing is asked", what), "give "+flag)
	}
	if !q.Can() {
		return nil, Missing(what, flag)
	}
	q.IO.Done()
	if q.talk.Prompter == nil {
		p, err := ui.NewPrompter(ctx, q.IO)
		if err != nil {
			return nil, err
		}
		q.talk.Prompter = ui.Pausing(p, q.Limit)
	}
	return q.talk, nil
}

// above is told when the next question is asked, and not when it need not be.
func (q *Questions) above(label, format string, args ...any) {
	tell := func() { q.IO.Tell(label, format, args...) }
	if !q.Can() {
		tell()
		return
	}
	q.talk.Above(tell)
}

// Relay asks for the relay, the best for this host first.
func (q *Questions) Relay(ctx context.Context, d setup.Discovery, facts *detect.Facts) (string, error) {
	if hops := postfix.NewRouting(d.State).Route("").NextHops; len(hops) > 0 { // somebody who has named no relay may not know that there is one
		q.above("note: ", "mail is sent through %s already; relayhost adopt takes that setup over", smtpprobe.Sanitize(hops[0].Text))
	}
	p, err := q.ask(ctx, "the relay service", "--relay NAME (relayhost relays lists them)")
	if err != nil {
		return "", err
	}
	if facts != nil && facts.Port25.Verdict == detect.Open {
		q.above("note: ", "port 25 is open from this host: no relay is needed to send mail")
		yes, err := p.Confirm("Set up a relay anyway?")
		switch {
		case err != nil:
			return "", err
		case !yes:
			return "", ErrDeclined
		}
	}
	options, reason := rankedOptions(d.Catalog, facts)
	switch {
	case options[0] == otherServer:
		q.above("", "No relay service is reachable from this server. Is there an SMTP server in your network that it may use? Choose %q.", otherServer.Text)
	case reason != "":
		q.above("Recommended: ", "%s: %s.", options[0].Text, reason)
	}
	if options[0] != otherServer {
		q.above("", "Type a part of the name (%d relays). For a mail server of your own or of your company, type: another", len(options)-1)
	}
	return p.Select(askRelay, options)
}

// rankedOptions are the services in the order of the ranking, each with its port, and
// any other server: first where no service is reachable. reason is why the first is
// recommended, "" without one.
func rankedOptions(catalog []relays.Relay, facts *detect.Facts) (options []ui.Option, reason string) {
	names, words := map[string]string{}, map[string]string{}
	for _, r := range catalog {
		names[r.ID] = r.Name
		words[r.ID] = strings.ToLower(strings.Join([]string{r.Hosts.Default, hostOf(r.Docs), hostOf(r.Auth.Where)}, " "))
	}
	facts = cmp.Or(facts, &detect.Facts{})
	ranked := detect.Rank(*facts, catalog)
	best, ok := detect.Best(ranked, catalog)
	for _, c := range ranked {
		o := ui.Option{Value: c.Relay, Text: names[c.Relay], Words: words[c.Relay]}
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

// hostOf is the host of a page, which names its owner: Apple for iCloud.
func hostOf(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return ""
	}
	return u.Host
}

// Stdin reads credentials from standard input.
func (q *Questions) Stdin(ctx context.Context) (secret.Credentials, error) {
	c, err := secret.Read(q.IO.InUntil(ctx))
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
func (q *Questions) Region(ctx context.Context, d setup.Discovery, r *relays.Relay) (string, error) {
	names := r.Hosts.Regions()
	given := q.Request.CredentialsFile != "" && q.Request.CredentialsFile != "-" && q.Request.From != ""
	if !q.Can() || !r.NeedsRegion() && (given || len(names) == 0) { // whoever gives all else by flags wants the default
		return "", nil
	}
	p, err := q.ask(ctx, "the region", "--region")
	if err != nil {
		return "", err
	}
	if len(names) == 0 {
		q.above("", "%s has a host in each region; a login is valid in one region only.", r.Name)
		return p.Input("Region, for example "+r.Hosts.Example, "", func(v string) error {
			host, err := r.Host(v)
			if err == nil && !q.Request.NoProbe && d.Resolver.Unknown(ctx, host) {
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
	what := "Region of "
	if r.Kind == relays.Mailbox {
		what = "Server of " // which depends on the domain of the mailbox
	}
	return p.Select(what+r.Name, options)
}

// Credentials asks for what is missing, in the service's own words.
func (q *Questions) Credentials(ctx context.Context, r *relays.Relay, typed string, c *secret.Credentials) error {
	auth := r.Auth
	needUser := c.Username == "" && !auth.Same
	needPassword := c.Password.IsZero() && c.SecretAccessKey.IsZero()
	if !needUser && !needPassword {
		return nil
	}
	if q.Can() {
		q.IO.Done()
		if page := cmp.Or(auth.Where, r.Docs); page != "" {
			q.above("", "Where to get %s for %s:", wanted(auth), r.Name)
			q.above("  ", "%s", page)
		}
	}
	if needUser {
		p, err := q.ask(ctx, "the user name", "--username, or username= in --credentials-file")
		if err != nil {
			return err
		}
		if auth.Username.Label != "user name" {
			q.above("User name: ", "%s", auth.Username.Label)
		}
		q.typed = true
		if c.Username, err = p.Input(askUser, typed, r.CheckAnswer("username", "")); err != nil {
			return err
		}
	}
	if needPassword {
		p, err := q.ask(ctx, "the password", "--credentials-file FILE, or - for standard input")
		if err != nil {
			return err
		}
		what, label := askPassword, auth.Password.Label
		if auth.Same {
			what, label = askToken, strings.TrimSuffix(auth.Username.Label, ", in both fields")
		}
		if auth.Derive == "ses" {
			label += "; or the secret access key of 40 characters, from which it is computed here"
		}
		if label != "password" {
			q.above(what+": ", "%s", label)
		}
		q.typed = true
		answer, err := p.Secret(what, r.CheckAnswer("password", c.Username))
		if err != nil {
			return err
		}
		if r.Auth.IsSecretAccessKey(answer) {
			c.SecretAccessKey = secret.New(answer)
			q.IO.Tell("", "That is a secret access key: the SMTP password is computed from it.")
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

// From asks for the sender.
func (q *Questions) From(ctx context.Context, d setup.Discovery, r *relays.Relay) (string, error) {
	p, err := q.ask(ctx, "the sender address", "--from, an address that the relay accepts as sender")
	if err != nil {
		return "", err
	}
	q.asked["from"] = true
	q.above("Sender: ", "Mail from this server's own accounts (root, www-data, cron) will be sent as this address. %s", r.SenderRule())
	valid := addressCheck(ctx, q.Terminal, q.doubted, d.Resolver, "app@example.com")
	preset := q.from
	if account := q.talk.Before(askUser); preset == "" && r.Sender.Rule == "account" && config.CheckAddress("", account) == nil {
		preset = account // the one sender that the mailbox may use
	}
	return p.Input(askFrom, preset, func(v string) error {
		if domain := mailaddr.Domain(v); r.Kind == relays.Mailbox && config.CheckAddress("", v) == nil && !q.Request.NoProbe && d.Resolver.Unknown(ctx, domain) {
			return fmt.Errorf("DNS has no domain %s, and %s sends for addresses of your account only: enter one of these", domain, r.Name)
		}
		if err := valid(v); err != nil {
			return err
		}
		return publicSender(q.doubted, r, mailaddr.Domain(v))
	})
}

// doubt is err the first time, and nil where what is given once more.
func doubt(doubted map[string]bool, what string, err error) error {
	if doubted[what] {
		return nil
	}
	doubted[what] = true
	return err
}

// publicSender doubts a sender of a public mail service at a relay that verifies
// senders: it cannot be verified there, and receivers reject such mail (DMARC).
func publicSender(doubted map[string]bool, r *relays.Relay, domain string) error {
	if r.Sender.Rule != "verified" || !mailaddr.IsPublic(domain) {
		return nil
	}
	return doubt(doubted, "public "+domain, fmt.Errorf("%s is a public mail service: %s cannot send in its name so that receivers accept it. "+
		"Use a domain of your own; enter the address again to use it anyway", domain, r.Name))
}

// To asks where the test message goes.
func (q *Questions) To(ctx context.Context, d setup.Discovery, from string) (string, error) {
	if !q.Can() {
		return from, nil
	}
	p, err := q.ask(ctx, "the recipient of the test message", "--to")
	if err != nil {
		return "", err
	}
	preset := cmp.Or(q.to, from)
	if plan.StaysHere(d.State, preset) {
		preset = ""
		q.above("Test message: ", "Choose a mailbox that you can open, outside this server; %s is delivered here.", mailaddr.Domain(from))
	} else if unread(preset) {
		preset = ""
		q.above("Test message: ", "Choose a mailbox that you can open.")
	} else {
		q.above("Test message: ", "Choose a mailbox that you can open (Enter: %s).", preset)
	}
	q.asked["to"] = true
	valid := addressCheck(ctx, q.Terminal, q.doubted, d.Resolver, "you@example.com")
	return p.Input(askTo, preset, func(v string) error {
		if err := valid(v); err != nil {
			return err
		}
		if plan.StaysHere(d.State, v) {
			return fmt.Errorf("%s is delivered on this server, so the test would prove nothing: choose a recipient elsewhere", mailaddr.Domain(v))
		}
		return nil
	})
}

// unread reports whether nobody opens the mailbox of an address, by its name.
func unread(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	local = strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	return strings.HasPrefix(local, "noreply") || strings.HasPrefix(local, "donotreply")
}

// Direct asks, on a server that does more than send, which domains must not
// be sent to by the relay: those that a relay on the internet cannot reach. Where
// Postfix delivers a domain already, nothing is asked and nothing changes.
func (q *Questions) Direct(ctx context.Context, d setup.Discovery) ([]string, error) {
	roles := plan.Roles(d.State)
	if len(roles) == 0 {
		return d.Stored.Direct, nil
	}
	p, err := q.ask(ctx, "the domains to deliver directly", "--direct")
	if err != nil {
		return nil, err
	}
	q.above("This server ", "%s. That does not change. All other mail will leave through the relay. Are there domains that the relay cannot reach, such as internal ones?",
		smtpprobe.Sanitize(strings.Join(roles, "; ")))
	answer, err := p.Input("Domains to deliver directly, not through the relay (Enter for none)", "", func(v string) error {
		for _, domain := range domainsIn(v) {
			if slices.Contains([]string{"y", "yes", "n", "no"}, strings.ToLower(domain)) {
				return errors.New("enter domains, e.g. corp.example, or press Enter for none")
			}
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

// addressCheck refuses on Enter what no setup accepts, and doubts once a domain that
// is not in DNS: it is more often misspelled than new.
func addressCheck(ctx context.Context, t Terminal, doubted map[string]bool, dns *resolve.Resolver, like string) func(string) error {
	return func(v string) error {
		if err := config.CheckAddress("", v); err != nil {
			return errors.New("enter a full address, e.g. " + like)
		}
		domain := mailaddr.Domain(v)
		if t.Request.NoProbe || !dns.Unknown(ctx, domain) {
			return nil
		}
		return doubt(doubted, domain, fmt.Errorf("DNS has no domain %s; enter the address again to use it anyway", domain))
	}
}

// Install asks whether Postfix is to be installed. how is the flag that says yes.
func (q *Questions) Install(ctx context.Context) error {
	const how = "relayhost setup --install installs it"
	if !q.Can() {
		return setup.Hint(setup.ErrNoPostfix, how)
	}
	if _, err := q.ask(ctx, "Postfix is not installed; the answer", "--install"); err != nil {
		return err
	}
	q.IO.Tell("", "Postfix, the mail server that relayhost configures, is not installed. It would listen on this host alone (inet_interfaces = loopback-only).")
	yes, err := q.talk.Prompter.Confirm("Install Postfix now?")
	if errors.Is(err, ui.ErrBack) || err == nil && !yes {
		err = setup.Hint(setup.ErrNoPostfix, how)
	}
	return err
}
