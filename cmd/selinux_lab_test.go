//go:build lab

package cmd_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/lab"
)

// denied are the records of what the policy denied after line $from of the log of
// auditd(8), but for those of restorecon(8), the test's own.
const denied = "tail -n +$((from+1)) /var/log/audit/audit.log | grep -E '^type=(AVC|SELINUX_ERR|USER_AVC|USER_SELINUX_ERR) ' | grep -vE 'comm=\"(restorecon|setfiles)\"' || true"

// deniedAnyway are denials that no program which calls Postfix or nft(8) can avoid, each
// with its reason.
var deniedAnyway = []*regexp.Regexp{
	// What sendmail(1) has for its errors is a pipe to relayhost, which postdrop(1) does not
	// get: as for whoever starts sendmail with its errors in a pipe. The message is taken.
	regexp.MustCompile(`denied  \{ use \} for .* comm="postdrop" path="pipe:.* scontext=\S*:postfix_postdrop_t:.* tclass=fd`),
	// nft(8), in a service, wants random numbers for its own tables of names.
	regexp.MustCompile(`denied  \{ read \} for .* comm="nft" name="urandom" .* scontext=\S*:iptables_t:.* tclass=chr_file`),
}

// enforcing is a Debian that enforces SELinux, set up by a login of root or by a service.
type enforcing struct {
	*lab.VM
	t      *testing.T
	before string // files below /etc and /var: owners, modes, labels and bytes
}

const (
	// What policy and disk disagree on.
	labels = "restorecon -nvr /etc /var/lib /var/spool /usr/local 2>&1 | cat"
	tree   = "for d in /etc/postfix /etc/relayhost /etc/aliases* /etc/mailname /etc/passwd /etc/group /var/lib/relayhost /var/lib/postfix-relayhost-*; do " +
		"[ ! -e $d ] || { find $d -printf '%p %y %m %u %g %l %Z\\n'; find $d -type f -exec sha256sum {} +; }; done | sort"
)

// byUnit is a command of relayhost as a service of systemd. What it says comes by way of
// the journal: dbus-daemon(1) may not hand over the files of a login.
func byUnit(command string) string {
	return "systemd-run --quiet --wait --unit=lab-$$ " + command + "; r=$?; journalctl --no-pager -o cat -u lab-$$; exit $r"
}

// step runs a line and wants that it succeeds, that nothing but what cannot be avoided is
// denied, and that all files have the labels that the policy has for them.
func (v *enforcing) step(line string) {
	v.t.Helper()
	from := strings.TrimSpace(v.Shell("wc -l < /var/log/audit/audit.log"))
	r := v.Run("sh", "-c", line)
	v.t.Logf("%s: exit %d after %s", line, r.Code, r.Took)
	if r.Code != 0 {
		v.t.Errorf("%s: want exit 0, got %s", line, r)
	}
	if got := v.Shell(labels); got != "" {
		v.t.Errorf("%s: labels: got\n%s\nwant none to change", line, got)
	}
	for record := range strings.Lines(v.Shell("sleep 1; from=" + from + "; " + denied)) {
		if !slices.ContainsFunc(deniedAnyway, func(known *regexp.Regexp) bool { return known.MatchString(record) }) {
			v.t.Errorf("%s: got denied, want only what is known to be: %s", line, record)
		}
	}
}

// back rolls everything back and wants all as it was.
func (v *enforcing) back(run func(string) string) {
	v.t.Helper()
	v.step(run("/usr/local/bin/relayhost rollback --all --yes"))
	if got := v.Shell(tree); got != v.before {
		v.t.Errorf("rolled back: got\n%s\nwant as before\n%s", got, v.before)
	}
}

