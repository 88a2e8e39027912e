package setup

import (
	"strings"
	"time"

	"relayhost/internal/exposition"
	"relayhost/internal/verify"
)

// VerifyMetrics are named apart from those of status, since both files may lie
// in the same directory.
func VerifyMetrics(r verify.Report, began, ended time.Time) *exposition.Text {
	type key struct{ check, route, result, cause string }
	var order []key
	count := map[key]int{}
	for _, f := range r.Findings {
		k := key{f.Check, f.Route, string(f.Result), f.Cause}
		if count[k]++; count[k] == 1 {
			order = append(order, k)
		}
	}
	var findings []exposition.Sample
	for _, k := range order {
		labels := []exposition.Label{{Name: "check", Value: k.check}, {Name: "result", Value: k.result}, {Name: "cause", Value: k.cause}}
		if k.route != "" { // one of several
			labels = append(labels, exposition.Label{Name: "route", Value: k.route})
		}
		findings = append(findings, exposition.Sample{Labels: labels, Value: float64(count[k])})
	}
	t := &exposition.Text{}
	t.Gauge("relayhost_verify_success", "1 unless a check has failed.", exposition.Bool(r.Result != verify.Fail))
	t.Gauge("relayhost_verify_warnings", "Findings that are warnings.", exposition.Value(float64(countResult(r, verify.Warn))))
	t.Gauge("relayhost_verify_findings", "Findings of the last verification by check, result (pass, warn, fail, skip), cause and, of several, route.", findings...)
	t.Gauge("relayhost_verify_duration_seconds", "How long the last verification took.", exposition.Value(ended.Sub(began).Seconds()))
	t.Gauge("relayhost_verify_timestamp_seconds", "When the last verification ended, in Unix time.", exposition.Value(float64(ended.Unix())))
	return t
}

func countResult(r verify.Report, result verify.Result) int {
	n := 0
	for _, f := range r.Findings {
		if f.Result == result {
			n++
		}
	}
	return n
}

// StatusMetrics leaves out what could not be read.
func StatusMetrics(d Status, version string, now time.Time) *exposition.Text {
	t := &exposition.Text{}
	nextHop := d.NextHop
	if d.API != "" && strings.HasPrefix(nextHop, "unix:") { // a bridge's
		nextHop = "https://" + d.API
	}
	t.Gauge("relayhost_info", "What is set; always 1.", exposition.Sample{Value: 1, Labels: []exposition.Label{
		{Name: "version", Value: version}, {Name: "postfix", Value: d.Postfix}, {Name: "relay", Value: d.Relay}, {Name: "next_hop", Value: nextHop},
	}})
	t.Gauge("relayhost_configured", "1 where relayhost has set this server up.", exposition.Bool(d.Configured))
	t.Gauge("relayhost_postfix_running", "1 where Postfix runs.", exposition.Bool(d.Running))
	if d.Postfix != "" && d.Unknown["queue"] == "" {
		t.Gauge("relayhost_queue_messages", "Messages in Postfix's queue.", exposition.Value(float64(d.Waiting)))
	}
	if d.Unknown["drift"] == "" {
		t.Gauge("relayhost_drifted_files", "Files of setup that somebody has changed, removed or opened to others; lines added beside are not counted.", exposition.Value(float64(d.driftedFiles())))
	}
	if d.Unknown["pending"] == "" {
		t.Gauge("relayhost_unfinished_change", "1 while a change that did not finish waits to be undone.", exposition.Bool(d.Pending != nil))
	}
	if d.ChangedAt != nil {
		t.Gauge("relayhost_change_timestamp_seconds", "When the last change was made, in Unix time.", exposition.Value(float64(d.ChangedAt.Unix())))
	}
	if d.Verified != nil {
		t.Gauge("relayhost_last_verification_success", "1 unless the last verification as root has failed.", exposition.Bool(d.Verified.Result != verify.Fail))
		t.Gauge("relayhost_last_verification_timestamp_seconds", "When that was, in Unix time.", exposition.Value(float64(d.Verified.Time.Unix())))
	}
	signInMetrics(t, d.SignIns)
	t.Gauge("relayhost_status_timestamp_seconds", "When status was asked, in Unix time.", exposition.Value(float64(now.Unix())))
	return t
}
