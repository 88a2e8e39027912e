package install

import "regexp"

// advices tell what to do about faults that every package manager meets, by
// words of their own messages (apt, dnf, zypper, apk and pacman say it each in
// their way).
var advices = []struct {
	said   *regexp.Regexp
	advice string
}{
	{
		regexp.MustCompile(`(?i)(could(n't| not) resolve|temporary failure|unable to resolve|not resolve host|name resolution|bad address|temporary error)`),
		"this host does not find the package servers by name: fix its resolver (/etc/resolv.conf) or proxy, then run this again",
	},
	{
		regexp.MustCompile(`(?i)(could not get lock|unable to (acquire|lock)|is locked by|lock database|another (app|instance|process))`),
		"another package manager is running: wait until it ends, then run this again",
	},
	{
		regexp.MustCompile(`(?i)no space left|not enough free space|needs? \S+ more space`),
		"make room on the disk, then run this again",
	},
	{
		regexp.MustCompile(`(?i)(could not connect|connection (refused|timed out)|timed? ?out|network is unreachable|no route to host)`),
		"this host does not reach the package servers: look at its firewall and proxy, then run this again",
	},
}

// advice is what to do about a failed installation that printed text.
func (m Manager) advice(text string) string {
	for _, a := range advices {
		if a.said.MatchString(text) {
			return a.advice
		}
	}
	if m.Hint != "" {
		return m.Hint
	}
	return "fix what the lines name, or install Postfix by hand, then run this again"
}
