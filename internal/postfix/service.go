package postfix

import (
	"slices"
	"strings"
)

const serviceFields = 8 // columns of an entry, the command included

var serviceTypes = []string{"unix", "inet", "fifo", "unix-dgram", "pass"}

// parseService reads one logical line of master.cf. msg says what is wrong; the
// checks are those of postconf(1) (src/postconf/postconf_master.c).
func parseService(line string) (s Service, msg string) {
	f := splitBraces(line)
	if len(f) < serviceFields {
		return s, "an entry needs eight fields"
	}
	s = Service{Name: f[0], Type: f[1], Private: f[2], Unpriv: f[3], Chroot: f[4], Wakeup: f[5], MaxProc: f[6], Command: f[7]}
	switch {
	case !slices.Contains(serviceTypes, s.Type):
		return s, "invalid service type \"" + s.Type + "\""
	case !yesNo(s.Private):
		return s, "invalid private field \"" + s.Private + "\""
	case !yesNo(s.Unpriv):
		return s, "invalid unprivileged field \"" + s.Unpriv + "\""
	case !yesNo(s.Chroot):
		return s, "invalid chroot field \"" + s.Chroot + "\""
	case s.Wakeup != "-" && !digits(strings.TrimSuffix(s.Wakeup, "?")):
		return s, "invalid wakeup field \"" + s.Wakeup + "\""
	case s.MaxProc != "-" && !digits(s.MaxProc):
		return s, "invalid maxproc field \"" + s.MaxProc + "\""
	}
	s.Args, s.Options = parseArgs(f[serviceFields:])
	return s, ""
}

func yesNo(field string) bool { return field == "y" || field == "n" || field == "-" }

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// parseArgs separates "-o name=value" in its spellings ("-oname=value", "-vo
// name=value", "-o { name = value }") from the other arguments. Options end at
// the first argument that does not begin with "-", and at "--".
func parseArgs(f []string) (args []string, options []Option) {
	for len(f) > 0 && strings.HasPrefix(f[0], "-") && f[0] != "--" {
		flags, value, found := strings.Cut(f[0], "o")
		f = f[1:]
		if !found {
			args = append(args, flags)
			continue
		}
		if flags != "-" {
			args = append(args, flags)
		}
		if value == "" && len(f) > 0 {
			value, f = f[0], f[1:]
		}
		options = append(options, parseOption(unbrace(value)))
	}
	for _, arg := range f {
		args = append(args, unbrace(arg))
	}
	return args, options
}

// Spawned are the user that spawn(8) runs the program of s as, and that program; "" for
// none. Names are in any case, of several users the last counts, and what is behind argv=
// is the program's (get_service_attr in src/spawn/spawn.c).
func (s Service) Spawned() (user, program string) {
	for _, arg := range s.Args {
		switch name, value, _ := strings.Cut(arg, "="); strings.ToLower(name) {
		case "user":
			user, _, _ = strings.Cut(value, ":")
		case "argv":
			return user, value
		}
	}
	return user, ""
}

// parseOption reads "name = value" (split_nameval(3)).
func parseOption(text string) Option {
	name, value, ok := strings.Cut(text, "=")
	if name = trim(name); !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) }) {
		return Option{Value: text}
	}
	return Option{name, trim(value)}
}

// splitBraces splits at blanks that stand in no braces (mystrtokq(3)).
func splitBraces(s string) []string {
	var fields []string
	level, start := 0, -1
	for i := range len(s) {
		blank := strings.IndexByte(" \t\r\n", s[i]) >= 0
		switch {
		case blank && level == 0:
			if start >= 0 {
				fields = append(fields, s[start:i])
			}
			start = -1
			continue
		case s[i] == '{':
			level++
		case s[i] == '}' && level > 0:
			level--
		}
		if start < 0 {
			start = i
		}
	}
	if start >= 0 {
		fields = append(fields, s[start:])
	}
	return fields
}

func unbrace(s string) string {
	if len(s) >= 2 && s[0] == '{' && s[len(s)-1] == '}' {
		return trim(s[1 : len(s)-1])
	}
	return s
}