// TestLabSELinux sets up, verifies and rolls back on a Debian whose kernel enforces
// SELinux by Debian's policy: on every port of submission and by a bridge of each kind,
// from root's login and as a service. The kernel is emulated, so it is tried with
// LAB_FULL=1.
func TestLabSELinux(t *testing.T) {
	if !fullTable() {
		t.Log("SELinux is tried with LAB_FULL=1")
		return
	}
	var l *lab.Lab
	l, machine := lab.NewVM(t, lab.On(lab.Trixie), lab.Relay("sendgrid"), lab.Relay("ses"), lab.TokenEndpoint(),
		lab.Relay("m365", lab.TakesTokens(func() *lab.Identity { return l.World.Identity() }, mailbox)),
		lab.API("postmark", "api.postmarkapp.com"), lab.MailExchangers(), lab.Port25(lab.Dropped))
	v := &enforcing{machine, t, machine.Shell(tree)}
	if got, want := v.Shell("getenforce; id -Z | cut -d: -f3; "+labels), "Enforcing\nunconfined_t\n"; got != want {
		t.Fatalf("got %q, want a login that SELinux keeps to its policy, and no label to change", got)
	}
	if got := v.Shell(byUnit("/usr/bin/id -Z")); !strings.Contains(got, ":initrc_t:") {
		t.Fatalf("got %q, want a service in the domain of services", got)
	}
	for name, text := range map[string]string{
		"sendgrid": "username=" + l.World.Relay("sendgrid").Username + "\npassword=" + l.World.Relay("sendgrid").Password + "\n",
		"ses":      "username=" + l.World.Relay("ses").Username + "\npassword=" + l.World.Relay("ses").Password + "\n",
		"m365":     ways()[0].file,
		"postmark": "password=" + apitest.KeyOf("postmark") + "\n",
	} {
		v.put("/root/"+name, text)
	}
	setup := func(relay, flags string) string {
		return "/usr/local/bin/relayhost setup --timeout 30m --yes --relay " + relay + " --credentials-file /root/" + relay + " " + flags
	}
	const (
		app    = " --from app@example.com"
		verify = "/usr/local/bin/relayhost verify --timeout 30m"
		demo   = "/usr/local/bin/relayhost demo --timeout 30m"
	)

	login := func(command string) string { return command }
	v.step(demo)
	v.step(setup("sendgrid", "--port 587"+app))
	v.step(verify)
	v.step(setup("sendgrid", "--port 465"+app))
	v.step(setup("sendgrid", "--port 2525"+app))
	v.back(login)
	v.step(setup("ses", "--region eu-west-1 --port 2587"+app))
	v.back(login)
	v.step(setup("m365", "--to ops@example.net --from "+mailbox))
	v.step(verify)
	v.back(login)

	v.step(byUnit(demo))
	v.step(byUnit(setup("sendgrid", "--port 587"+app)))
	v.step(byUnit(verify))
	v.back(byUnit)
	v.step(byUnit(setup("postmark", "--via https --to ops@example.net"+app)))
	v.step(byUnit(verify))
	// The timer's own service, with what it gives up.
	timer, err := os.ReadFile("../integrations/systemd/relayhost-verify.service")
	if err != nil {
		t.Fatal(err)
	}
	v.put("/etc/systemd/system/relayhost-verify.service", string(timer))
	v.Shell("cp /usr/local/bin/relayhost /usr/bin/relayhost; systemctl daemon-reload")
	v.step("systemctl start relayhost-verify.service || { systemctl status --no-pager relayhost-verify.service; exit 1; }")
	v.back(byUnit)

	for _, relay := range []string{"sendgrid", "ses", "m365"} {
		if n := len(l.World.Relay(relay).Mailbox()); n < 2 {
			t.Errorf("%s: got %d messages, want those of the rehearsal and the proof", relay, n)
		}
	}
	if n := len(l.World.API("postmark").Got()); n < 2 {
		t.Errorf("postmark: got %d messages, want those of the rehearsal and the proof", n)
	}
}

// put writes a file that is root's alone.
func (v *enforcing) put(path, text string) {
	v.t.Helper()
	if r := v.Run("sh", "-c", `umask 077; printf %s "$1" > "$2"`, "sh", text, path); r.Code != 0 {
		v.t.Fatalf("%s: want exit code 0, got %s", path, r)
	}
}
