package postfix

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Master is the text of a master.cf, changed without touching what is not ours
// (grammar: master(5)).
type Master struct{ doc *document }

// Service is one entry of master.cf (master(5)).
type Service struct {
	Name    string // "relayhost-ses"
	Type    string // unix | inet | fifo | unix-dgram | pass
	Private string // y | n | -
	Unpriv  string
	Chroot  string
	Wakeup  string
	MaxProc string
	Command string   // "smtp"
	Args    []string // arguments after the command that are no -o, e.g. "-v"
	Options []Option // -o name=value, in order
}

// Option is one "-o name=value" of a service. Without a Name, Value is text that is no
// name=value: it sets nothing, and the program of the service ends as soon as it starts
// ("fatal: invalid "-o ..." option value", src/master/multi_server.c).
type Option struct{ Name, Value string }

// String is what follows -o, without braces.
func (o Option) String() string {
	if o.Name == "" {
		return o.Value
	}
	return o.Name + "=" + o.Value
}

// Option returns the value of the last -o that sets name.
func (s Service) Option(name string) (string, bool) {
	for _, o := range slices.Backward(s.Options) {
		if o.Name == name {
			return o.Value, true
		}
	}
	return "", false
}

// Chrooted reports whether the service runs in the queue directory. compat is the
// effective compatibility_level: since 3.0 "-" is "n" from level 1 on, and "y"
// below (COMPATIBILITY_README).
func (s Service) Chrooted(compat string) bool {
	if s.Chroot != "-" {
		return s.Chroot == "y"
	}
	return strings.Trim(compat, "0. \t") == ""
}

// ParseMaster reads data. It fails with a *SyntaxError where postconf(1) does.
func ParseMaster(data []byte) (*Master, error) {
	doc, err := parseLines(data, func(string) string { return "" })
	if err != nil {
		return nil, err
	}
	for i := range doc.nodes {
		if doc.nodes[i].kind != head {
			continue
		}
		s, msg := parseService(doc.logical(i))
		if msg != "" {
			return nil, &SyntaxError{doc.line(i), msg}
		}
		doc.nodes[i].name = key(s.Name, s.Type)
		doc.heads[doc.nodes[i].name]++
	}
	return &Master{doc}, nil
}

func key(name, typ string) string { return name + "/" + typ }

// Get returns the entry name/type; of several the last, as master(8) does.
func (m *Master) Get(name, typ string) (Service, bool) {
	i := m.doc.find(key(name, typ), len(m.doc.nodes))
	if i < 0 {
		return Service{}, false
	}
	s, _ := parseService(m.doc.logical(i))
	return s, true
}

// Services lists all entries in order. A line that is commented out is none.
func (m *Master) Services() []Service {
	var services []Service
	for i, n := range m.doc.nodes {
		if n.kind == head {
			s, _ := parseService(m.doc.logical(i))
			services = append(services, s)
		}
	}
	return services
}

// Override is a parameter that a service sets for itself with -o.
type Override struct {
	Service string // "smtp/unix"
	Option  Option
}

// Overrides lists every -o that sets one of names, in order of the file.
func (m *Master) Overrides(names ...string) []Override {
	var found []Override
	for _, s := range m.Services() {
		for _, o := range s.Options {
			if slices.Contains(names, o.Name) {
				found = append(found, Override{key(s.Name, s.Type), o})
			}
		}
	}
	return found
}

// Set adds or replaces the entry name/type; an equal entry leaves the text as
// it is.
func (m *Master) Set(s Service) {
	text, name := s.String(), key(s.Name, s.Type)
	i := m.doc.find(name, len(m.doc.nodes))
	if i < 0 {
		m.doc.add(name, text)
		return
	}
	if old, _ := parseService(m.doc.logical(i)); old.String() == text {
		return
	}
	m.doc.remove(name, i)
	m.doc.replace(i, text)
}

// Remove deletes the entry name/type.
func (m *Master) Remove(name, typ string) {
	if m.doc.remove(key(name, typ), len(m.doc.nodes)) {
		m.doc.dropEmptyMarks()
	}
}

// Clone returns a copy that can be changed without changing m.
func (m *Master) Clone() *Master { return &Master{m.doc.clone()} }

// Bytes returns the text as it now is.
func (m *Master) Bytes() []byte { return m.doc.bytes() }

// String renders the entry in the columns of the master.cf that Postfix brings,
// one -o a line.
func (s Service) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-9s %-5s %-7s %-7s %-7s %-7s %-7s %s", word(s.Name), word(s.Type), dash(s.Private),
		dash(s.Unpriv), dash(s.Chroot), dash(s.Wakeup), dash(s.MaxProc), word(s.Command))
	// Options end at the first argument that is none ("flags=", of pipe(8)),
	// so that flags of the daemon come first and the rest last.
	flags := 0
	for flags < len(s.Args) && strings.HasPrefix(s.Args[flags], "-") && s.Args[flags] != "--" {
		fmt.Fprintf(&b, " %s", braced(s.Args[flags]))
		flags++
	}
	for _, o := range s.Options {
		name, value := word(o.Name), oneLine(o.Value)
		if o.Name == "" {
			b.WriteString("\n  -o " + cmp.Or(braced(value), "{}"))
		} else if strings.ContainsAny(value, " \t") {
			fmt.Fprintf(&b, "\n  -o { %s = %s }", name, value)
		} else {
			fmt.Fprintf(&b, "\n  -o %s=%s", name, value)
		}
	}
	for i, arg := range s.Args[flags:] {
		if i == 0 {
			b.WriteString("\n ")
		}
		b.WriteString(" " + braced(arg))
	}
	return b.String()
}

func dash(field string) string {
	if field = word(field); field == "" {
		return "-"
	}
	return field
}

// word keeps a column one column.
func word(s string) string { return strings.Join(strings.Fields(s), "") }

func braced(arg string) string {
	if arg = oneLine(arg); strings.ContainsAny(arg, " \t") {
		return "{" + arg + "}"
	}
	return arg
}
