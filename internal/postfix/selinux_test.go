package postfix

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSELinux(t *testing.T) {
	files := map[string]string{
		"/sys/fs/selinux/enforce":                             "1",
		"/sys/fs/selinux/class/tcp_socket/index":              "46",
		"/sys/fs/selinux/class/tcp_socket/perms/name_connect": "24",
		"/etc/selinux/config":                                 "# SELINUXTYPE= can be ...\nSELINUX=enforcing\nSELINUXTYPE=mls\n",
		"/var/lib/selinux/mls/active/ports.local": "# This file is auto-generated\n\nportcon tcp 2525 system_u:object_r:smtp_port_t:s0\n" +
			"portcon udp 2526 system_u:object_r:smtp_port_t:s0\nportcon tcp 8000-8010 system_u:object_r:smtp_port_t:s0\nportcon tcp 8080 system_u:object_r:http_port_t:s0\n",
	}
	s := selinux(tree(t, files), "/usr/libexec/postfix", "/var/lib/postfix")
	if diff := cmp.Diff(SELinux{Enforcing: true, MorePorts: []Ports{{2525, 2525}, {8000, 8010}}}, s); diff != "" {
		t.Errorf("got the difference (-want +got)\n%s\nwant none", diff)
	}
	for port, denied := range map[int]bool{25: false, 465: false, 587: false, 2525: false, 2526: true, 2587: true, 8005: false, 8080: true} {
		t.Run(fmt.Sprintf("port %d", port), func(t *testing.T) {
			if s.PortDenied(port) != denied {
				t.Errorf("port %d: got denied %v, want %v", port, !denied, denied)
			}
		})
	}
	any := s
	any.AnyPort = true
	if any.PortDenied(2587) {
		t.Error("got a port denied, want none where any is allowed")
	}
	files["/sys/fs/selinux/enforce"] = "0"
	if s := selinux(tree(t, files), "", ""); s.Enforcing || s.PortDenied(2587) || s.ReuseDenied() || s.LogDenied() {
		t.Errorf("permissive: got %+v, want nothing denied", s)
	}
	for label, denied := range map[string]bool{"postfix_exec_t": true, "postfix_smtp_exec_t": false, "postfix_tlsproxy_exec_t": false, "": false} {
		t.Run(fmt.Sprintf("label %q", label), func(t *testing.T) {
			if (SELinux{Enforcing: true, TLSProxy: label}).ReuseDenied() != denied || (SELinux{TLSProxy: label}).ReuseDenied() {
				t.Errorf("label %q: got the opposite of denied, want %v", label, denied)
			}
		})
	}
}

// The rules of postfix.te in Fedora's policy that a log of Postfix's own needs.
func TestLogAllowed(t *testing.T) {
	fedora := []string{
		"postfix_master_t var_lib_t dir search", "postfix_master_t postfix_data_t file open", "postfix_master_t postfix_data_t file append",
		"postfix_master_t postfix_data_t file getattr", "unconfined_t var_lib_t file relabelfrom", "unconfined_t postfix_data_t file relabelto",
		"postfix_pickup_t postfix_master_t unix_dgram_socket sendto", "postfix_cleanup_t postfix_master_t unix_dgram_socket sendto",
		"postfix_qmgr_t postfix_master_t unix_dgram_socket sendto", "postfix_smtp_t postfix_master_t unix_dgram_socket sendto",
	}
	policy := func(rules []string) func(source, target, class, perm string) (bool, error) {
		return func(source, target, class, perm string) (bool, error) {
			return slices.Contains(rules, strings.Join([]string{source, target, class, perm}, " ")), nil
		}
	}
	if !logAllowed(policy(fedora), "unconfined_t", "postfix_data_t") {
		t.Error("got it denied, want it allowed as Fedora's policy does")
	}
	for i, rule := range fedora {
		t.Run("without "+rule, func(t *testing.T) {
			if logAllowed(policy(slices.Delete(slices.Clone(fedora), i, i+1)), "unconfined_t", "postfix_data_t") {
				t.Errorf("got it allowed without %s, want it denied", rule)
			}
		})
	}
	for _, types := range [][2]string{{"unconfined_t", "var_lib_t"}, {"unconfined_t", "var_log_t"}, {"cloud_init_t", "postfix_data_t"}, {"", "postfix_data_t"}, {"unconfined_t", ""}} {
		t.Run(strings.Join(types[:], " "), func(t *testing.T) {
			if logAllowed(policy(fedora), types[0], types[1]) {
				t.Errorf("got that %s may give a log the type %s, want that it may not", types[0], types[1])
			}
		})
	}
	silent := func(string, string, string, string) (bool, error) { return true, errors.New("no such class") }
	if logAllowed(silent, "unconfined_t", "postfix_data_t") {
		t.Error("a kernel that does not say: got it allowed, want it denied")
	}
	if !(SELinux{Enforcing: true}).LogDenied() || (SELinux{}).LogDenied() || (SELinux{Enforcing: true, LogLabel: "x"}).LogDenied() {
		t.Errorf("LogDenied: got enforcing %v, not enforcing %v, enforcing with a label for the log %v, want true, false, false",
			SELinux{Enforcing: true}.LogDenied(), SELinux{}.LogDenied(), SELinux{Enforcing: true, LogLabel: "x"}.LogDenied())
	}
}
