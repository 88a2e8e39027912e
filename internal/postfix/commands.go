package postfix

import (
	"path/filepath"
	"strings"

	"relayhost/internal/lazy"
)

var (
	// programs finds Postfix's own where a command begins.
	programs = lazy.MustCompile(`(?:^|\n\s*|[;&|]\s*|\$\(|: |sudo )(postfix|postconf|postqueue|postsuper|postmap|postalias|postcat|sendmail)\b`)
	// ourselves finds the commands of relayhost that are about one Postfix.
	ourselves = lazy.MustCompile("(?:^|[\\s\"'`(])(relayhost (?:setup|verify|status|rollback|explain|adopt|sign-in))\\b")
)

// InstanceDir is the configuration directory of the instance of Postfix that dir names:
// absolute, and by one name however it is reached, since changes are kept by that. A link
// to the default one, and what that may be a link to, is DefaultConfigDir.
func InstanceDir(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil { // whoever reads main.cf says why
		return dir, nil //nolint:nilerr
	}
	if standard, err := filepath.EvalSymlinks(DefaultConfigDir); err == nil && real == standard {
		return DefaultConfigDir, nil
	}
	return real, nil
}

// AtInstance is text with its commands for the instance of Postfix whose configuration is
// in configDir: without an option postfix(1) and the others are about the default
// instance, or about all of them (postmulti(1)). A text for the default instance, and a
// command that names a directory already, stay as they are.
func AtInstance(text, configDir string) string {
	if configDir == "" || filepath.Clean(configDir) == DefaultConfigDir || text == "" {
		return text
	}
	dir := shellWord(configDir)
	text = insert(text, ourselves.FindAllStringSubmatchIndex(text, -1), " \n;&|)\"'`,.:", func(string) string { return " --config-dir " + dir })
	// With a colon it is not a command, but who has said what follows.
	return insert(text, programs.FindAllStringSubmatchIndex(text, -1), " \n;&|)\"'`,.", func(program string) string {
		if program == "sendmail" {
			return " -C " + dir
		}
		return " -c " + dir
	})
}

// insert puts the option of what each match has found behind it, where one of ends follows
// or nothing, and the command has no such option: postconf(5) and relayhost setup-x are no
// commands.
func insert(text string, matches [][]int, ends string, option func(found string) string) string {
	var b strings.Builder
	from := 0
	for i, m := range matches {
		rest := text[m[3]:]
		if i+1 < len(matches) {
			rest = text[m[3]:matches[i+1][0]]
		}
		given := option(text[m[2]:m[3]])
		name, _, _ := strings.Cut(given[1:], " ")
		if text[m[3]:] != "" && strings.IndexByte(ends, text[m[3]]) < 0 || hasOption(rest, name) {
			continue
		}
		b.WriteString(text[from:m[3]])
		b.WriteString(given)
		from = m[3]
	}
	return b.String() + text[from:]
}

// hasOption reports whether the command that rest goes on with has the option. What is
// behind it on the same line may be the sentence that it stands in.
func hasOption(rest, name string) bool {
	for word := range strings.FieldsSeq(rest[:end(rest)]) {
		if option, _, _ := strings.Cut(strings.Trim(word, "\"'`,.:()"), "="); option == name {
			return true
		}
	}
	return false
}

// end is where the command in a line of a shell ends that text begins with.
func end(text string) int {
	if i := strings.IndexAny(text, "\n;&|"); i >= 0 {
		return i
	}
	return len(text)
}

// shellWord is s as one word of a shell.
func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
