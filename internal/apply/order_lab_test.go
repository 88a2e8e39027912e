//go:build lab

package apply

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/host"
)

// call is one system call of a recorded run that changes the disk.
type call struct {
	name string // create | write | chmod | fsync | rename | remove | mkdir
	path string
	to   string // of a rename
	text string // the line of strace
}

var (
	reCall = regexp.MustCompile(`^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)`)
	reFd   = regexp.MustCompile(`^\d+<([^>]*)>`)
	reAt   = regexp.MustCompile(`\d+<([^>]*)>, "([^"]*)"`)
)

// record runs a driver under strace(1) and returns its calls below root.
func record(t *testing.T, tr *tree, verb string, more ...string) []call {
	t.Helper()
	out := filepath.Join(t.TempDir(), "strace")
	driver := tr.driver(verb, more...)
	args := append([]string{"-f", "-qq", "-y", "-s", "0", "-o", out,
		"-e", "trace=openat,write,fsync,fdatasync,fchmod,renameat,renameat2,unlinkat,mkdirat"}, driver.Args...)
	cmd := exec.CommandContext(t.Context(), "strace", args...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("strace: got the error %v, want none\n%s", err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return parseCalls(string(text), tr.h.Root)
}

func parseCalls(text, root string) []call {
	var calls []call
	begun := map[string]string{} // by thread: a call that another thread's has interrupted in the record
	for line := range strings.Lines(text) {
		if thread, rest, _ := strings.Cut(line, " "); strings.HasSuffix(line, " <unfinished ...>\n") {
			begun[thread] = strings.TrimSuffix(line, " <unfinished ...>\n")
			continue
		} else if _, end, resumed := strings.Cut(rest, " resumed>"); resumed {
			line = begun[thread] + end
		}
		m := reCall.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(m[3], "-") {
			continue
		}
		c := call{text: strings.TrimSpace(line)}
		at := reAt.FindAllStringSubmatch(m[2], -1)
		switch m[1] {
		case "openat":
			if !strings.Contains(m[2], "O_CREAT") || len(at) == 0 {
				continue
			}
			c.name, c.path = "create", filepath.Join(at[0][1], at[0][2])
		case "write", "fsync", "fdatasync", "fchmod":
			fd := reFd.FindStringSubmatch(m[2])
			if fd == nil {
				continue
			}
			c.name, c.path = map[string]string{"write": "write", "fchmod": "chmod"}[m[1]], fd[1]
			if c.name == "" {
				c.name = "fsync"
			}
		case "renameat", "renameat2":
			c.name, c.path, c.to = "rename", filepath.Join(at[0][1], at[0][2]), filepath.Join(at[1][1], at[1][2])
		case "unlinkat", "mkdirat":
			if len(at) == 0 {
				continue
			}
			c.name, c.path = map[string]string{"unlinkat": "remove", "mkdirat": "mkdir"}[m[1]], filepath.Join(at[0][1], at[0][2])
		}
		if !strings.HasPrefix(c.path, root) {
			continue
		}
		c.path, c.to = strings.TrimPrefix(c.path, root), strings.TrimPrefix(c.to, root)
		calls = append(calls, c)
	}
	return calls
}

// wrongs lists what in the order of calls could lose or expose something in a
// power failure. want is the order in which files get their names and lose them.
func wrongs(calls []call, want []string) []string {
	var bad []string
	say := func(c call, why string) { bad = append(bad, why+": "+c.text) }
	synced := map[string]bool{}  // files whose content is on disk
	lasting := map[string]bool{} // new directories whose name is on disk
	var owed []string            // directories that have to be synced before anything else
	var order []string
	for _, c := range calls {
		temp := host.IsTemp(filepath.Base(c.path))
		if len(owed) > 0 {
			if c.name != "fsync" || c.path != owed[0] {
				say(c, "before the directory "+owed[0]+" is synced")
			}
			owed = owed[1:]
		}
		switch c.name {
		case "create":
			if temp && (!strings.Contains(c.text, "O_EXCL") || !strings.Contains(c.text, "O_NOFOLLOW")) {
				say(c, "a name that may be taken")
			}
			if !strings.Contains(c.text, ", 0600)") {
				say(c, "not private from birth")
			}
			if !temp && filepath.Base(c.path) != lockName {
				say(c, "written in place")
			}
		case "write":
			synced[c.path] = false
		case "mkdir":
			lasting[c.path] = false
		case "fsync":
			synced[c.path] = true
			for name := range lasting {
				lasting[name] = lasting[name] || filepath.Dir(name) == c.path
			}
		case "remove":
			if strings.HasPrefix(c.path, "/etc/postfix/") && !temp {
				order = append(order, "-"+c.path)
			}
		case "rename":
			if made, known := lasting[filepath.Dir(c.to)]; known && !made {
				say(c, "into a directory that may be lost")
			}
			if !synced[c.path] && filepath.Base(c.to) != inProgress && !strings.Contains(c.to, "/"+historyDir+"/") &&
				!strings.Contains(c.to, "/"+donePrefix) && !host.IsTemp(filepath.Base(c.to)) {
				say(c, "renamed before it is synced")
			}
			owed = append(owed, filepath.Dir(c.to))
			if from := filepath.Dir(c.path); from != owed[0] {
				owed = append(owed, from)
			}
			order = append(order, c.to)
		}
	}
	for _, dir := range owed {
		bad = append(bad, "at the end the directory "+dir+" is not synced")
	}
	return append(bad, wrongOrder(order, want)...)
}

// The orders of a first setup, of another relay in the place of one, of taking
// that back, and of taking all back: journal, tables, master.cf, main.cf, commit; what only the old
// configuration needs goes between main.cf and the commit.
var (
	stateJournal, stateCommit = "/var/lib/relayhost/" + inProgress, "/var/lib/relayhost/" + historyDir
	orderFirst                = []string{stateJournal, "/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db",
		"/etc/postfix/master.cf", "/etc/postfix/main.cf", stateCommit}
	orderChange = []string{stateJournal, "/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db", "/etc/postfix/master.cf",
		"/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/sasl_passwd", "/etc/postfix/sasl_passwd.db", stateCommit}
	orderBack = []string{stateJournal, "/etc/postfix/master.cf", "/etc/postfix/sasl_passwd.db", "/etc/postfix/sasl_passwd",
		"/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/sasl_passwd.db", "/etc/postfix/sasl_passwd", "/var/lib/relayhost"}
	orderGone = []string{stateJournal, "/etc/postfix/main.cf", "/etc/postfix/master.cf",
		"-/etc/postfix/sasl_passwd.db", "-/etc/postfix/sasl_passwd", "/var/lib/relayhost"}
)

func wrongOrder(got, want []string) []string {
	var ours []string
	for _, name := range got {
		switch dir := filepath.Dir(name); {
		case host.IsTemp(filepath.Base(name)), host.IsTemp(filepath.Base(dir)), strings.HasPrefix(filepath.Base(name), journalName):
		case dir == stateCommit:
			ours = append(ours, dir)
		case strings.HasPrefix(name, "/var/lib/relayhost/"+donePrefix):
			ours = append(ours, dir)
		case name == stateJournal, strings.HasPrefix(strings.TrimPrefix(name, "-"), "/etc/postfix/"):
			ours = append(ours, name)
		}
	}
	if !slices.Equal(ours, want) {
		return []string{fmt.Sprintf("order %v, want %v", ours, want)}
	}
	return nil
}

// TestLabWriteOrder records a run and checks that a power failure anywhere
// finds the old or the new state; then it spoils the record in each way that
// the check is there for, and wants it to go red.
func TestLabWriteOrder(t *testing.T) {
	t.Parallel()
	tr := newTree(t)
	calls := record(t, tr, "run")
	right := func(what string, calls []call, want []string) {
		t.Helper()
		if bad := wrongs(calls, want); len(bad) > 0 {
			t.Fatalf("%s: of %d calls got these, want none:\n%s", what, len(calls), strings.Join(bad, "\n"))
		}
	}
	right("set up", calls, orderFirst)
	right("another relay", record(t, tr, "run", "relay=other", "password=two"), orderChange)
	right("rolled back", record(t, tr, "rollback"), orderBack)
	right("rolled back to nothing", record(t, tr, "rollback"), orderGone)
	mutants := 0
	red := func(what string, mutant []call) {
		t.Helper()
		mutants++
		if len(wrongs(mutant, orderFirst)) == 0 {
			t.Errorf("got nothing noticed, want %s", what)
		}
	}
	for i, c := range calls {
		switch {
		case c.name == "fsync" && live(calls, i):
			red(fmt.Sprintf("without %s\nafter %s\nbefore %s", c.text, calls[max(i-1, 0)].text, calls[min(i+1, len(calls)-1)].text), slices.Delete(slices.Clone(calls), i, i+1))
		case c.name == "create" && host.IsTemp(filepath.Base(c.path)):
			for _, change := range [][2]string{{"O_EXCL|", ""}, {"|O_EXCL", ""}, {", 0600)", ", 0644)"}} {
				m := slices.Clone(calls)
				m[i].text = strings.Replace(c.text, change[0], change[1], 1)
				if m[i].text != c.text {
					red(m[i].text, m)
				}
			}
		case c.name == "rename" && strings.HasPrefix(c.to, "/etc/postfix/"):
			m := slices.Clone(calls)
			for j := i + 1; j < len(m); j++ {
				if m[j].name == "rename" && strings.HasPrefix(m[j].to, "/etc/postfix/") {
					m[i], m[j] = m[j], m[i]
					red("swapped "+c.text, m)
					break
				}
			}
		}
	}
	t.Logf("%d calls in order, %d mutants noticed", len(calls), mutants)
	if mutants < 20 {
		t.Errorf("only %d mutants, want at least 20", mutants)
	}
}

// live reports whether the fsync at i belongs to a rename: those after a
// removal only make sure that it lasts.
func live(calls []call, i int) bool {
	if i > 0 && calls[i-1].name == "rename" {
		return true
	}
	return i+1 < len(calls) && calls[i+1].name == "rename"
}

// TestLabKilledAtCalls kills runs at system calls of each kind, wherever that
// is between the counted changes.
func TestLabKilledAtCalls(t *testing.T) {
	t.Parallel()
	points, numbers := 0, []int{2}
	if whole() {
		numbers = []int{1, 2, 3, 5, 8, 13, 21, 34}
	}
	for _, syscall := range []string{"openat", "write", "fchown", "fchmod", "fsync", "renameat2", "renameat", "mkdirat", "unlinkat", "flock", "execve"} {
		t.Run(syscall, func(t *testing.T) {
			for _, n := range numbers {
				tr := newTree(t)
				before := tr.print()
				driver := tr.driver("run")
				args := append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + syscall,
					"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", syscall, n)}, driver.Args...)
				err := exec.CommandContext(t.Context(), "strace", args...).Run()
				tr.whole(points)
				if err != nil {
					points++
				}
				mustDrive(t, tr.driver("recover"), 0)
				mustDrive(t, tr.driver("all"), 0)
				mustDrive(t, tr.driver("run"), 0) // sweeps what a run without a state directory left
				mustDrive(t, tr.driver("all"), 0)
				if now := tr.print(); now != before {
					t.Fatalf("%s %d: got\n%s\nwant\n%s", syscall, n, now, before)
				}
			}
		})
	}
	t.Logf("figure: %s: %d points tried, 0 broken", t.Name(), points)
	if points < 4*len(numbers) {
		t.Errorf("only %d points, want at least %d", points, 4*len(numbers))
	}
}
