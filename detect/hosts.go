package detect

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed hosts/*.toml
var hostFiles embed.FS

// HostEntry is one hosting provider: how it is recognised and what it does to
// the ports of mail. Files are in hosts/, one a provider.
type HostEntry struct {
	ID       string                `toml:"id" json:"id"`
	Name     string                `toml:"name" json:"name"`
	Kind     string                `toml:"kind" json:"kind"`             // cloud | platform | residential
	Relay    string                `toml:"relay" json:"relay,omitempty"` // id of the provider's own relay service
	Notes    []string              `toml:"notes" json:"notes,omitempty"`
	DMI      []Signal              `toml:"dmi" json:"dmi,omitempty"`
	Metadata HostMetadata          `toml:"metadata" json:"metadata"`
	Policy   PortPolicy            `toml:"policy" json:"policy"`
	Sources  map[string]HostSource `toml:"source" json:"sources"`
}

// Signal is one local sign of a provider. File is a name under
// /sys/class/dmi/id, one of hypervisor_uuid, cmdline and pid1_environ, or an
// absolute path. Exactly one of Equals, Prefix, Suffix, Word and Exists is set.
type Signal struct {
	File    string  `toml:"file" json:"file"`
	Equals  string  `toml:"equals" json:"equals,omitempty"`
	Prefix  string  `toml:"prefix" json:"prefix,omitempty"`
	Suffix  string  `toml:"suffix" json:"suffix,omitempty"`
	Word    string  `toml:"word" json:"word,omitempty"`     // a whole word of the file
	Exists  string  `toml:"exists" json:"exists,omitempty"` // "file": it is there
	Also    *Signal `toml:"also" json:"also,omitempty"`     // must match as well
	Certain bool    `toml:"certain" json:"certain"`
	Source  string  `toml:"source" json:"source,omitempty"`
}

// HostMetadata says which reader of the metadata service is allowed, and by
// what else the provider's network is known.
type HostMetadata struct {
	Kind          string   `toml:"kind" json:"kind,omitempty"`
	Source        string   `toml:"source" json:"source,omitempty"`
	PTRSuffix     []string `toml:"ptr_suffix" json:"ptr_suffix,omitempty"`
	ASN           []uint32 `toml:"asn" json:"asn,omitempty"`
	NetworkSource string   `toml:"network_source" json:"network_source,omitempty"`
}

// PortPolicy is what sources say of the ports 25, 465, 587 and 2525, outbound
// and by default. It explains; the probe decides. Each of the four ports is in
// exactly one of Blocked, Open (not named in the source's list, or said to be
// open) and Unknown.
type PortPolicy struct {
	Blocked    []int          `toml:"blocked" json:"blocked"`
	Open       []int          `toml:"open" json:"open"`
	Unknown    []int          `toml:"unknown" json:"unknown"`
	Applies    string         `toml:"applies" json:"applies,omitempty"` // whom it hits
	Since      string         `toml:"since" json:"since,omitempty"`
	Unblock    string         `toml:"unblock" json:"unblock"` // no | request | self_service | automatic | unknown
	Steps      []string       `toml:"steps" json:"steps,omitempty"`
	Asks       []string       `toml:"asks" json:"asks,omitempty"`
	Plans      []Plan         `toml:"plans" json:"plans,omitempty"` // where it differs by plan
	URL        string         `toml:"url" json:"url"`
	AsOf       toml.LocalDate `toml:"as_of" json:"as_of"`
	Confidence string         `toml:"confidence" json:"confidence"`
	Conflicts  string         `toml:"conflicts" json:"conflicts,omitempty"` // between sources, as text
	Sources    []string       `toml:"sources" json:"sources"`
}

// Plan is what a provider lets out for those who have one of its plans.
type Plan struct {
	Plan string `toml:"plan" json:"plan"`
	Out  []int  `toml:"out" json:"out"` // of the ports 25, 465, 587 and 2525
}

// HostSource is where a fact was read, when, and how far it can be trusted. The
// source named "recalled" has no address: general knowledge, to be verified.
type HostSource struct {
	URL        string         `toml:"url" json:"url"`
	Checked    toml.LocalDate `toml:"checked" json:"checked"`
	Confidence string         `toml:"confidence" json:"confidence"` // official | observed | secondary | recalled | unsure
}

var loadHosts = sync.OnceValues(readHosts)

// Hosts returns the catalogue of hosting providers, sorted by id.
func Hosts() ([]HostEntry, error) { return loadHosts() }

// HostByID returns the provider with that id.
func HostByID(id string) (HostEntry, bool) {
	hosts, err := Hosts()
	if err != nil {
		return HostEntry{}, false
	}
	i := sort.Search(len(hosts), func(i int) bool { return hosts[i].ID >= id })
	if i == len(hosts) || hosts[i].ID != id {
		return HostEntry{}, false
	}
	return hosts[i], true
}

func readHosts() ([]HostEntry, error) {
	files, err := hostFiles.ReadDir("hosts")
	if err != nil {
		return nil, err
	}
	hosts := make([]HostEntry, 0, len(files))
	for _, file := range files {
		name := "hosts/" + file.Name()
		data, err := hostFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		entry, err := parseHost(name, data)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, entry)
	}
	return hosts, nil
}

// parseHost reads one file; an unknown key is an error that names file and line.
func parseHost(name string, data []byte) (HostEntry, error) {
	var entry HostEntry
	err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&entry)
	var strict *toml.StrictMissingError
	var decode *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		first := strict.Errors[0]
		row, _ := first.Position()
		return entry, fmt.Errorf("%s:%d: unknown key %s", name, row, strings.Join(first.Key(), "."))
	case errors.As(err, &decode):
		row, _ := decode.Position()
		return entry, fmt.Errorf("%s:%d: %w", name, row, decode)
	case err != nil:
		return entry, fmt.Errorf("%s: %w", name, err)
	}
	if err := entry.validate(); err != nil {
		return entry, fmt.Errorf("%s: %w", name, err)
	}
	if want := "hosts/" + entry.ID + ".toml"; name != want {
		return entry, fmt.Errorf("%s: id %q belongs in %s", name, entry.ID, want)
	}
	return entry, nil
}
