//go:build lab

package cmd_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"relayhost/internal/lab"
)

// directory reads a directory of the project as files of a server.
func folder(t *testing.T, from, to string) []lab.Option {
	t.Helper()
	var opts []lab.Option
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(from, path)
		opts = append(opts, lab.File(filepath.Join(to, rel), data, 0o644))
		return err
	})
	if err != nil || len(opts) == 0 {
		t.Fatalf("%s: got %d options and the error %v, want some and none", from, len(opts), err)
	}
	return opts
}

const playbook = `
- hosts: relayed
  gather_subset: [min]
  roles:
    - role: relayhost.mail.relay
      vars:
        relayhost_package: /root/relayhost_1.2.3_amd64.deb
        relayhost_relay: brevo
        relayhost_from: app@example.com
        relayhost_username: "{{ lookup('file', '/root/username') }}"
        relayhost_password: "{{ lookup('file', '/root/password') }}"
`

// TestLabAnsible sets a server up from another (with LAB_FULL three at once), with the
// distribution's ansible-core over ssh: check mode shows the difference and
// changes nothing, the second run changes nothing, and absent leaves nothing.
func TestLabAnsible(t *testing.T) {
	t.Parallel()
	deb := pack(t, "relayhost_1.2.3_amd64.deb")
	l := newLab(t, lab.Systemd(), lab.Relay("brevo"), lab.Relay("postmark"), lab.Packages("ansible-core", "openssh-client", "openssh-server", "python3-apt"))
	servers := []*lab.Server{l.Server}
	more := 0
	if fullTable() {
		more = 2
	}
	for i := range more {
		servers = append(servers, l.AddServer(lab.Hostname(fmt.Sprintf("mail%d.example.com", i+2))))
	}
	opts := append(folder(t, filepath.Join("..", "integrations", "ansible"), "/root/collection"),
		lab.Hostname("control.example.com"), lab.File("/root/relayhost_1.2.3_amd64.deb", deb, 0o644))
	control := l.AddServer(opts...)
	relay := l.World.Relay("brevo")
	control.WriteFile("/root/username", relay.Username, 0o600)
	control.WriteFile("/root/password", relay.Password, 0o600)
	control.WriteFile("/root/site.yml", playbook, 0o644)
	control.Shell("ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519 && ansible-galaxy collection install /root/collection")
	inventory := "[relayed]\n"
	before := map[*lab.Server]lab.Tree{}
	for _, s := range servers {
		s.WriteFile("/root/.ssh/authorized_keys", control.ReadFile("/root/.ssh/id_ed25519.pub"), 0o600)
		control.Shell("ssh-keyscan -t ed25519 " + s.IPv4.String() + " >> /root/.ssh/known_hosts 2>/dev/null")
		inventory += s.IPv4.String() + "\n"
		before[s] = s.Tree(mailConfig...)
	}
	control.WriteFile("/root/inventory", inventory, 0o644)

	ansible := func(args ...string) string {
		t.Helper()
		res := control.Do(lab.Command{
			Args:    args,
			Env:     []string{"ANSIBLE_NOCOLOR=1", "LC_ALL=C.UTF-8", "ANSIBLE_PIPELINING=1", "ANSIBLE_INVENTORY=inventory"},
			Timeout: 4 * time.Minute,
		})
		if res.Code != 0 {
			t.Fatalf("%v: want exit code 0, got %s", args, res)
		}
		t.Logf("%v: %s", args, res.Took)
		if strings.Contains(res.Stdout+res.Stderr, relay.Password) {
			t.Errorf("%v printed the password, want it nowhere in the output", args)
		}
		return res.Stdout
	}
	play := func(args ...string) string {
		t.Helper()
		return ansible(append([]string{"ansible-playbook", "site.yml"}, args...)...)
	}
	play("--tags", "install")
	for _, s := range servers {
		before[s] = s.Tree(mailConfig...)
	}

	// Check mode.
	out := play("--check", "--diff")
	if n := strings.Count(out, "+default_transport = relayhost-brevo:[smtp-relay.brevo.com]:587"); n != len(servers) {
		t.Errorf("the difference is shown %d times, want %d:\n%s", n, len(servers), out)
	}
	for _, s := range servers {
		if d := before[s].Diff(s.Tree(mailConfig...)); d != "" {
			t.Errorf("check mode on %s: got the differences\n%s\nwant none", s.IPv4, d)
		}
	}
	if n := len(relay.Mailbox()); n != 0 {
		t.Errorf("check mode: got %d messages, want none", n)
	}

	for _, n := range recap(t, play(), len(servers)) {
		if n == 0 {
			t.Error("got a server on which no task changed something, want one task at least on each")
		}
	}
	if n := len(relay.Mailbox()); n != 2*len(servers) {
		t.Errorf("%d messages at the service, want two of each server", n)
	}
	second := play("--diff")
	for _, n := range recap(t, second, len(servers)) {
		if n != 0 {
			t.Errorf("the second run: got %d tasks of a server that changed something, want none:\n%s", n, second)
		}
	}
	if n := len(relay.Mailbox()); n != 2*len(servers) {
		t.Errorf("after the second run: got %d messages, want %d", n, 2*len(servers))
	}
	for _, s := range servers {
		if timers := s.Shell("systemctl list-timers --all --no-pager"); !strings.Contains(timers, "relayhost-verify.timer") {
			t.Errorf("the timers: want %q among\n%s", "relayhost-verify.timer", timers)
		}
		if log := s.Shell("journalctl --no-pager --all"); strings.Contains(log, relay.Password) {
			t.Error("the password is in the journal of a server, want it in none")
		}
	}

	if fullTable() {
		checkDocuments(t, control, ansible)
	}
	ansible("ansible", "relayed", "-m", "relayhost.mail.relayhost", "-a", "state=verified")
	if out := ansible("ansible", "relayed", "-m", "relayhost.mail.relayhost", "-a", "state=absent"); strings.Count(out, "CHANGED") != len(servers) {
		t.Errorf("absent: want %d times %q in\n%s", len(servers), "CHANGED", out)
	}
	for _, s := range servers {
		if d := before[s].Diff(s.Tree(mailConfig...)); d != "" {
			t.Errorf("absent on %s: got the differences\n%s\nwant none", s.IPv4, d)
		}
	}

	if !fullTable() {
		return
	}
	// Several relays: the file is a template, as docs/routes.md has it.
	for _, id := range []string{"brevo", "postmark"} {
		accountFile(l, id)
	}
	control.WriteFile("/root/relayhost.toml.j2", fileOfTwo, 0o644)
	tasks := "- hosts: relayed\n  tasks:\n"
	for _, f := range fences(t, "../docs/routes.md") {
		if f.lang == "yaml" {
			tasks += "    " + strings.ReplaceAll(strings.TrimSpace(f.text), "\n", "\n    ") + "\n"
		}
	}
	control.WriteFile("/root/routes.yml", tasks, 0o644)
	routes := func(args ...string) (changed int, out string) {
		out = ansible(append([]string{"ansible-playbook", "routes.yml", "--limit", l.Server.IPv4.String()}, args...)...)
		return recap(t, out, 1)[0], out
	}
	if n, out := routes(); n != 3 {
		t.Errorf("directory, file and setup: got %d tasks that changed something, want 3:\n%s", n, out)
	}
	if n, out := routes("--diff"); n != 0 {
		t.Errorf("the second time: got %d tasks that changed something, want none:\n%s", n, out)
	}
	mailFrom(t, l, "x@shop.example", "postmark")
	mailFrom(t, l, "x@elsewhere.example", "brevo")
}

