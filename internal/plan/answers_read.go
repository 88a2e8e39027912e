package plan

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// ReadAnswers reads the text of AnswersPath. Errors are *FileError, or several of
// them joined: what is no TOML, unknown keys, and what contradicts itself.
func ReadAnswers(data []byte) (Answers, error) {
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return Answers{}, &FileError{Line: 1, Msg: "the file begins with a byte order mark", Hint: "save it as UTF-8 without one"}
	}
	if len(data) > MaxAnswers {
		return Answers{}, &FileError{Msg: fmt.Sprintf("the file is larger than %d MiB", MaxAnswers>>20), Hint: "routes of one relay and account can be one, with all their senders"}
	}
	if unknown := unknownKeys(data); len(unknown) > 0 {
		return Answers{}, errors.Join(unknown...)
	}
	a := Answers{text: data, at: new(map[string]int)}
	if err := toml.Unmarshal(data, &a); err != nil {
		return Answers{}, decodeError(err)
	}
	if a.Version == 0 {
		return Answers{}, a.Mistake("version", "version = %d is missing", answersVersion)
	}
	if a.Version != answersVersion {
		return Answers{}, a.Mistake("version", "version %d is not known to this relayhost", a.Version)
	}
	c := answersCheck{a: a, senders: map[string]string{}, names: map[string]string{}}
	c.run()
	if len(c.found) > 0 {
		return Answers{}, c.err()
	}
	return a, nil
}

func decodeError(err error) error {
	var d *toml.DecodeError
	if !errors.As(err, &d) {
		return fmt.Errorf("%s: %w", AnswersPath, err)
	}
	row, _ := d.Position()
	return &FileError{Line: row, Msg: strings.TrimPrefix(d.Error(), "toml: ")}
}

// answersCheck holds the keys of a file against each other.
type answersCheck struct {
	a       Answers
	names   map[string]string // route name -> key
	senders map[string]string // sender in lower case -> key of the first
	found   []mistake
	more    int // that are not among them
}

// mistake is kept by key: lines are looked up for those alone that are told.
type mistake struct{ key, msg, hint string }

func (c *answersCheck) bad(key, format string, args ...any) {
	if len(c.found) > MaxMistakes {
		c.more++
		return
	}
	c.found = append(c.found, mistake{key: key, msg: fmt.Sprintf(format, args...)})
}

