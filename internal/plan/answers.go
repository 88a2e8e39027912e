package plan

import (
	"bytes"
	"fmt"

	"github.com/pelletier/go-toml/v2"

	"relayhost/relays"
)

// AnswersPath is where the answers of a set-up are kept, without secrets.
const AnswersPath = "/etc/relayhost/relayhost.toml"

// Answers are the contents of AnswersPath: what a later run takes where it is
// not told anew. User name and password are in the password table alone, since
// with some services the user name is the password.
type Answers struct {
	Version     int      `toml:"version"`
	Relay       string   `toml:"relay"`
	Region      string   `toml:"region,omitempty"`
	Host        string   `toml:"host"`
	Port        int      `toml:"port"`
	TLS         string   `toml:"tls"` // starttls | implicit
	From        string   `toml:"from"`
	To          string   `toml:"to,omitempty"`
	RootTo      string   `toml:"root_to,omitempty"`
	Direct      []string `toml:"direct,omitempty"`
	MapType     string   `toml:"map_type,omitempty"`
	CAFile      string   `toml:"ca_file,omitempty"`
	Fingerprint string   `toml:"fingerprint,omitempty"`
	NoVerify    bool     `toml:"insecure_no_verify_certificate,omitempty"`
	Connections int      `toml:"connections,omitempty"`
}

const answersHeader = "# The answers that relayhost set this server up with. It holds no secrets.\n# \"relayhost setup\" keeps what is here unless told otherwise.\n"

// answersVersion is raised when a key changes its meaning.
const answersVersion = 1

// ReadAnswers reads the text of AnswersPath. Unknown keys are errors that name
// row and column.
func ReadAnswers(data []byte) (Answers, error) {
	var a Answers
	decoder := toml.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		return Answers{}, fmt.Errorf("%s: %w", AnswersPath, err)
	}
	if a.Version != answersVersion {
		return Answers{}, fmt.Errorf("%s: version %d is not known to this relayhost", AnswersPath, a.Version)
	}
	return a, nil
}

// Fill puts the answers of an earlier set-up into o where o has none. The relay
// itself is looked up by the caller; host, port and TLS are taken over only when
// o is for the same relay and region.
func (a Answers) Fill(o *Options) {
	if o.Relay.ID == a.Relay && (o.Region == "" || o.Region == a.Region) {
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

// answers adds AnswersPath to the plan.
func (b *builder) answers() error {
	o := b.o
	text, err := toml.Marshal(Answers{
		Version: answersVersion, Relay: o.Relay.ID, Region: o.Region, Host: o.Host, Port: o.Port, TLS: string(o.TLS),
		From: o.From, To: o.To, RootTo: o.RootTo, Direct: o.Direct, MapType: o.MapType,
		CAFile: o.CAFile, Fingerprint: o.Pin, NoVerify: o.NoVerify, Connections: o.Connections,
	})
	if err != nil {
		return fmt.Errorf("write answers: %w", err)
	}
	b.file(File{Path: AnswersPath, After: append([]byte(answersHeader), text...), Mode: 0o644})
	return nil
}