// checkDocuments has ansible's own tools read the playbooks of the documentation and
// the documentation of the module and the role.
func checkDocuments(t *testing.T, control *lab.Server, ansible func(args ...string) string) {
	t.Helper()
	var books []string
	for i, f := range append(fences(t, "../docs/fleet.md"), fences(t, "../integrations/ansible/README.md")...) {
		if f.lang == "yaml" {
			books = append(books, fmt.Sprintf("document%d.yml", i))
			control.WriteFile("/root/"+books[len(books)-1], f.text, 0o644)
		}
	}
	ansible(append([]string{"ansible-playbook", "--syntax-check"}, books...)...)
	ansible("ansible-doc", "-t", "module", "relayhost.mail.relayhost")
	assertRoleOptions(t, ansible("ansible-doc", "-t", "role", "relayhost.mail.relay"))
}

// fileOfTwo is a setup of two relays as a template of Ansible.
const fileOfTwo = `version = 1
relay = "brevo"
from = "app@example.com"
credentials_file = "/root/brevo.txt"
[[route]]
name = "shop"
senders = ["{{ 'shop' }}.example"]
relay = "postmark"
credentials_file = "/root/postmark.txt"
`

// recap reads how many tasks have changed something, by server, and makes sure
// that none has failed.
func recap(t *testing.T, out string, servers int) []int {
	t.Helper()
	var changed []int
	for _, m := range regexp.MustCompile(`ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=0`).FindAllStringSubmatch(out, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		changed = append(changed, n)
	}
	if len(changed) != servers {
		t.Fatalf("got %d servers in the recap, want %d:\n%s", len(changed), servers, out)
	}
	return changed
}

// assertRoleOptions: the documentation of the role has each of its variables, and
// no other.
func assertRoleOptions(t *testing.T, doc string) {
	t.Helper()
	defaults, err := os.ReadFile("../integrations/ansible/roles/relay/defaults/main.yml")
	if err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`(?m)^(relayhost_[a-z_]+):`).FindAllStringSubmatch(string(defaults), -1)
	for _, v := range variable {
		if !regexp.MustCompile(`(?m)^\s*[-=] ` + v[1] + `\b`).MatchString(doc) {
			t.Errorf("want %s in the documentation of the role, got\n%s", v[1], doc)
		}
	}
	if n := len(regexp.MustCompile(`(?m)^\s*[-=] relayhost_`).FindAllString(doc, -1)); n != len(variable) || n < 19 {
		t.Errorf("got %d options that are documented, want the %d variables and at least 19:\n%s", n, len(variable), doc)
	}
}
