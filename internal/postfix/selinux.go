package postfix

// SELinux is what its policy says of the SMTP client. The zero value is a host
// where nothing is enforced.
type SELinux struct {
	Enforcing bool    `json:"enforcing"`
	TLSProxy  string  `json:"tlsproxy"`   // type of the label of tlsproxy(8), "" if unknown
	AnyPort   bool    `json:"any_port"`   // smtp(8) may connect to any unreserved port
	MorePorts []Ports `json:"more_ports"` // that the administrator has given the type smtp_port_t
	// LogLabel is the label that a file has to get for Postfix to keep its log
	// in it, wherever it is; "" where no label does, or nothing is enforced.
	LogLabel string `json:"log_label"`
}

// Ports is a range of TCP ports.
type Ports struct{ First, Last int }

// smtpPorts have the type smtp_port_t in the policy as it comes ("semanage port
// -l": smtp_port_t tcp 25, 465, 587).
var smtpPorts = []Ports{{25, 25}, {465, 465}, {587, 587}}

// ReuseDenied reports whether tlsproxy(8) may not use the connections of
// smtp(8). Labelled postfix_exec_t it runs as postfix_master_t, which may not;
// policies since August 2025 label it postfix_smtp_exec_t (RHEL-77101,
// github.com/fedora-selinux/selinux-policy/pull/2823).
func (s SELinux) ReuseDenied() bool { return s.Enforcing && s.TLSProxy == "postfix_exec_t" }

// LogDenied reports whether Postfix may keep no log in a file of ours.
func (s SELinux) LogDenied() bool { return s.Enforcing && s.LogLabel == "" }

// PortDenied reports whether smtp(8) may not connect to a TCP port, as far as
// can be told.
func (s SELinux) PortDenied(port int) bool {
	if !s.Enforcing || s.AnyPort {
		return false
	}
	for _, list := range [][]Ports{smtpPorts, s.MorePorts} {
		for _, p := range list {
			if p.First <= port && port <= p.Last {
				return false
			}
		}
	}
	return true
}
