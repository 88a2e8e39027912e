package plan

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"relayhost/relays"
)

// AnswersPath is where the answers of a set-up are kept, without secrets.
const AnswersPath = "/etc/relayhost/relayhost.toml"

// Answers are the contents of AnswersPath: what a later run takes where it is
// not told anew. The fields of the top level are those of the default relay. User
// name and password are in the password table alone, since with some services
// the user name is the password.
type Answers struct {
	Version     int      `toml:"version"`
	Relay       string   `toml:"relay"`
	Region      string   `toml:"region,omitempty"`
	Host        string   `toml:"host,omitempty"`
	Port        int      `toml:"port,omitempty"`
	TLS         string   `toml:"tls,omitempty"` // starttls | implicit
	From        string   `toml:"from"`
	To          string   `toml:"to,omitempty"`
	RootTo      string   `toml:"root_to,omitempty"`
	Direct      []string `toml:"direct,omitempty"`
	MapType     string   `toml:"map_type,omitempty"`
	CAFile      string   `toml:"ca_file,omitempty"`
	Fingerprint string   `toml:"fingerprint,omitempty"`
	NoVerify    bool     `toml:"insecure_no_verify_certificate,omitempty"`
	Connections int      `toml:"connections,omitempty"`
	// CredentialsFile is where the account is read from; "" keeps the stored one.
	CredentialsFile string            `toml:"credentials_file,omitempty"`
	Fallback        []HopAnswers      `toml:"fallback,omitempty"`
	Rewrite         map[string]string `toml:"rewrite,omitempty"`
	Routes          []RouteAnswers    `toml:"route,omitempty"`

	text []byte          // as read, for the lines of mistakes
	at   *map[string]int // where its keys are, once that has been asked
}

// HopAnswers are those of one hop. What a fall-back hop leaves out is that of the
// first hop of its route; host, port and tls may be left out everywhere.
type HopAnswers struct {
	Relay           string `toml:"relay,omitempty"`
	Region          string `toml:"region,omitempty"`
	Host            string `toml:"host,omitempty"`
	Port            int    `toml:"port,omitempty"`
	TLS             string `toml:"tls,omitempty"`
	CredentialsFile string `toml:"credentials_file,omitempty"`
	CAFile          string `toml:"ca_file,omitempty"`
	Fingerprint     string `toml:"fingerprint,omitempty"`
	NoVerify        bool   `toml:"insecure_no_verify_certificate,omitempty"`
	Connections     int    `toml:"connections,omitempty"`
}

// RouteAnswers are those of one route: whose mail it is, the first hop, and the
// others in order.
type RouteAnswers struct {
	Name    string   `toml:"name"`
	Senders []string `toml:"senders"`
	HopAnswers
	From     string       `toml:"from,omitempty"`
	Fallback []HopAnswers `toml:"fallback,omitempty"`
}

const answersHeader = "# The answers that relayhost set this server up with. It holds no secrets.\n# \"relayhost setup\" keeps what is here unless told otherwise.\n"

// answersVersion is raised when a key changes its meaning.
const answersVersion = 1

// First are the answers on the first hop of the default route.
func (a Answers) First() HopAnswers {
	return HopAnswers{
		Relay: a.Relay, Region: a.Region, Host: a.Host, Port: a.Port, TLS: a.TLS, CredentialsFile: a.CredentialsFile,
		CAFile: a.CAFile, Fingerprint: a.Fingerprint, NoVerify: a.NoVerify, Connections: a.Connections,
	}
}

// isRelayFile tells the path of a catalogue file from the name of a service.
func isRelayFile(name string) bool { return strings.ContainsRune(name, '/') }

// Several reports whether there is more than the one relay.
func (a Answers) Several() bool { return len(a.Routes) > 0 || len(a.Fallback) > 0 }

// Marshal writes a as the text of AnswersPath.
func (a Answers) Marshal() ([]byte, error) {
	a.Version = answersVersion
	text, err := toml.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", AnswersPath, err)
	}
	return append([]byte(answersHeader), text...), nil
}

