//go:build unix

package postfix

import (
	"path"
	"relayhost/internal/host"
	"strconv"
	"strings"
)

// selinux looks at the policy. daemons is the directory of tlsproxy(8), data is
// data_directory.
func selinux(r *host.Reader, daemons, data string) SELinux {
	s := SELinux{Enforcing: r.SELinuxEnforces()}
	if !s.Enforcing {
		return s
	}
	s.TLSProxy = r.SELinuxType(path.Join(daemons, "tlsproxy"))
	// A kernel that does not say is taken to forbid: the advice does no harm.
	s.AnyPort, _ = r.SELinuxAllows("postfix_smtp_t", "unreserved_port_t", "tcp_socket", "name_connect")
	if label := r.SELinuxLabel(data); logAllowed(r.SELinuxAllows, r.SELinuxSelf(), r.SELinuxType(data)) {
		s.LogLabel = label
	}
	store := "targeted"
	if data, err := r.ReadFile("/etc/selinux/config"); err == nil {
		for line := range strings.Lines(string(data)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "SELINUXTYPE="); ok {
				store = strings.TrimSpace(value)
			}
		}
	}
	if data, err := r.ReadFile(path.Join("/var/lib/selinux", path.Base(store), "active/ports.local")); err == nil {
		s.MorePorts = localPorts(string(data))
	}
	return s
}

// logAllowed asks whether Postfix may write its log into a file of /var/lib that
// a process of type self gives the type label. In the policies of Fedora and Red
// Hat postlogd(8) runs as postfix_master_t, which may write files of
// data_directory and of the queue, but none of /var/lib or /var/log besides, and
// the other programs may send to it since September 2021 (postfix.te and .fc of
// github.com/fedora-selinux/selinux-policy, pull request 857; read 2026-11-22).
func logAllowed(allows func(source, target, class, perm string) (bool, error), self, label string) bool {
	const postlogd, directory = "postfix_master_t", "var_lib_t"
	if self == "" || label == "" {
		return false
	}
	for _, need := range [][4]string{
		{self, directory, "file", "relabelfrom"}, {self, label, "file", "relabelto"},
		{postlogd, directory, "dir", "search"},
		{postlogd, label, "file", "open"}, {postlogd, label, "file", "append"}, {postlogd, label, "file", "getattr"},
		{"postfix_pickup_t", postlogd, "unix_dgram_socket", "sendto"}, {"postfix_cleanup_t", postlogd, "unix_dgram_socket", "sendto"},
		{"postfix_qmgr_t", postlogd, "unix_dgram_socket", "sendto"}, {"postfix_smtp_t", postlogd, "unix_dgram_socket", "sendto"},
	} {
		if ok, err := allows(need[0], need[1], need[2], need[3]); !ok || err != nil {
			return false
		}
	}
	return true
}

// localPorts reads what semanage-port(8) has added, lines such as "portcon tcp
// 2525 system_u:object_r:smtp_port_t:s0".
func localPorts(text string) []Ports {
	var ports []Ports
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "portcon" || f[1] != "tcp" || !strings.Contains(f[3], ":smtp_port_t") {
			continue
		}
		first, last, ranged := strings.Cut(f[2], "-")
		if !ranged {
			last = first
		}
		from, err1 := strconv.Atoi(first)
		to, err2 := strconv.Atoi(last)
		if err1 == nil && err2 == nil {
			ports = append(ports, Ports{from, to})
		}
	}
	return ports
}
