package verify

import (
	"context"
	"crypto/x509"
	"net/netip"
	"slices"
	"sync"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// Env is what the checks look at: the host, its Postfix, and what setup was
// told.
type Env struct {
	Reader *host.Reader
	State  postfix.State
	Relay  relays.Relay
	Host   string // of the next hop, as the certificate must show it
	Port   int
	TLS    relays.TLSMode

	Service  string // the relay's entry in master.cf
	Username string
	Password secret.Value
	From, To string
	Header   string // test header of the service's own; "" for none
	Roots    *x509.CertPool
	Pin      string
	// Unverified says that the set-up takes any certificate.
	Unverified bool

	Resolver Resolver
	Mailer   Mailer
	Log      *postfix.Log // nil: none can be read, and LogError says why
	LogError error

	// Plan is what setup would write now with the answers it was given; nil
	// when there are none, and nothing can drift.
	Plan *plan.Plan
	// Limited: files that hold secrets could not be read, for want of root.
	Limited bool
	// Public are this host's addresses as the world sees them, if known.
	Public []netip.Addr
	// Probe is smtpprobe.Probe where nil.
	Probe func(context.Context, smtpprobe.Target) smtpprobe.Result
}

// Options say how far to go.
type Options struct {
	Offline    bool          // configuration and drift only: nothing leaves the host
	NoSend     bool          // no test message
	Blocklists bool          // ask them
	Simulator  bool          // To is the service's own test recipient, which proves less
	Found      func(Finding) // told of each finding when it is known; may be nil
}

// order of the findings in a report.
var order = []string{"config", "maps", "service", "drift", "dns", "connect", "tls", "auth", "delivery", "relay_access",
	"spf", "dkim", "dmarc", "ptr", "blocklist", "queue"}

// run is one verification.
type run struct {
	Env
	Options
	inspected explain.Signs // what is wrong with main.cf and master.cf
	signs     explain.Signs // those, and what tables and credentials show

	mu       sync.Mutex
	findings []Finding
}

// Run makes all checks, those at once that do not need each other. It returns
// when the last one has ended, each within its own limit.
func Run(ctx context.Context, env Env, o Options) Report {
	r := &run{Env: env, Options: o, inspected: explain.Inspect(env.State, env.From)}
	r.signs = append(slices.Clone(r.inspected), r.credentialSigns()...)
	if r.Probe == nil {
		r.Probe = smtpprobe.Probe
	}
	// What the tables on disk show decides between causes as well.
	maps := r.maps(ctx)
	for _, f := range maps {
		if f.Result == Fail {
			r.signs = append(r.signs, explain.Sign{Cause: f.Cause, Holds: true, Detail: f.Detail})
		}
	}
	checks := []func(context.Context) []Finding{r.config, r.service, r.drift, r.relayAccess, r.queue}
	if !o.Offline {
		checks = append(checks, r.ladder, r.domain)
		if !o.NoSend {
			checks = append(checks, r.delivery)
		}
	}
	for _, f := range maps {
		r.found(f)
	}
	var wait sync.WaitGroup
	for _, check := range checks {
		wait.Go(func() {
			start := time.Now()
			for _, f := range check(ctx) {
				if f.Ms == 0 {
					f.Ms = ms(time.Since(start))
				}
				r.found(f)
			}
		})
	}
	wait.Wait()
	return NewReport(r.findings)
}

// sesSecret is the length of an IAM secret access key; the SMTP password that is
// derived from it has 44 characters
// (https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html).
const sesSecret = 40

// credentialSigns tell by the form of the password which of the causes of one
// and the same refusal it is.
func (r *run) credentialSigns() explain.Signs {
	if r.Relay.ID != "ses" || r.Password.IsZero() {
		return nil
	}
	return explain.Signs{{Cause: "ses_iam_secret", Holds: len(r.Password.Reveal()) == sesSecret, Detail: "the password has the length of an IAM secret key"}}
}

func (r *run) found(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f.Detail, f.Remedy = smtpprobe.Sanitize(f.Detail), smtpprobe.Sanitize(f.Remedy)
	r.findings = append(r.findings, f)
	if r.Found != nil {
		r.Found(f)
	}
}

// NewReport puts findings into their order and sums them up.
func NewReport(findings []Finding) Report {
	report := Report{Version: 1, Result: Pass, Findings: slices.Clone(findings)}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int {
		return slices.Index(order, a.Check) - slices.Index(order, b.Check)
	})
	for _, f := range findings {
		switch {
		case f.Result == Fail:
			report.Result = Fail
		case f.Result == Warn && report.Result == Pass:
			report.Result = Warn
		}
	}
	return report
}

// because fills in cause and remedy from the first of the candidates.
func (f Finding) because(causes []explain.Cause) Finding {
	if len(causes) > 0 {
		f.Cause, f.Remedy, f.Command = causes[0].ID, causes[0].Remedy, causes[0].Command
	}
	return f
}

// known is because for a cause of the failure catalogue.
func (f Finding) known(id string) Finding {
	c, ok := explain.ByID(id)
	if !ok {
		f.Cause = id
		return f
	}
	return f.because([]explain.Cause{c})
}

func pass(check, detail string) []Finding {
	return []Finding{{Check: check, Result: Pass, Detail: detail}}
}
func skip(check, detail string) []Finding {
	return []Finding{{Check: check, Result: Skip, Detail: detail}}
}
