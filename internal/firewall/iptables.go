package firewall

import (
	"strconv"
	"strings"
)

// maxJumps bounds how deep chains call one another.
const maxJumps = 16

// findIptables follows the text of iptables-save through the chain OUTPUT of
// the table filter as the packet would go.
func findIptables(save []byte, tool string, p Packet) *Rule {
	chains, policy := map[string][][]string{}, map[string]string{}
	table := ""
	for line := range strings.Lines(string(save)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0][0] == '*':
			table = fields[0][1:]
		case table != "filter":
		case fields[0][0] == ':' && len(fields) > 1:
			policy[fields[0][1:]] = fields[1]
		case fields[0] == "-A" && len(fields) > 2:
			chains[fields[1]] = append(chains[fields[1]], fields)
		}
	}
	w := iptablesWalk{chains: chains, packet: p}
	if found, final := w.chain("OUTPUT", 0); final {
		if found != nil {
			found.Tool = tool
		}
		return found
	}
	if w.guess != nil {
		w.guess.Tool = tool
		return w.guess
	}
	if policy["OUTPUT"] == "DROP" {
		return &Rule{Tool: tool, Text: "-P OUTPUT DROP", Action: Drop}
	}
	return nil
}

type iptablesWalk struct {
	chains map[string][][]string
	packet Packet
	guess  *Rule // names port 25, but with a condition that we do not know
}

// chain returns the rule that stops the packet; final is true when the packet's
// fate is decided.
func (w *iptablesWalk) chain(name string, depth int) (found *Rule, final bool) {
	if depth > maxJumps {
		return nil, false
	}
	for _, fields := range w.chains[name] {
		match, target, goTo := w.match(fields[2:])
		if match == no || target == "" {
			continue
		}
		act := map[string]Action{"DROP": Drop, "REJECT": Reject}[target]
		_, isChain := w.chains[target]
		switch {
		case act != "" && match == yes:
			return &Rule{Text: clean(strings.Join(fields, " ")), Action: act}, true
		case act != "" && w.guess == nil && namesPort(fields, w.packet.Port):
			w.guess = &Rule{Text: clean(strings.Join(fields, " ")), Action: act}
		case target == "ACCEPT" && match == yes:
			return nil, true
		case target == "RETURN" && match == yes:
			return nil, false
		case isChain && match == yes:
			if found, final := w.chain(target, depth+1); final || goTo {
				return found, final
			}
		}
	}
	return nil, false
}

func namesPort(fields []string, port int) bool {
	for i, f := range fields {
		if (f == "--dport" || f == "--dports") && i+1 < len(fields) && portIn(fields[i+1], port) {
			return true
		}
	}
	return false
}

// match evaluates the conditions of a rule against a new TCP connection.
func (w *iptablesWalk) match(args []string) (result truth, target string, goTo bool) {
	result = yes
	negate := false
	for i := 0; i < len(args); i++ {
		value := ""
		if i+1 < len(args) {
			value = args[i+1]
		}
		t := maybe
		switch args[i] {
		case "!":
			negate = true
			continue
		case "-j", "-g":
			return result, value, args[i] == "-g"
		case "-m", "--comment": // the options that follow decide
			t = yes
		case "-p":
			t = truthOf(value == "tcp" || value == "all")
		case "--dport", "--dports", "--destination-port", "--destination-ports":
			t = truthOf(portIn(value, w.packet.Port))
		case "--uid-owner":
			t = truthOf(uidIn(value, w.packet.UID))
		case "-o":
			t = leavesBy(value)
		case "--ctstate", "--state":
			t = truthOf(strings.Contains(value, "NEW"))
		case "-d":
			t = destination(value)
		default:
			if !strings.HasPrefix(args[i], "-") {
				continue
			}
		}
		if negate {
			t, negate = t.not(), false
		}
		result = min(result, t)
		i++
	}
	return result, "", false
}

// leavesBy: packets leave by an interface that we do not know, but not by lo.
func leavesBy(device string) truth {
	if device == "lo" {
		return no
	}
	return maybe
}

// destination: mail exchangers are on the internet, neither on this host nor
// in private networks; whether they are in any other prefix is not known.
func destination(prefix string) truth {
	switch {
	case prefix == "0.0.0.0/0" || prefix == "::/0":
		return yes
	case strings.HasPrefix(prefix, "127.") || strings.HasPrefix(prefix, "10.") || strings.HasPrefix(prefix, "192.168.") || strings.HasPrefix(prefix, "::1"):
		return no
	default:
		return maybe
	}
}

// portIn reads "25", "25,465", "20:30", "20-30" and "smtp".
func portIn(list string, port int) bool {
	for _, part := range strings.Split(list, ",") {
		if part == "smtp" && port == 25 {
			return true
		}
		if inRange(strings.ReplaceAll(part, ":", "-"), port) {
			return true
		}
	}
	return false
}

func uidIn(value string, uid int) bool {
	if value == "root" {
		return uid == 0
	}
	return inRange(value, uid)
}

// inRange reads "25" and "20-30".
func inRange(text string, n int) bool {
	low, high, ranged := strings.Cut(text, "-")
	if !ranged {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	return err1 == nil && err2 == nil && from <= n && n <= to
}
