package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"relayhost/internal/apply"
	"relayhost/internal/config"
	"relayhost/internal/install"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/setup"
	"relayhost/internal/smtpprobe"
	"relayhost/internal/ui"
)

// Exit codes (help exit-codes).
const (
	exitDone        = 0
	exitFailed      = 1
	exitDifferences = 2
	exitProof       = 3
	exitIncomplete  = 4
	exitUnknown     = 5 // explain: nothing in the text is known
	exitUsage       = 64
	exitInterrupted = 130
)

// errDifferences makes exit code 2 without a message.
var errDifferences = errors.New("there are differences")

// usageError is a mistake on the command line (exit code 64).
type usageError = setup.UsageError

func usage(err error, hint string) error { return setup.UsageError{Err: err, Hint: hint} }

func hint(err error, text string) error { return setup.HintedError{Err: err, Hint: text} }

func usagef(format string, args ...any) error {
	return usage(fmt.Errorf(format, args...), "see --help")
}

// toldError is an error that has been printed: only the state of this server is left to
// say.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

// redactedError is an error whose text has no secret in it.
type redactedError struct {
	error
	text string
}

func (e redactedError) Error() string { return e.text }
func (e redactedError) Unwrap() error { return e.error }

// codeError is an exit code without a message.
type codeError int

func (e codeError) Error() string { return "" }

// exitCode maps an error to the code that help exit-codes explains.
func exitCode(err error) int {
	var (
		needs *apply.Incomplete
		proof setup.ProofError
		usage usageError
		input *config.InputError
		file  *config.FileError
		code  codeError
	)
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &needs):
		return exitIncomplete
	case errors.Is(err, setup.ErrInterrupted), errors.Is(err, ui.ErrInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, errDifferences):
		return exitDifferences
	case errors.As(err, &proof):
		return exitProof
	case errors.As(err, &usage), errors.As(err, &input), errors.As(err, &file):
		return exitUsage
	default:
		return exitFailed
	}
}

// report prints the error once, as "error:" and "hint:", and returns the code.
func (a *app) report(err error) int {
	code := exitCode(err)
	if err == nil || err.Error() == "" || errors.Is(err, errDifferences) {
		return code
	}
	if a.json && !a.printed {
		doc := struct {
			Version int    `json:"version"`
			Result  string `json:"result"`
			Error   string `json:"error"`
			Hint    string `json:"hint,omitempty"`
		}{1, "failed", smtpprobe.Sanitize(err.Error()), a.here(strings.Join(hints(err), "; "))}
		_ = a.printJSON(doc) // the error itself goes to stderr in any case
	}
	var told toldError
	if errors.As(err, &told) && !a.json {
		var stated setup.StatedError
		if errors.As(err, &stated) {
			a.io.Tell("", "This server: %s.", stated.State)
		}
		return code
	}
	text := err.Error()
	if code == exitInterrupted {
		text = "interrupted"
		if detail := interruptedDetail(err); detail != "" {
			text += "\n" + detail
		}
	}
	complain(a.io, "error: ", text)
	showDifferences(a.io, err)
	for _, h := range hints(err) {
		complain(a.io, "hint: ", a.here(h))
	}
	var needs *apply.Incomplete
	if errors.As(err, &needs) {
		for _, f := range needs.Files {
			complain(a.io, "needs you: ", f)
		}
	}
	return code
}

// here is text with its commands for the Postfix of this run.
func (a *app) here(text string) string { return postfix.AtInstance(text, a.configDir) }

// complain writes what is wrong, or what to do about it; its further lines
// stand below the first.
func complain(io *ui.Streams, kind, text string) {
	io.Done()
	first := "relayhost: " + kind
	for line := range strings.SplitSeq(text, "\n") {
		io.Tell(first, "%s", smtpprobe.Sanitize(line))
		first = "  "
	}
}

// interruptedDetail is what an interrupted run says of the host's state.
func interruptedDetail(err error) string {
	var stated setup.StatedError
	if errors.As(err, &stated) {
		return "this server: " + stated.State
	}
	var h setup.HintedError
	if errors.As(err, &h) {
		return h.Error()
	}
	return ""
}

// hints are what err says about what to do.
func hints(err error) []string {
	return slices.DeleteFunc([]string{
		hintOf(err, func(e *plan.Conflict) string { return e.Hint }),
		hintOf(err, func(e *install.FailedError) string { return e.Hint }),
		hintOf(err, func(e setup.HintedError) string { return e.Hint }),
		hintOf(err, func(e usageError) string { return e.Hint }),
		hintOf(err, func(e *config.InputError) string { return e.Hint }),
		hintOf(err, func(e *config.FileError) string { return e.Hint }),
		hintOf(err, func(e *postfix.ConfigError) string {
			if errors.Is(e, fs.ErrNotExist) {
				return "--config-dir DIR is the directory of main.cf and master.cf; postmulti -l lists those of further instances"
			}
			return ""
		}),
	}, func(hint string) bool { return hint == "" })
}

func hintOf[E error](err error, hint func(E) string) string {
	if e, ok := errors.AsType[E](err); ok {
		return hint(e)
	}
	return ""
}

// printJSON writes v as the one document on standard output.
func (a *app) printJSON(v any) error {
	a.printed = true
	var compact, indented bytes.Buffer
	enc := json.NewEncoder(&compact)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	// The encoder's own indenting copies a long document many times.
	indented.Grow(2 * compact.Len())
	if err := json.Indent(&indented, compact.Bytes(), "", "  "); err != nil {
		return err
	}
	_, err := a.io.Out.Write(indented.Bytes())
	return err
}
