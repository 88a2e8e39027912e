package explain

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sync"

	"github.com/pelletier/go-toml/v2"
)

//go:embed failures/*.toml
var files embed.FS

// failure is one entry of failures/*.toml.
type failure struct {
	ID            string   `toml:"id"`
	Title         string   `toml:"title"`
	Phase         string   `toml:"phase"`
	Outcome       string   `toml:"outcome"`
	Scope         string   `toml:"scope"`
	Retry         string   `toml:"retry"`
	Generic       bool     `toml:"generic,omitempty"` // gives way to what says more
	Relay         []string `toml:"relay,omitempty"`   // only for these services; none: for all
	Log           []string `toml:"log,omitempty"`     // against Postfix's own words
	Reply         []string `toml:"reply,omitempty"`   // against the other side's, code included
	Samples       []string `toml:"samples,omitempty"` // none: the log does not show it
	Meaning       string   `toml:"meaning"`
	Remedy        string   `toml:"remedy"`
	Command       string   `toml:"command,omitempty"`
	AmbiguousWith []string `toml:"ambiguous_with,omitempty"`
	Source        string   `toml:"source"`

	log, reply []*regexp.Regexp
}

func (f *failure) cause() Cause {
	return Cause{ID: f.ID, Title: f.Title, Meaning: f.Meaning, Remedy: f.Remedy, Command: f.Command, Phase: f.Phase,
		Outcome: f.Outcome, Retry: f.Retry, Scope: f.Scope, Lost: f.Outcome == "lost", Source: f.Source, generic: f.Generic}
}

// knowledge is all failures, and the automaton that finds which of their
// patterns a text can match at all.
type knowledge struct {
	failures []*failure
	byID     map[string]*failure
	scan     *automaton
}

// known loads and compiles the embedded files once.
var known = sync.OnceValues(func() (*knowledge, error) { return load(files) })

// ByID returns a cause of the failure catalogue.
func ByID(id string) (Cause, bool) {
	f, ok := must().byID[id]
	if !ok {
		return Cause{}, false
	}
	return f.cause(), true
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
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		var file struct {
			Failures []*failure `toml:"failures"`
		}
		decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
		if err := decoder.Decode(&file); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, f := range file.Failures {
			if err := k.add(f); err != nil {
				return nil, fmt.Errorf("%s: %q: %w", name, f.ID, err)
			}
		}
	}
	k.scan, err = newAutomaton(k.failures)
	return k, err
}

var (
	idForm   = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
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
		from []string
		to   *[]*regexp.Regexp
	}{{f.Log, &f.log}, {f.Reply, &f.reply}} {
		for _, pattern := range list.from {
			re, err := regexp.Compile(pattern)
			if err != nil {
				return err
			}
			*list.to = append(*list.to, re)
		}
	}
	k.failures = append(k.failures, f)
	k.byID[f.ID] = f
	return nil
}