// Fill puts the answers of an earlier set-up into o where o has none. The relay
// itself is looked up by the caller; host, port and TLS are taken over only when
// o is for the same relay and region.
func (a Answers) Fill(o *Options) {
	if isRelayFile(a.Relay) && o.RelayFile == "" {
		o.RelayFile = a.Relay
	}
	if (o.Relay.ID == a.Relay || o.RelayFile != "" && o.RelayFile == a.Relay) && (o.Region == "" || o.Region == a.Region) {
		if o.Host == "" {
			o.Host, o.Region = a.Host, a.Region
		}
		if o.Port == 0 && o.Host == a.Host {
			o.Port, o.TLS = a.Port, relays.TLSMode(a.TLS)
		}
		if o.CAFile == "" && o.Pin == "" && !o.NoVerify && o.Host == a.Host {
			o.CAFile, o.Pin, o.NoVerify = a.CAFile, a.Fingerprint, a.NoVerify
		}
		if o.Connections == 0 {
			o.Connections = a.Connections
		}
		if o.CredentialsFile == "" {
			o.CredentialsFile = a.CredentialsFile
		}
	}
	for _, f := range []struct{ to, from *string }{
		{&o.From, &a.From}, {&o.To, &a.To}, {&o.RootTo, &a.RootTo}, {&o.MapType, &a.MapType},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
	if o.Direct == nil {
		o.Direct = a.Direct
	}
}

// Answers are what of o is kept.
func (o Options) Answers() Answers {
	a := Answers{
		Version: answersVersion, Relay: cmp.Or(o.RelayFile, o.Relay.ID), Region: o.Region, Host: o.Host, Port: o.Port, TLS: string(o.TLS),
		From: o.From, To: o.To, RootTo: o.RootTo, Direct: o.Direct, MapType: o.MapType,
		CAFile: o.CAFile, Fingerprint: o.Pin, NoVerify: o.NoVerify, Connections: o.Connections,
		CredentialsFile: o.CredentialsFile, Rewrite: o.Rewrite,
	}
	for _, h := range o.Fallback {
		a.Fallback = append(a.Fallback, h.answers())
	}
	for _, r := range o.Routes {
		route := RouteAnswers{Name: r.Name, Senders: r.Senders, HopAnswers: r.Hops[0].answers(), From: r.From}
		if ProofSender(r.Senders) == "" {
			route.From = "" // bounces have no sender that could be another
		}
		for _, h := range r.Hops[1:] {
			route.Fallback = append(route.Fallback, h.answers())
		}
		a.Routes = append(a.Routes, route)
	}
	return a
}

func (h Hop) answers() HopAnswers {
	return HopAnswers{
		Relay: cmp.Or(h.RelayFile, h.Relay.ID), Region: h.Region, Host: h.Host, Port: h.Port, TLS: string(h.TLS), CredentialsFile: h.CredentialsFile,
		CAFile: h.CAFile, Fingerprint: h.Pin, NoVerify: h.NoVerify, Connections: h.Connections,
	}
}

// answers adds AnswersPath to the plan. A file that says the same in other words,
// as one written by hand does, stays as it is.
func (b *builder) answers() error {
	want := b.o.Answers()
	text := b.s.Maps[AnswersPath]
	if have, ok := b.answersNow(); !ok || !have.Says(want) {
		var err error
		if text, err = want.Marshal(); err != nil {
			return err
		}
	}
	b.file(File{Path: AnswersPath, After: text, Mode: 0o644})
	return nil
}

// answersNow is the file as it stands, if it can be read.
func (b *builder) answersNow() (Answers, bool) {
	before := b.s.Maps[AnswersPath]
	if len(before) == 0 {
		return Answers{}, false
	}
	if bytes.Equal(b.o.read.text, before) {
		return b.o.read, true
	}
	have, err := ReadAnswers(before)
	return have, err == nil
}
