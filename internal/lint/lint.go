// Package lint judges a Postfix configuration by its texts: main.cf, master.cf
// and the sources of lookup tables. It starts nothing and opens no file; what it
// cannot see it does not judge. Each rule finds one kind of fault and says in
// which file and line it is and what to do. The IDs of rules are those of the
// causes in internal/explain where there is one for the same fault.
package lint

import (
	"cmp"
	"slices"
	"strings"
)

// Severity is how bad a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // mail does not leave, or not as meant
	Warning Severity = "warning" // it may not
)

// Config is what there is to judge. Nil fields are not known, and rules that
// need them find nothing.
type Config struct {
	Main, Master string    // the paths of main.cf and master.cf
	Defined      []Param   // in main.cf, in order, repetitions included
	Services     []Service // of master.cf
	// Params are effective values by name, expanded (postconf -x). Without one
	// Defined counts.
	Params map[string]string
	// Tables are the sources of lookup tables by path.
	Tables map[string][]byte
	// Exists reports whether a file is there; known is false where that cannot
	// be told.
	Exists func(path string) (exists, known bool)
	// Types are the lookup table types that this Postfix has (postconf -m).
	Types []string

	// What follows is for the rules about routes (Inspect, Against), Defaults for those
	// about values as well.
	AtLeast                  func(major, minor int) bool
	SASLTypes, SASLPlugins   []string          // postconf -A; nil where not known
	Unreadable               []string          // tables that exist and could not be read
	Defaults                 map[string]string // postconf -dx
	Warnings, InlineComments []string          // what postconf said; parameters with a "#" in the value
	Lookups                  Lookups
	Running                  bool   // a master process runs
	Dir, Hostname, FQDN      string // config_directory; the name that the kernel knows, and the full one
	// Effective is the value of a parameter as a service of the type unix sees
	// it; known is false for a value that only postconf(1) can expand, as it is
	// of Expand, for the value of an -o.
	Effective func(service, name string) (value string, known bool)
	Expand    func(value string) (expanded string, known bool)
}

// Lookups reads lookup tables from their sources, as Postfix would. maps is the
// value of a ..._maps parameter, expanded.
type Lookups interface {
	Tables(maps string) []Table
	Get(maps, key string) (value string, ok bool)
	Closed(maps string) bool                       // one of them cannot be read from here
	Source(path string) (map[string]string, error) // by key in lower case
}

// Table is a lookup table that a parameter names.
type Table struct {
	Type, Path string
	Editable   bool // its source has the form "key value"
}

func (t Table) String() string { return t.Type + ":" + t.Path }

// String joins file and detail for a person.
func (f Finding) String() string { return f.File + ": " + f.Detail }

// Subject is what a finding is about. Two of one subject are one fault, whatever their
// words.
type Subject struct{ Rule, Parameter, Table string }

// Subject is that of f.
func (f Finding) Subject() Subject { return Subject{f.Rule, f.Parameter, f.Table} }

// Finding is one fault. Its texts hold no value of a password table.
type Finding struct {
	Rule      string // ID of the rule
	Severity  Severity
	File      string // path, or "main.cf", "master.cf: relayhost-ses/unix"
	Line      int    // from 1; 0 where the fault has no line
	Parameter string // that names the table or has the value; "" where more than one is to blame
	Table     string // lookup table that it is about, "hash:/etc/postfix/sasl_passwd"; "" for none
	Package   string // that is missing; "" for none
	Detail    string // one sentence that names the parameter, not sanitised: it may quote names of the files
	Remedy    string // what to do, an imperative
	Command   string // that does it; "" where there is none
}

// Rule is one kind of fault. Its severity is that of findings that have none of their own.
type Rule struct {
	ID       string
	Severity Severity
	Check    func(*View) []Finding
}

