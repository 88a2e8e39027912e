package setup

import (
	"errors"
	"fmt"
	"strings"

	"relayhost/internal/explain"
	"relayhost/internal/verify"
)

// ErrNoPostfix is a host without Postfix.
var ErrNoPostfix = errors.New("Postfix is not installed")

// ErrLoginRefused is in the chain of a preflight that failed since the relay has
// refused a login for good.
var ErrLoginRefused = errors.New("the relay has refused the login")

// ErrSenderRefused and ErrRecipientRefused are in the chain of a preflight that failed
// since the relay has refused for good what MAIL or RCPT named.
var (
	ErrSenderRefused    = errors.New("the relay has refused the sender")
	ErrRecipientRefused = errors.New("the relay has refused the recipient")
)

// UsageError is a mistake in what was asked for, or a missing answer (exit code 64).
type UsageError struct {
	Err  error
	Hint string // what to do; may be empty
}

func (e UsageError) Error() string { return e.Err.Error() }
func (e UsageError) Unwrap() error { return e.Err }

// HintedError is an error with what to do about it.
type HintedError struct {
	Err  error
	Hint string
}

func (e HintedError) Error() string { return e.Err.Error() }
func (e HintedError) Unwrap() error { return e.Err }

// Hint adds to err what to do about it.
func Hint(err error, format string, args ...any) error {
	return HintedError{err, fmt.Sprintf(format, args...)}
}

// ProofError says that relay, TLS, credentials, sender or delivery failed (exit
// code 3).
type ProofError struct{ Err error }

func (e ProofError) Error() string { return e.Err.Error() }
func (e ProofError) Unwrap() error { return e.Err }

// Explained is an error with the finding that explains it.
type Explained struct {
	Err     error
	Finding verify.Finding
}

func (e Explained) Error() string { return e.Err.Error() }
func (e Explained) Unwrap() error { return e.Err }

// InFile is an error about what a line of the file names.
type InFile struct {
	Where string // file:line
	Err   error
}

func (e InFile) Error() string { return e.Where + ": " + e.Err.Error() }
func (e InFile) Unwrap() error { return e.Err }

// explained puts a finding behind err: its cause in words, and its remedy.
func explained(err error, f verify.Finding) error {
	err = Explained{err, f}
	c, ok := explain.ByID(f.Cause)
	if ok {
		err = fmt.Errorf("%w\ncause: %s", err, c.Title)
	}
	if ok && c.Retry == "wait" {
		// Nothing of ours is left that would try again.
		f.Remedy, f.Command = "Wait some minutes, then run setup again.", ""
	}
	if f.Remedy == "" {
		return err
	}
	remedy := f.Remedy
	if f.Command != "" {
		remedy += "\n  " + f.Command
	}
	return Hint(err, "%s", remedy)
}

// maxOthers bounds the failures that are told beside the first.
const maxOthers = 5

// withOthers is err with the texts of others below it.
func withOthers(err error, others []string) error {
	for i, text := range others {
		if i == maxOthers {
			return fmt.Errorf("%w\nand %d more", err, len(others)-i)
		}
		err = fmt.Errorf("%w\nalso %s", err, text)
	}
	return err
}

// first returns the first string that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// DomainOf is what stands behind the last @ of an address.
func DomainOf(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }
