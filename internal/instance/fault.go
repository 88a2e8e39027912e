package instance

import (
	"context"
	"regexp"
	"strings"

	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// Fault is why no mail moves, as Postfix itself says it in its log, or as its
// configuration shows beforehand. It is an error.
type Fault struct {
	Program string // "smtp", "trivial-rewrite"; "" where nothing has been started
	Text    string // what is wrong, as Postfix or the rule of internal/lint words it; sanitised
	Param   string // parameter to blame; "" where the text names none
	Table   string // "type:path" to blame; "" if none
	Package string // package that is missing; "" if none
	Remedy  string // what to do; "" where only the text helps
	Command string // command that does it; "" if there is none
}

// Error names the program first.
func (f *Fault) Error() string {
	if f.Program != "" {
		return f.Program + ": " + f.Text
	}
	return f.Text
}

// What Postfix says of a configuration that it cannot work with: conv_bool(3) and
// its kin, dict_open(3), and clients of a service that master.cf does not have.
var (
	badBoolean   = regexp.MustCompile(`bad boolean configuration: ([a-z0-9_]+) = (.*)`)
	badNumber    = regexp.MustCompile(`bad numerical configuration: ([A-Za-z0-9_]+) = (.*)`)
	badTime      = regexp.MustCompile(`parameter ([A-Za-z0-9_]+): bad time value or unit: (.*)`)
	badRange     = regexp.MustCompile(`invalid ([A-Za-z0-9_]+): .*\((?:min|max) `)
	badType      = regexp.MustCompile(`unsupported dictionary type: ([a-z]+)`)
	noTable      = regexp.MustCompile(`open (?:database )?(/[^:\s]+): No such file or directory`)
	noService    = regexp.MustCompile(`connect to (?:private|public)/(\S+?)(?: service)?: No such file or directory`)
	tableProblem = regexp.MustCompile(`([a-z_0-9]+): table lookup problem`)
	unavailable  = regexp.MustCompile(`([a-z]+:/\S+) is unavailable\. `)
	// tls_certkey.c: the relay's service demands TLS, and smtp(8) has none from here on.
	certificate = regexp.MustCompile(`^(?:(?:cannot get|cannot load|error loading) .*(?:certificate|private key)|error opening chain file).*disabling TLS support`)
)

// FaultOf reads a line of the log; ok is false for one that tells no fault of the
// configuration. In a private Postfix, which has nothing else to do, every fatal:
// and panic: is one.
func FaultOf(l maillog.Line) (f Fault, ok bool) {
	severity, text := l.Severity()
	text = smtpprobe.Sanitize(text)
	f = Fault{Program: l.Daemon, Text: text}
	if m := unavailable.FindStringSubmatch(text); m != nil {
		f.Table = m[1]
	}
	switch {
	case severity == "":
		return f, false
	case match(badBoolean, text) != nil:
		m := match(badBoolean, text)
		f.Param, f.Remedy = m[1], "write yes or no for "+m[1]+" in main.cf, or remove the line"
	case match(badNumber, text) != nil:
		m := match(badNumber, text)
		f.Param, f.Remedy = m[1], "write a number for "+m[1]+" in main.cf, or remove the line"
	case match(badTime, text) != nil:
		m := match(badTime, text)
		f.Param, f.Remedy = m[1], "write a time for "+m[1]+" in main.cf (30s, 5m, 1h), or remove the line"
	case match(badRange, text) != nil:
		m := match(badRange, text)
		f.Param, f.Remedy = m[1], "write a valid value for "+m[1]+" in main.cf, or remove the line"
	case match(badType, text) != nil:
		f.Remedy, f.Package = lint.WithoutType(match(badType, text)[1])
	case match(noTable, text) != nil:
		f.missingTable(match(noTable, text)[1])
	case match(noService, text) != nil:
		name := match(noService, text)[1]
		f.Remedy = "master.cf has no service " + name + ", which another setting asks for: add it, or change that setting"
	case match(tableProblem, text) != nil:
		f.Param = match(tableProblem, text)[1]
		f.Remedy = "ask the table as Postfix does: postmap -q KEY " + "$(postconf -hx " + f.Param + ")"
	case severity == "warning" && l.Daemon == "smtp" && certificate.MatchString(text):
		f.Param, f.Remedy = "smtp_tls_cert_file", "correct the file, or remove smtp_tls_cert_file and smtp_tls_key_file from main.cf: hardly any server asks for a client certificate"
	case severity != "fatal" && severity != "panic":
		return f, false
	}
	return f, true
}

func match(re *regexp.Regexp, text string) []string { return re.FindStringSubmatch(text) }

// installer is the command of this host that installs a package.
func installer(r *host.Reader, name string) string {
	for _, c := range []string{"apt-get install", "dnf install", "apk add", "zypper install"} {
		program, _, _ := strings.Cut(c, " ")
		if r.Has(program) {
			return c + " " + name
		}
	}
	return ""
}

// missingTable says what to do about a file that a table needs.
func (f *Fault) missingTable(path string) {
	for _, typ := range []string{"hash", "lmdb", "cdb", "btree"} {
		index := postfix.Table{Type: typ, Path: ""}.Index()
		source, is := strings.CutSuffix(path, index)
		if !is || index == "" {
			continue
		}
		if f.Table == "" {
			f.Table = typ + ":" + source
		}
		f.Remedy, f.Command = "compile the table", "postmap "+f.Table
		return
	}
	f.Remedy = "make the file " + path + ", or take it out of the parameter that names it"
}

// Watch follows the log of the instance from its beginning. The context that it
// returns ends with a *Fault as its cause when the log tells one; end waits for the
// follower, and says what it has found, nil if nothing.
func (i *Instance) Watch(ctx context.Context) (watched context.Context, end func() *Fault, err error) {
	if i.Log == (maillog.Log{}) {
		return nil, nil, errNoLog
	}
	watched, cancel := context.WithCancelCause(ctx)
	lines, err := i.Log.Follow(watched, &i.h.Reader)
	if err != nil {
		cancel(err)
		return nil, nil, err
	}
	done := make(chan *Fault, 1)
	go func() {
		found := i.logged()
		if found != nil {
			cancel(found)
		}
		for line := range lines {
			if f, ok := FaultOf(line); ok && found == nil && i.wrote(line) {
				found = i.own(f)
				cancel(found)
			}
		}
		done <- found
	}()
	return watched, func() *Fault { cancel(context.Canceled); return <-done }, nil
}

// logged is the first fault in the log so far.
func (i *Instance) logged() *Fault {
	if i.shared {
		return nil // what it logged before is not told from what others did
	}
	data, err := i.h.ReadFile(i.Log.File)
	if err != nil {
		return nil
	}
	for raw := range strings.Lines(string(data)) {
		if line, ok := maillog.Parse(raw); ok {
			if f, ok := FaultOf(line); ok {
				return i.own(f)
			}
		}
	}
	return nil
}

// own names things as the server's own Postfix does.
func (i *Instance) own(f Fault) *Fault {
	for _, text := range []*string{&f.Text, &f.Table, &f.Remedy, &f.Command} {
		*text = i.Live(*text)
	}
	if f.Package != "" {
		f.Command = installer(&i.h.Reader, f.Package)
	}
	return &f
}