// Rules are the rules about files, the gravest first: what stops all mail, what stops some,
// what is only likely to be meant otherwise.
func Rules() []Rule {
	return slices.Concat(valueRules(), tableRules(), []Rule{
		{"mastercf_syntax", Error, malformedOption},
		{"table_dollar", Error, dollar},
		{"table_no_colon", Error, noColon},
		{"table_empty_entry", Error, emptyEntry},
		{"tls_level_starves_filter", Error, levelUnmet},
		{"tls_wrappermode_global", Error, wrappermodeUnmet},
		{"tls_client_certificate", Warning, lostCertificate},
		{"map_key_mismatch", Warning, unusedKey},
		{"maincf_duplicate", Warning, duplicate},
	})
}

// Check runs the rules about files.
func Check(c Config) []Finding {
	return (&View{Config: c}).run(Rules())
}

// Stopping runs the rules about what keeps all mail from leaving (Finding.Stops).
func Stopping(c Config) []Finding {
	found := (&View{Config: c}).run(append(valueRules(), tableRules()...))
	return slices.DeleteFunc(found, func(f Finding) bool { return !f.Stops() })
}

func (v *View) run(rules []Rule) (all []Finding) {
	for _, r := range rules {
		for _, f := range r.Check(v) {
			f.Rule, f.Severity = r.ID, cmp.Or(f.Severity, r.Severity)
			if f.Remedy == "" {
				f.Remedy, f.Command = remedies[r.ID].remedy, cmp.Or(f.Command, remedies[r.ID].command)
			}
			if strings.HasPrefix(r.ID, "table_") && v.foreign(f.File) {
				f.Severity = Warning
			}
			all = append(all, f)
		}
	}
	return all
}

// View is what a rule judges.
type View struct {
	Config
	Routes []Route // none for a rule about files
	Meant  bool    // they are what is meant, not what is

	// What rules look up again and again, by hops, Last, transport and badValues.
	judged []*hop
	last   map[string]Param
	units  map[string]Service
	values []Finding
}

// Param is one definition in main.cf.
type Param struct {
	Name, Value string // the value as it is written, continuation lines joined
	Line        int
}

// Service is one entry of master.cf with its -o options.
type Service struct {
	Name, Type, Command string
	Args                []string // of the program that are no -o
	Chrooted            bool
	Public              bool    // its socket is not in the private directory
	Options             []Param // without a Name where the text is no name=value
	Line                int
}

// logicalLine is a line with the lines that continue it.
type logicalLine struct {
	text string
	line int // of its beginning
}

// logicalLines joins lines as Postfix does (postconf(5)): one that begins with
// white space continues the one before, over comments and blank lines.
func logicalLines(data []byte) (all []logicalLine) {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#':
		case line[0] != ' ' && line[0] != '\t':
			all = append(all, logicalLine{line, n})
		case len(all) > 0:
			all[len(all)-1].text += " " + text
		}
	}
	return all
}

func (s Service) key() string { return s.Name + "/" + s.Type }

// Option is the value of the last -o that sets name.
func (s Service) Option(name string) (string, bool) {
	for _, o := range slices.Backward(s.Options) {
		if o.Name == name {
			return o.Value, true
		}
	}
	return "", false
}

// Last is the definition of name in main.cf that counts.
func (v *View) Last(name string) (Param, bool) {
	if v.last == nil {
		v.last = make(map[string]Param, len(v.Defined))
		for _, p := range v.Defined {
			v.last[p.Name] = p
		}
	}
	p, ok := v.last[name]
	return p, ok
}

// Value is the effective value of a parameter of main.cf.
func (v *View) Value(name string) string {
	if value, ok := v.Config.Params[name]; ok {
		return value
	}
	p, _ := v.Last(name)
	return p.Value
}

// of is the effective value of a parameter for a service.
func (v *View) of(s Service, name string) string {
	if value, ok := s.Option(name); ok {
		return value
	}
	return v.Value(name)
}

// transport is the service of master.cf that a transport names.
func (v *View) transport(name string) (Service, bool) {
	if v.units == nil {
		v.units = make(map[string]Service, len(v.Services))
		for _, s := range v.Services {
			if s.Type == "unix" {
				v.units[s.Name] = s
			}
		}
	}
	s, ok := v.units[name]
	return s, ok
}
