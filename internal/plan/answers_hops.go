package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/postfix"
	"relayhost/relays"
)

// NullSender is the sender of bounces as a route names it.
const NullSender = "<>"

// Catalogue finds a service by the name or path of a file that stands in
// AnswersPath.
type Catalogue func(name string) (relays.Relay, error)

// Resolver gives the hops of a file their service, host and, where the file or
// Postfix says so, port. It looks up each service and host once.
type Resolver struct {
	a     Answers
	find  Catalogue
	ports map[string][]int // of the next hops in use, by host
	first string           // next hop of the default route in use
	found map[string]relays.Relay
	hosts map[[2]string]string
}

// NewResolver is for the file a on the Postfix of s, whose Paths are loaded.
func NewResolver(a Answers, s postfix.State, find Catalogue) *Resolver {
	r := &Resolver{a: a, find: find, ports: map[string][]int{}, found: map[string]relays.Relay{}, hosts: map[[2]string]string{}}
	_, r.first, _ = strings.Cut(s.Params["default_transport"], ":")
	r.first = strings.ToLower(cmp.Or(r.first, s.Params["relayhost"]))
	list := append([]string{r.first}, furtherHops(s)...)
	for _, maps := range StoredAccounts(s).tables() {
		for _, t := range postfix.ParseTables(maps, s.DefaultMap) {
			for _, e := range parseTable(s.Maps[t.Path]).entries() {
				list = append(list, e.key) // where a table of senders is broken, say
			}
		}
	}
	for _, hop := range list {
		host, port, ok := cutNextHop(hop)
		if ok && !slices.Contains(r.ports[host], port) {
			r.ports[host] = append(r.ports[host], port)
		}
	}
	return r
}

// furtherHops lists the next hops of our services beside the default one: those of
// smtp_fallback_relay, those of the tables of senders, and those of the policy table
// of an earlier release.
func furtherHops(s postfix.State) []string {
	var list []string
	dir := cmp.Or(s.ConfigDir, postfix.DefaultConfigDir)
	if s.Master != nil {
		for _, o := range s.Master.Overrides("smtp_fallback_relay") {
			if strings.HasPrefix(o.Service, ServicePrefix) {
				list = append(list, words(strings.ToLower(o.Option.Value))...)
			}
		}
	}
	for _, name := range []string{bySenderFile, belowFile} {
		for _, e := range parseTable(s.Maps[filepath.Join(dir, name)]).entries() {
			if _, hop, _ := strings.Cut(e.value, ":"); strings.HasPrefix(e.value, ServicePrefix) {
				list = append(list, strings.ToLower(hop))
			}
		}
	}
	for _, e := range parseTable(s.Maps[filepath.Join(dir, policyFile)]).entries() {
		list = append(list, e.key)
	}
	return list
}

// cutNextHop takes "[host]:port" apart.
func cutNextHop(hop string) (host string, port int, ok bool) {
	host, number, ok := strings.Cut(strings.TrimPrefix(hop, "["), "]:")
	port, err := strconv.Atoi(number)
	return host, port, ok && err == nil && strings.HasPrefix(hop, "[")
}

// Complete is the file with host, port and TLS mode of the default relay, as far
// as the file, the catalogue or Postfix know them.
func (r *Resolver) Complete() (Answers, error) {
	a := r.a
	if a.Relay == "" {
		return a, nil
	}
	first, err := r.hop("", a.First())
	if err != nil {
		return a, err
	}
	chain, err := r.chain("", first, a.Fallback)
	if err != nil {
		return a, err
	}
	h := chain[0]
	a.Host, a.Port, a.TLS = h.Host, h.Port, string(h.TLS)
	return a, nil
}

// Options are the whole of the file, without accounts, as Fill leaves them. It
// must name a default relay.
func (r *Resolver) Options() (Options, error) {
	first, err := r.hop("", r.a.First())
	if err != nil {
		return Options{}, err
	}
	chain, err := r.chain("", first, r.a.Fallback)
	if err != nil {
		return Options{}, err
	}
	o := Options{From: r.a.From, To: r.a.To, RootTo: r.a.RootTo, Direct: r.a.Direct, MapType: r.a.MapType}.with(chain[0])
	return o, r.Fill(&o)
}

// Fill adds what the file says beside the default relay of o, which may be
// another than the file's. Hops whose port nobody knows yet have port 0; none has
// an account.
func (r *Resolver) Fill(o *Options) (err error) {
	if o.Fallback, err = r.Fallback(o.Hop()); err != nil {
		return err
	}
	o.Rewrite, o.read = r.a.Rewrite, r.a
	o.Routes, err = r.Routes()
	return err
}

