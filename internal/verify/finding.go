// Package verify proves a relay setup: each check returns a finding with its
// remedy. It changes nothing; the one message that it sends goes through the
// Mailer that it is handed.
package verify

import (
	"time"

	"relayhost/internal/lint"
)

// Result of a check, worst last.
type Result string

// The results of a check.
const (
	Skip Result = "skip"
	Pass Result = "pass"
	Warn Result = "warn"
	Fail Result = "fail"
)

// Finding is what one check found. Cause is a stable word (an id of the failure
// catalogue), Remedy a sentence and Command, where there is one, a command that
// works when pasted.
//
// Route names the route that it is about where this host has several; "" is the
// host as a whole.
type Finding struct {
	Check   string  `json:"check"`
	Route   string  `json:"route,omitempty"`
	Result  Result  `json:"result"`
	Detail  string  `json:"detail"`
	Cause   string  `json:"cause,omitempty"`
	Remedy  string  `json:"remedy,omitempty"`
	Command string  `json:"command,omitempty"`
	Ms      float64 `json:"ms"`

	route int          // place of the route among all, from 1; 0 is the host as a whole
	about lint.Subject // of one that a rule of internal/lint could have as well
	place int          // among the findings of one check on one route
}

// Report is the document that `relayhost verify --json` prints.
type Report struct {
	Version  int       `json:"version"`
	Result   Result    `json:"result"`
	Findings []Finding `json:"findings"`
}

// Delivery is the proof that one message left through Postfix.
type Delivery struct {
	MessageID string `json:"message_id"`
	QueueID   string `json:"queue_id"`
	To        string `json:"-"`      // whom it was delivered to: the target of an alias, say
	Status    string `json:"status"` // sent | deferred | bounced | ...; "" when no line came
	DSN       string `json:"dsn"`
	Relay     string `json:"relay"` // host[address]:port as logged
	Service   string `json:"service"`
	Reply     string `json:"reply"`     // the relay's own words
	RemoteID  string `json:"remote_id"` // the relay's message id, out of Reply
	// LoginRefused is what a relay said to the login, where it said no, if only at
	// one of its addresses; "" otherwise.
	LoginRefused string        `json:"login_refused,omitempty"`
	Throttled    string        `json:"throttled"` // the fatal line of a dead service, where no status line came
	Took         time.Duration `json:"-"`
}
