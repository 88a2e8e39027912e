package cmd

import (
	"errors"
	"strings"

	"relayhost/internal/apply"
	"relayhost/internal/smtpprobe"
)

// difference is what somebody else has made of a file of ours; no Diff where it
// would show a secret.
type difference struct {
	Path string `json:"path"`
	Diff string `json:"diff"`
}

// refused hands on why nothing was rolled back; --json gets it as a document.
func (a *app) refused(err error) error {
	doc := rollbackDoc{Version: 1, Result: "failed", Changes: []apply.Record{}, Differences: differences(err), Error: err.Error()}
	if len(doc.Differences) > 0 {
		doc.Result = "refused"
		err = hint(err, "make the file as relayhost wrote it, or overwrite what was changed since with relayhost rollback --force")
	}
	if a.json {
		err = errors.Join(err, a.printJSON(doc))
	}
	return err
}

func differences(err error) []difference {
	var edited *apply.Edited
	var all []difference
	if errors.As(err, &edited) {
		for _, f := range edited.Files {
			all = append(all, difference(f))
		}
	}
	return all
}

// showDifferences prints what stands in the way of an undoing.
func (a *app) showDifferences(err error) {
	for _, d := range differences(err) {
		for line := range strings.Lines(d.Diff) {
			a.io.Say("%s", smtpprobe.Sanitize(strings.TrimRight(line, "\r\n")))
		}
	}
}
