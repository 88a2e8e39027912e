package explain

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"relayhost/internal/lazy"
	"slices"
	"strings"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed failures/*.toml voices.toml
var files embed.FS

// failure is one entry of failures/*.toml.
type failure struct {
	ID            string   `toml:"id"`
	Title         string   `toml:"title"`
	Phase         string   `toml:"phase"`
	Outcome       string   `toml:"outcome"`
	Scope         string   `toml:"scope"`
	Retry         string   `toml:"retry"`
	Generic       bool     `toml:"generic,omitempty"`       // gives way to what says more
	Consequence   bool     `toml:"consequence,omitempty"`   // comes of another fault, which is named first
	Notice        bool     `toml:"notice,omitempty"`        // explained when asked for, never reported of a whole log
	HostOnly      bool     `toml:"host_only,omitempty"`     // no text shows it, only the state of the host
	GenericReply  bool     `toml:"generic_reply,omitempty"` // what a reply says gives way, what Postfix says does not
	Inbound       bool     `toml:"inbound,omitempty"`       // smtpd(8), which takes mail in, can say so too
	First         bool     `toml:"first,omitempty"`         // says more than the service's own list of replies
	Here          bool     `toml:"here,omitempty"`          // its replies count where no other host is known to have given them
	FirstText     bool     `toml:"first_text,omitempty"`    // what it matches in another program's words says more than others
	Order         int      `toml:"order,omitempty"`         // of causes of one rank, the smaller goes first; 0: usualOrder
	Relay         []string `toml:"relay,omitempty"`         // only for these services; none: for all
	Log           []string `toml:"log,omitempty"`           // against Postfix's own words, the daemon's name in front
	Suspect       []string `toml:"suspect,omitempty"`       // as Log, but the state of the host has to confirm it
	Reply         []string `toml:"reply,omitempty"`         // against the other side's, code included, in any case
	Text          []string `toml:"text,omitempty"`          // against the words of other programs, in any case
	Samples       []string `toml:"samples,omitempty"`       // none: the log does not show it
	Meaning       string   `toml:"meaning"`
	Remedy        string   `toml:"remedy"`
	Command       string   `toml:"command,omitempty"`
	AmbiguousWith []string `toml:"ambiguous_with,omitempty"`
	Source        string   `toml:"source"`
	// Variants have words of their own where a line says more.
	Variants []variant `toml:"variants,omitempty"`
	// Program has the words for a text of another program, which no setting of
	// Postfix's helps.
	Program variant `toml:"program,omitempty"`

	log, suspect, reply, text []pattern
}

// variant replaces the words of a failure where its pattern matches the line.
type variant struct {
	Log     string `toml:"log"` // against Postfix's own words, or another program's
	Title   string `toml:"title,omitempty"`
	Meaning string `toml:"meaning,omitempty"`
	Remedy  string `toml:"remedy,omitempty"`
	Command string `toml:"command,omitempty"`

	log *regexp.Regexp
}

func (f *failure) cause() Cause {
	return Cause{ID: f.ID, Title: f.Title, Meaning: f.Meaning, Remedy: f.Remedy, Command: f.Command, Phase: f.Phase,
		Outcome: f.Outcome, Retry: f.Retry, Scope: f.Scope, Lost: f.Outcome == "lost", Source: f.Source,
		rank: f.rank(), order: cmp.Or(f.Order, usualOrder), consequence: f.Consequence, notice: f.Notice, hostOnly: f.HostOnly}
}

// The ranks of causes: what says more comes first, and what follows from
// something else, or harms nothing, last.
const (
	rankService = 20 // the service's own words
	rankFault   = 30
	rankText    = 40 // another program's words
	rankGeneric = 60
	rankFollows = 80
	rankNotice  = 90
)

// usualOrder is that of a failure that names none.
const usualOrder = 50

func (f *failure) rank() int {
	switch {
	case f.First:
		return rankService - 5
	case f.Notice:
		return rankNotice
	case f.Consequence:
		return rankFollows
	case f.Outcome == "works":
		return rankNotice - 5
	case f.Generic:
		return rankGeneric
	}
	return rankFault
}

// receives are the phases of faults in taking mail in and of the host itself;
// the others are of mail that goes out, which smtpd(8) never sends.
var receives = []string{"config", "host", "map", "secrets"}

// takes reports whether a line of the daemon can tell of f.
func (f *failure) takes(inbound bool) bool {
	return !inbound || f.Inbound || slices.Contains(receives, f.Phase)
}

// knowledge is all failures, and who speaks how.
type knowledge struct {
	failures []*failure
	byID     map[string]*failure
	voices   voices
	harmless []pattern // warnings that mean nothing
}

func (k *knowledge) knownHarmless(own string) bool {
	return anyMatches(k.harmless, own, strings.ToLower(own))
}

// known loads and compiles the embedded files once.
var known = sync.OnceValues(func() (*knowledge, error) { return load(files) })

// ByID returns a cause of the failure catalogue.
func ByID(id string) (Cause, bool) {
	f, ok := must().byID[id]
	if !ok {
		return Cause{}, false
	}
	return f.cause().filled(nil), true
}

// must returns the embedded knowledge, which a test holds to be sound.
func must() *knowledge {
	k, err := known()
	if err != nil {
		panic(err)
	}
	return k
}

func load(fsys fs.FS) (*knowledge, error) {
	k := &knowledge{byID: map[string]*failure{}}
	names, err := fs.Glob(fsys, "failures/*.toml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var file struct {
			Failures []*failure `toml:"failures"`
			Harmless []string   `toml:"harmless"`
		}
		if err := decode(fsys, name, &file); err != nil {
			return nil, err
		}
		for _, f := range file.Failures {
			if err := k.add(f); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", name, f.ID, err)
			}
		}
		for _, s := range file.Harmless {
			p, err := newPattern(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			k.harmless = append(k.harmless, p)
		}
	}
	if err := decode(fsys, "voices.toml", &k.voices); err != nil {
		return nil, err
	}
	return k, k.voices.compile()
}

func decode(fsys fs.FS, name string, into any) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

var (
	idForm   = lazy.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	outcomes = []string{"deferred", "lost", "stuck", "works", "varies"}
	scopes   = []string{"account", "recipient", "rate", "service", "host"}
	retries  = []string{"fix", "wait", "slow"}
)

// add validates f and compiles its patterns.
func (k *knowledge) add(f *failure) error {
	switch {
	case !idForm.MatchString(f.ID):
		return fmt.Errorf("the id is not of the form a_b_c")
	case k.byID[f.ID] != nil:
		return fmt.Errorf("the id stands twice")
	case f.Title == "" || f.Meaning == "" || f.Remedy == "" || f.Phase == "" || f.Source == "":
		return fmt.Errorf("title, phase, meaning, remedy or source is missing")
	case !slices.Contains(outcomes, f.Outcome), !slices.Contains(scopes, f.Scope), !slices.Contains(retries, f.Retry):
		return fmt.Errorf("outcome, scope or retry is none of the known words")
	}
	for _, list := range []struct {
		from  []string
		to    *[]pattern
		flags string
	}{{f.Log, &f.log, ""}, {f.Suspect, &f.suspect, ""}, {f.Reply, &f.reply, "(?is)"}, {f.Text, &f.text, "(?is)"}} {
		for _, s := range list.from {
			p, err := newPattern(list.flags + s)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, p)
		}
	}
	for i := range f.Variants {
		re, err := regexp.Compile(f.Variants[i].Log)
		if err != nil {
			return err
		}
		f.Variants[i].log = re
	}
	k.failures = append(k.failures, f)
	k.byID[f.ID] = f
	return nil
}

// Page is a cause with texts that it was found in, for a page of its own.
type Page struct {
	Cause
	Samples []string
	Relays  []string // IDs of the relays that say it; none for all
}

// Pages are the causes of the failure catalogue that a text can show, in its order.
func Pages() []Page {
	var list []Page
	for _, f := range must().failures {
		if f.HostOnly || len(f.Samples) == 0 {
			continue
		}
		list = append(list, Page{Cause: f.cause().filled(nil), Samples: f.Samples, Relays: f.Relay})
	}
	return list
}
