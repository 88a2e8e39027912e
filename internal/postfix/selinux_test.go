package postfix

import (
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
	s := selinux(tree(t, files), "/usr/libexec/postfix")
	if diff := cmp.Diff(SELinux{Enforcing: true, MorePorts: []Ports{{2525, 2525}, {8000, 8010}}}, s); diff != "" {
		t.Error(diff)
	}
	for port, denied := range map[int]bool{25: false, 465: false, 587: false, 2525: false, 2526: true, 2587: true, 8005: false, 8080: true} {
		if s.PortDenied(port) != denied {
			t.Errorf("port %d denied: %v", port, !denied)
		}
	}
	any := s
	any.AnyPort = true
	if any.PortDenied(2587) {
		t.Error("a port is denied where any is allowed")
	}
	files["/sys/fs/selinux/enforce"] = "0"
	if s := selinux(tree(t, files), ""); s.Enforcing || s.PortDenied(2587) || s.ReuseDenied() {
		t.Errorf("permissive: %+v", s)
	}
	for label, denied := range map[string]bool{"postfix_exec_t": true, "postfix_smtp_exec_t": false, "postfix_tlsproxy_exec_t": false, "": false} {
		if (SELinux{Enforcing: true, TLSProxy: label}).ReuseDenied() != denied || (SELinux{TLSProxy: label}).ReuseDenied() {
			t.Errorf("label %q: denied is not %v", label, denied)
		}
	}
}
