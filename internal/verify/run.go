package verify

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/lint"
	"relayhost/internal/maillog"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/smtpprobe"
)

// Env is what the checks look at: the host, its Postfix, and what setup was
// told.
type Env struct {
	Reader *host.Reader
	State  postfix.State

	Routes   []Route // the default first; one at least
	To       string  // recipient of the test message
	Resolver Resolver
	Mailer   Mailer
	Log      *maillog.Log // nil: none can be read, and LogError says why
	LogError error

	// Plan is what setup would write now with the answers it was given; nil
	// when there are none, and nothing can drift.
	Plan *plan.Plan
	// Changed says what has become of files since setup wrote them ("edited by
	// hand"), where that is known.
	Changed map[string]string
	// Unfinished is the change of a run that is at work now, or died.
	Unfinished string
	// Limited: files that hold secrets could not be read, for want of root.
	Limited bool
	// Public are this host's addresses as the world sees them, if known.
	Public []netip.Addr
	// Accepted: the relay has taken the login as it is stored before.
	Accepted bool
	// Probe is smtpprobe.Probe where nil.
	Probe func(context.Context, smtpprobe.Target) smtpprobe.Result
}

// Options say how far to go.
type Options struct {
	Offline    bool          // configuration and drift only: nothing leaves the host
	NoSend     bool          // no test message
	Blocklists bool          // ask them
	Route      string        // the one to prove; "" proves all
	Found      func(Finding) // told of each finding when it is known, of several routes one after the other; may be nil
}

// order of the findings in a report.
var order = []string{"config", "maps", "service", "drift", "dns", "connect", "tls", "auth", "delivery", "relay_access",
	"spf", "dkim", "dmarc", "ptr", "blocklist", "limits", "smtputf8", "queue"}

// run is one verification.
type run struct {
	Env
	Options
	inspected explain.Signs // what is wrong with main.cf and master.cf
	signs     explain.Signs // those, and what tables show
	accounts  logins
	slots     chan struct{} // a place for each connection
	began     time.Time
	waiting   func() ([]postfix.QueuedMessage, error) // the queue, read once

	showing  sync.Mutex // while the findings of a route are passed on
	mu       sync.Mutex
	findings []Finding
}

// maxConnections is how many connections and deliveries go on at once.
const maxConnections = 8

// Run makes all checks, those at once that do not need each other. It returns
// when the last one has ended, each within its own limit.
func Run(ctx context.Context, env Env, o Options) Report {
	r := &run{Env: env, Options: o, inspected: explain.Inspect(env.State, env.From()), slots: make(chan struct{}, maxConnections), began: time.Now()}
	if r.Probe == nil {
		r.Probe = smtpprobe.Probe
	}
	r.waiting = sync.OnceValues(func() ([]postfix.QueuedMessage, error) { return postfix.ReadQueue(ctx, r.Reader, r.State.ConfigDir) })
	var wait sync.WaitGroup
	if r.State.Running {
		wait.Go(func() { _, _ = r.waiting() }) // judged last, when no time may be left
	}
	checks := r.routeChecks()
	// What the tables on disk show decides between causes as well.
	maps := r.maps(ctx, checks)
	r.signs = slices.Concat(r.inspected, tableSigns(maps))
	for _, t := range checks {
		t.signs = append(t.signs, tableSigns(maps)...)
	}
	onHost := func() { r.onHost(ctx, checks, maps) }
	if r.several() {
		onHost() // each route's findings are shown together
	} else {
		wait.Go(onHost)
	}
	for _, check := range []func(context.Context) []Finding{r.drift, r.limits} {
		wait.Go(func() { clocked(ctx, check, r.found) })
	}
	wait.Go(func() {
		clocked(ctx, func(context.Context) []Finding { return relayAccess(r.State) }, r.found)
	})
	if o.Offline {
		for _, t := range checks {
			t.release()
		}
	} else {
		wait.Go(func() { r.prove(ctx, checks) })
	}
	wait.Wait()
	clocked(ctx, r.queue, r.found) // last: what fails above is why mail waits
	return NewReport(r.findings)
}

// onHost makes the checks of main.cf, master.cf and tables. What is about one of
// several routes is kept for the other findings on it.
func (r *run) onHost(ctx context.Context, checks []*routeCheck, maps []Finding) {
	found := func(f Finding) {
		for _, t := range checks {
			if f.route != 0 && t.number == f.route {
				t.found(f)
				return
			}
		}
		r.found(f)
	}
	for _, f := range maps {
		found(f)
	}
	clocked(ctx, func(ctx context.Context) []Finding { return r.config(ctx, checks, maps) }, found)
	clocked(ctx, func(ctx context.Context) []Finding { return r.services(ctx, checks) }, found)
}

// clocked passes on the findings of a check with the time that it took.
func clocked(ctx context.Context, check func(context.Context) []Finding, found func(Finding)) {
	start := time.Now()
	for _, f := range check(ctx) {
		if f.Ms == 0 {
			f.Ms = ms(time.Since(start))
		}
		found(f)
	}
}

// tableSigns are the faults of tables.
func tableSigns(maps []Finding) (signs explain.Signs) {
	for _, f := range maps {
		if f.Result == Fail {
			signs = append(signs, explain.Sign{Cause: f.Cause, Holds: true, Finding: lint.Finding{Rule: f.Cause, Detail: f.Detail}})
		}
	}
	return signs
}

// sesSecret is the length of an IAM secret access key; the SMTP password that is
// derived from it has 44 characters
// (https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html).
const sesSecret = 40

// credentialSigns tell by the form of the password which of the causes of one
// and the same refusal it is.
func credentialSigns(h Hop) explain.Signs {
	if h.Relay.ID != "ses" || h.Password.IsZero() {
		return nil
	}
	return explain.Signs{{Cause: "ses_iam_secret", Holds: len(h.Password.Reveal()) == sesSecret,
		Finding: lint.Finding{Rule: "ses_iam_secret", Detail: "the password has the length of an IAM secret key"}}}
}

func (r *run) found(f Finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f = f.At(r.State.ConfigDir)
	// Errors that were joined are lines of their own.
	f.Detail = smtpprobe.Sanitize(strings.ReplaceAll(f.Detail, "\n", "; "))
	f.Remedy = smtpprobe.Sanitize(f.Remedy)
	r.findings = append(r.findings, f)
	if r.Found != nil {
		r.Found(f)
	}
}

// NewReport puts findings into their order and sums them up: those on the host
// first, then route by route.
func NewReport(findings []Finding) Report {
	report := Report{Version: 1, Result: Pass, Findings: slices.Clone(findings)}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int {
		return cmp.Or(a.route-b.route, slices.Index(order, a.Check)-slices.Index(order, b.Check), a.place-b.place)
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

// At is f with its commands for the instance of Postfix whose configuration is in configDir.
func (f Finding) At(configDir string) Finding {
	f.Command, f.Remedy = postfix.AtInstance(f.Command, configDir), postfix.AtInstance(f.Remedy, configDir)
	return f
}

func pass(check, detail string) []Finding {
	return []Finding{{Check: check, Result: Pass, Detail: detail}}
}
func skip(check, detail string) []Finding {
	return []Finding{{Check: check, Result: Skip, Detail: detail}}
}