// Fallback are the further hops of the default route whose first one is first.
func (r *Resolver) Fallback(first Hop) ([]Hop, error) {
	chain, err := r.chain("", first, r.a.Fallback)
	if err != nil {
		return nil, err
	}
	return chain[1:], nil
}

// Routes are those of the file.
func (r *Resolver) Routes() ([]Route, error) {
	var list []Route
	for i, ra := range r.a.Routes {
		prefix := fmt.Sprintf("route[%d].", i)
		first, err := r.hop(prefix, ra.HopAnswers)
		if err != nil {
			return nil, err
		}
		hops, err := r.chain(prefix, first, ra.Fallback)
		if err != nil {
			return nil, err
		}
		list = append(list, Route{Name: ra.Name, Senders: ra.Senders, From: cmp.Or(ra.From, ProofSender(ra.Senders), r.a.From), Hops: hops})
	}
	return list, nil
}

// ProofSender is the sender that a route is proven with where its from does not
// say: its first address, else postmaster of its first domain; "" where it has
// the null sender alone.
func ProofSender(senders []string) string {
	domain, above := "", ""
	for _, s := range senders {
		switch {
		case s == NullSender:
		case strings.Contains(s, "@"):
			return s
		case strings.HasPrefix(s, "."):
			above = cmp.Or(above, s[1:])
		default:
			domain = cmp.Or(domain, s)
		}
	}
	if domain = cmp.Or(domain, above); domain == "" {
		return ""
	}
	return "postmaster@" + domain
}

// SentBy reports whether mail from address goes by a route that has senders.
func SentBy(senders []string, address string) bool {
	_, domain, _ := strings.Cut(strings.ToLower(address), "@")
	return slices.ContainsFunc(senders, func(s string) bool {
		s = strings.ToLower(s)
		return s == domain || strings.EqualFold(s, address) || strings.HasPrefix(s, ".") && strings.HasSuffix(domain, s)
	})
}

// chain adds the fall-backs to the first hop and holds them against it.
func (r *Resolver) chain(prefix string, first Hop, fallback []HopAnswers) ([]Hop, error) {
	chain := []Hop{first}
	if name := first.answers().Relay; name != relays.SmarthostID {
		r.found[name] = first.Relay
	}
	keys := []string{prefix}
	for i, h := range fallback {
		key := fmt.Sprintf("%sfallback[%d].", prefix, i)
		hop, err := r.hop(key, inherit(h, first))
		if err != nil {
			return nil, err
		}
		if hop.Relay.ID == relays.SmarthostID && hop.Host == first.Host {
			hop.Relay.Auth = first.Relay.Auth
		}
		chain, keys = append(chain, hop), append(keys, key)
	}
	for i := range chain {
		if chain[i].Port == 0 {
			chain[i].Port = r.portInUse(chain, chain[i].Host)
		}
		if err := r.mode(keys[i], &chain[i]); err != nil {
			return nil, err
		}
		if err := r.fits(keys[i], chain[:i+1]); err != nil {
			return nil, err
		}
	}
	return chain, nil
}

// inherit fills in what a fall-back leaves out: it is the first hop's, as far as
// it is of the same service.
func inherit(h HopAnswers, first Hop) HopAnswers {
	f := first.answers()
	if h.Relay != "" && h.Relay != f.Relay {
		return h
	}
	if h.Region == "" && h.Host == "" {
		h.Region, h.Host = f.Region, f.Host
	}
	h.Relay = f.Relay
	h.CredentialsFile = cmp.Or(h.CredentialsFile, f.CredentialsFile)
	if h.CAFile == "" && h.Fingerprint == "" && !h.NoVerify {
		h.CAFile, h.Fingerprint, h.NoVerify = f.CAFile, f.Fingerprint, f.NoVerify
	}
	if h.Connections == 0 {
		h.Connections = f.Connections
	}
	return h
}

// fits holds the last hop of a chain against the others. Implicit TLS, CA file
// and what is demanded of a certificate hold for a whole smtp(8) process.
func (r *Resolver) fits(key string, chain []Hop) error {
	first, hop := chain[0], chain[len(chain)-1]
	switch {
	case first.Port != 0 && hop.Port != 0 && hop.TLS != first.TLS:
		e := r.a.Mistake(key+"port", "port %d of %s has %s, and the first hop %s: one smtp(8) process does one of the two", hop.Port, hop.Host, tlsWord(hop.TLS), tlsWord(first.TLS))
		e.Hint = "give both hops ports of one kind, such as 587 and 2525, or 465 and 2465"
		return e
	case hop.CAFile != first.CAFile:
		return r.a.Mistake(key+"ca_file", "the hops of one route are verified by one CA file, and %s would have another: name one file that holds both", hop.Host)
	case hop.Pin != first.Pin || hop.NoVerify != first.NoVerify:
		return r.a.Mistake(key+"fingerprint", "the hops of one route are verified in one way, and %s would be verified in another", hop.Host)
	}
	for _, other := range chain[:len(chain)-1] {
		if hop.Port != 0 && hop.NextHop() == other.NextHop() {
			return r.a.Mistake(key+"port", "%s port %d is in this route already", hop.Host, hop.Port)
		}
	}
	return nil
}

