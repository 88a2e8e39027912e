// Package detect finds out, read only, on which host we are and which ports of mail are open
// of it: DMI, the metadata service that DMI named, ports, local firewall rules.
// It changes nothing and asks nobody but the relay, the mail exchangers and the
// resolvers of this host.
package detect

// Facts is the document that `relayhost detect --json` prints.
type Facts struct {
	Version    int          `json:"version"`
	Host       Host         `json:"host"`
	Port25     Port25       `json:"port25"`
	Submission []Submission `json:"submission"`
	HTTPS      []Submission `json:"https,omitempty"` // APIs of relays on port 443, tried where no submission port is open
	Policy     *Policy      `json:"policy,omitempty"`
	Advice     string       `json:"advice"` // one sentence
	Next       string       `json:"next"`   // one command that works when pasted
}

// Confidence in a provider's identity.
type Confidence string

// How sure the identity of the host is.
const (
	Certain Confidence = "certain"
	Likely  Confidence = "likely"
	None    Confidence = "none"
)

// Host is the hosting provider and what its metadata service says of us.
type Host struct {
	Provider   string     `json:"provider"` // id of a file in hosts/; "" when unknown
	Name       string     `json:"name"`
	Region     string     `json:"region"`
	InstanceID string     `json:"instance_id"`
	PublicIPv4 string     `json:"public_ipv4"`
	Confidence Confidence `json:"confidence"`
	Evidence   []string   `json:"evidence"`
}

// Verdict on port 25, or on one address family of it.
type Verdict string

// The verdicts, as `detect --json` prints them.
const (
	Open           Verdict = "open"
	Blocked        Verdict = "blocked"         // silence, while other hosts of the same operators answer
	BlockedLocally Verdict = "blocked_locally" // a rule on this host
	Refused        Verdict = "refused"
	Prohibited     Verdict = "prohibited" // a router says so
	Intermittent   Verdict = "intermittent"
	Intercepted    Verdict = "intercepted" // something else answers
	Unreachable    Verdict = "unreachable"
	Offline        Verdict = "offline" // no outgoing connection works
	DNSFailed      Verdict = "dns_failed"
	Inconclusive   Verdict = "inconclusive"
	NotProbed      Verdict = "not_probed"
)

// Port25 is what happened on the way to other people's mail exchangers.
type Port25 struct {
	Verdict   Verdict `json:"verdict"`
	IPv4      Verdict `json:"ipv4"`
	IPv6      Verdict `json:"ipv6"`
	Why       string  `json:"why"`
	Probes    []Probe `json:"probes"`
	LocalRule string  `json:"local_rule,omitempty"`
}

// Probe is one connection attempt.
type Probe struct {
	Target  string  `json:"target"`
	Address string  `json:"address"`
	Port    int     `json:"port"`
	Result  string  `json:"result"`
	Errno   string  `json:"errno"`
	Banner  string  `json:"banner"`
	Ms      float64 `json:"ms"`
}

// Submission is one port of the relay, probed from here.
type Submission struct {
	Relay  string  `json:"relay"`
	Host   string  `json:"host"`
	Port   int     `json:"port"`
	TLS    string  `json:"tls"`    // starttls | implicit
	Result string  `json:"result"` // open, or the smtpprobe.Fault at Step
	Step   string  `json:"step,omitempty"`
	Detail string  `json:"detail,omitempty"`
	Ms     float64 `json:"ms"`
}

// Policy is what the provider says of its ports.
type Policy struct {
	Blocked []int  `json:"blocked"`
	Unblock string `json:"unblock"`
	URL     string `json:"url"`
	AsOf    string `json:"as_of"` // YYYY-MM-DD
}