// err names the line of each mistake, up to MaxMistakes of them.
func (c *answersCheck) err() error {
	var errs []error
	for i, m := range c.found {
		if i == MaxMistakes {
			errs = append(errs, fmt.Errorf("and %d more", len(c.found)-i+c.more))
			break
		}
		e := c.a.Mistake(m.key, "%s", m.msg)
		e.Hint = m.hint
		errs = append(errs, e)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

func (c *answersCheck) run() {
	for _, v := range []struct{ key, value string }{{"from", c.a.From}, {"to", c.a.To}, {"root_to", c.a.RootTo}} {
		c.address(v.key, v.value)
	}
	c.hop("", c.a.First())
	c.fallback("", c.a.Fallback)
	for local, address := range c.a.Rewrite {
		c.rewrite("rewrite."+local, local, address)
	}
	for i, r := range c.a.Routes {
		c.route(fmt.Sprintf("route[%d].", i), r)
	}
}

// address admits an address, or nothing.
func (c *answersCheck) address(key, value string) {
	if value != "" && !isAddress(value) {
		c.bad(key, "%q is not an address", value)
	}
}

// rewrite admits "user@host" and "@host", also where the host is no name of DNS.
func (c *answersCheck) rewrite(key, local, address string) {
	user, host, ok := strings.Cut(local, "@")
	if !ok || !isHost(host) || user != "" && strings.Trim(user, lower+upper+digits+"!#%&'*+/=?^_~.-") != "" {
		c.bad(key, "%q is not a local sender: write it as in user@host, or @host for all of that host", local)
	}
	if !isAddress(address) {
		c.bad(key, "%q is not an address", address)
	}
}

func (c *answersCheck) route(prefix string, r RouteAnswers) {
	switch first, taken := c.names[r.Name]; {
	case r.Name == "":
		c.bad(prefix+"name", "a route needs a name")
	case !isWord(r.Name) || len(r.Name) > maxRouteName:
		c.bad(prefix+"name", "route name %q: write it in small letters, digits and hyphens, %d at most", r.Name, maxRouteName)
	case r.Name == DefaultRoute || r.Name == c.a.Relay || r.Name == bareName(c.a.Relay) || strings.HasSuffix(r.Name, proxySuffix) || strings.HasSuffix(r.Name, implicitSuffix) ||
		strings.HasPrefix(r.Name, "by-sender-"):
		c.bad(prefix+"name", "%q is not free as the name of a route: services of relayhost's own are called so", r.Name)
	case taken:
		c.bad(prefix+"name", "route %q is there already, in line %d", r.Name, c.a.line(first))
	default:
		c.names[r.Name] = prefix + "name"
	}
	if r.Relay == "" {
		c.bad(prefix+"relay", "route %q names no relay", r.Name)
	}
	if len(r.Senders) == 0 {
		c.bad(prefix+"senders", "route %q has no senders", r.Name)
	}
	for i, s := range r.Senders {
		c.sender(fmt.Sprintf("%ssenders[%d]", prefix, i), s)
	}
	c.address(prefix+"from", r.From)
	c.proofSender(prefix, r)
	c.hop(prefix, r.HopAnswers)
	c.fallback(prefix, r.Fallback)
}

// proofSender demands that the sender of the proof is one that goes by the route.
func (c *answersCheck) proofSender(prefix string, r RouteAnswers) {
	from := ProofSender(r.Senders)
	switch {
	case r.From == "" && from != "" && (!SentBy(r.Senders, from) || !isAddress(from)):
		c.bad(prefix+"senders", "route %q has no address that it can be proven with: name one of its own with from", r.Name)
	case from != "" && isAddress(r.From) && !SentBy(r.Senders, r.From):
		c.bad(prefix+"from", "%s is none of the senders of route %q", r.From, r.Name)
	}
}

// maxRouteName leaves room in the name of a service: a queue file's folder and
// a process title hold it.
const maxRouteName = 40

func (c *answersCheck) sender(key, sender string) {
	// An asterisk is a character of addresses (RFC 5322, 3.2.3), and never meant so.
	if sender != NullSender && !isAddress(sender) && !isHost(strings.TrimPrefix(sender, ".")) || strings.Contains(sender, "*") {
		c.bad(key, "sender %q is neither a domain, .domain, an address nor <>", sender)
		return
	}
	folded := strings.ToLower(sender)
	if first, taken := c.senders[folded]; taken {
		c.bad(key, "sender %s is in a route already, in line %d", sender, c.a.line(first))
		return
	}
	c.senders[folded] = key
}

func (c *answersCheck) fallback(prefix string, hops []HopAnswers) {
	if len(hops) > maxFallbacks {
		c.bad(prefix+fmt.Sprintf("fallback[%d].", maxFallbacks), "a route has %d fall-backs at most", maxFallbacks)
		return
	}
	for i, h := range hops {
		key := fmt.Sprintf("%sfallback[%d].", prefix, i)
		c.hop(key, h)
		if h == (HopAnswers{}) {
			c.bad(key, "a fall-back needs at least a port or a relay of its own")
		}
	}
}

// maxFallbacks bounds what one message may wait through: each hop that hangs takes
// half a minute.
const maxFallbacks = 10

func (c *answersCheck) hop(prefix string, h HopAnswers) {
	if h.Host != "" && !isHost(h.Host) {
		c.bad(prefix+"host", "%q is not a host name or address", h.Host)
	}
	if isRelayFile(h.Relay) && h.Relay[0] != '/' {
		c.bad(prefix+"relay", "%q is not an absolute path", h.Relay)
	}
	if h.Port < 0 || h.Port > 65535 {
		c.bad(prefix+"port", "%d is not a port", h.Port)
	}
	if h.TLS != "" && h.TLS != "starttls" && h.TLS != "implicit" {
		c.bad(prefix+"tls", "tls is starttls or implicit, not %q", h.TLS)
	}
	if h.TLS != "" && h.Port == 0 {
		c.bad(prefix+"tls", "tls without a port says nothing: give the port, or leave tls out")
	}
	if h.CredentialsFile != "" && !strings.HasPrefix(h.CredentialsFile, "/") {
		c.bad(prefix+"credentials_file", "%q is not an absolute path", h.CredentialsFile)
	}
	if h.Fingerprint != "" {
		if _, err := fingerprint(h.Fingerprint); err != nil {
			c.bad(prefix+"fingerprint", "%v", err)
		}
		if h.NoVerify {
			c.bad(prefix+"fingerprint", "a fingerprint and no verification exclude each other")
		}
	}
	if h.Connections < 0 || h.Connections > maxConnections {
		c.bad(prefix+"connections", "%d is not a number from 1 to %d", h.Connections, maxConnections)
	}
}