func tlsWord(m relays.TLSMode) string {
	if m == relays.Implicit {
		return "TLS from the first byte"
	}
	return "STARTTLS"
}

// hop resolves one hop, but for a port that is left out.
func (r *Resolver) hop(prefix string, h HopAnswers) (Hop, error) {
	relay, err := r.relay(prefix, h)
	if err != nil {
		return Hop{}, err
	}
	hop := Hop{
		Relay: relay, Region: h.Region, Port: h.Port, TLS: relays.TLSMode(h.TLS), CAFile: h.CAFile, Pin: h.Fingerprint, NoVerify: h.NoVerify,
		CredentialsFile: h.CredentialsFile, Connections: h.Connections,
	}
	if isRelayFile(h.Relay) {
		hop.RelayFile = h.Relay
	}
	hop.Host, err = r.host(prefix, relay, h)
	return hop, err
}

// mode says how TLS starts on the port of hop, if it has one.
func (r *Resolver) mode(prefix string, hop *Hop) error {
	if hop.Port == 0 || hop.Relay.ID == relays.SmarthostID {
		if hop.Port != 0 && hop.TLS == "" {
			hop.TLS = relays.UsualTLS(hop.Port)
		}
		return nil
	}
	mode, ok := hop.Relay.TLSOf(hop.Port)
	switch {
	case !ok:
		return r.a.Mistake(prefix+"port", "%s has no port %d: its ports are %s", hop.Relay.Name, hop.Port, portList(hop.Relay))
	case mode != relays.Unsure && hop.TLS != "" && hop.TLS != mode:
		return r.a.Mistake(prefix+"tls", "port %d of %s has %s", hop.Port, hop.Relay.Name, tlsWord(mode))
	case hop.TLS == "":
		hop.TLS = mode
	}
	return nil
}

func portList(r relays.Relay) string {
	var ports []string
	for _, p := range r.Ports {
		ports = append(ports, strconv.Itoa(p.Port))
	}
	return strings.Join(ports, ", ")
}

// portInUse is the port that Postfix uses for host now and that no hop of the
// chain has; 0 for none.
func (r *Resolver) portInUse(chain []Hop, host string) int {
	for _, port := range r.ports[host] {
		if !slices.ContainsFunc(chain, func(h Hop) bool { return h.Host == host && h.Port == port }) {
			return port
		}
	}
	return 0
}

// relay finds the service. A smarthost is as the file describes it.
func (r *Resolver) relay(prefix string, h HopAnswers) (relays.Relay, error) {
	if h.Relay == relays.SmarthostID {
		if h.Host == "" || h.Port == 0 {
			return relays.Relay{}, r.a.Mistake(prefix+"relay", "a smarthost needs its host and its port")
		}
		mode := relays.TLSMode(h.TLS)
		if mode == "" {
			mode = relays.UsualTLS(h.Port)
		}
		return relays.Smarthost(h.Host, h.Port, mode, h.CredentialsFile != ""), nil
	}
	if relay, ok := r.found[h.Relay]; ok {
		return relay, nil
	}
	relay, err := r.find(h.Relay)
	if err != nil {
		e := r.a.Mistake(prefix+"relay", "%v", err)
		e.Hint = "relayhost relays lists the services"
		return relays.Relay{}, e
	}
	r.found[h.Relay] = relay
	return relay, nil
}

// host is the one of the region; without a region the one that the file names,
// where it is the service's.
func (r *Resolver) host(prefix string, relay relays.Relay, h HopAnswers) (string, error) {
	region, key := h.Region, "region"
	if region == "" && h.Host != "" {
		region, key = h.Host, "host"
	}
	if host, ok := r.hosts[[2]string{h.Relay, region}]; ok && relay.ID != relays.SmarthostID {
		return host, nil
	}
	host := strings.ToLower(h.Host)
	if relay.ID != relays.SmarthostID {
		var err error
		if host, err = relay.Host(region); err != nil {
			return "", r.a.Mistake(prefix+key, "%v", err)
		}
	}
	r.hosts[[2]string{h.Relay, region}] = host
	return host, nil
}
