package cmd

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"relayhost/internal/apply"
	"relayhost/internal/exposition"
	"relayhost/internal/host"
	"relayhost/internal/setup"
	"relayhost/internal/verify"
)

// parseMetrics reads a document with Prometheus' own parser.
func parseMetrics(t *testing.T, text []byte) map[string]float64 {
	t.Helper()
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("want no error, got %v\n%s", err, text)
	}
	values := map[string]float64{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			if _, twice := values[key]; twice {
				t.Errorf("got two samples %s, want one", key)
			}
			values[key] = m.GetGauge().GetValue()
		}
	}
	return values
}

func TestVerifyMetrics(t *testing.T) {
	report := verify.NewReport([]verify.Finding{
		{Check: "tls", Result: verify.Pass}, {Check: "connect", Result: verify.Pass}, {Check: "connect", Result: verify.Pass},
		{Check: "auth", Result: verify.Fail, Cause: "brevo_auth_failed"}, {Check: "auth", Route: "shop", Result: verify.Pass},
		{Check: "auth", Route: "news", Result: verify.Pass}, {Check: "spf", Result: verify.Warn, Cause: "spf_missing"},
	})
	end := time.Unix(1700000000, 0)
	got := parseMetrics(t, setup.VerifyMetrics(report, end.Add(-1500*time.Millisecond), end).Bytes())
	want := map[string]float64{
		"relayhost_verify_success": 0, "relayhost_verify_warnings": 1, "relayhost_verify_duration_seconds": 1.5,
		"relayhost_verify_timestamp_seconds":                    1700000000,
		"relayhost_verify_findings connect pass ":               2,
		"relayhost_verify_findings tls pass ":                   1,
		"relayhost_verify_findings auth fail brevo_auth_failed": 1,
		"relayhost_verify_findings spf warn spf_missing":        1,
		"relayhost_verify_findings auth pass  shop":             1,
		"relayhost_verify_findings auth pass  news":             1,
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestStatusMetrics(t *testing.T) {
	at := time.Unix(1700000000, 0)
	doc := setup.Status{
		Postfix: "3.7.11", Running: true, Configured: true, Relay: "ses", NextHop: "[mail.example.net]:587", Waiting: 7, ChangedAt: &at,
		Drift:    []apply.DriftItem{{State: apply.DriftNone}, {State: apply.DriftForeign}, {State: apply.DriftEdited}, {State: apply.DriftCompiled}, {State: apply.DriftRemoved}},
		Verified: &setup.LastVerification{Time: at, Result: verify.Warn},
	}
	all := parseMetrics(t, setup.StatusMetrics(doc, version, at).Bytes())
	want := map[string]float64{
		"relayhost_info " + version + " 3.7.11 ses [mail.example.net]:587": 1,
		"relayhost_configured": 1, "relayhost_postfix_running": 1, "relayhost_queue_messages": 7, "relayhost_drifted_files": 2,
		"relayhost_unfinished_change": 0, "relayhost_change_timestamp_seconds": 1700000000,
		"relayhost_last_verification_success": 1, "relayhost_last_verification_timestamp_seconds": 1700000000,
		"relayhost_status_timestamp_seconds": 1700000000,
	}
	if !maps.Equal(all, want) {
		t.Errorf("got %v\nwant %v", all, want)
	}
	// What is not known is not said to be zero.
	doc.Unknown = map[string]string{"queue": "denied", "drift": "denied", "pending": "denied"}
	for name := range parseMetrics(t, setup.StatusMetrics(doc, version, at).Bytes()) {
		if slices.Contains([]string{"relayhost_queue_messages", "relayhost_drifted_files", "relayhost_unfinished_change"}, name) {
			t.Errorf("got %s, want it left out: it is not known", name)
		}
	}
	// Both files in one directory: the collector refuses a name with two helps.
	for name := range parseMetrics(t, setup.VerifyMetrics(verify.NewReport(nil), at, at).Bytes()) {
		if !strings.HasPrefix(name, "relayhost_verify_") {
			t.Errorf("%s may meet a metric of status, want %q at its start", name, "relayhost_verify_")
		}
	}
}

func TestWriteMetrics(t *testing.T) {
	dir := t.TempDir()
	a := &app{host: &host.Host{}}
	file := filepath.Join(dir, "relayhost.prom")
	for _, v := range []float64{1, 2} {
		var text exposition.Text
		text.Gauge("relayhost_up", "x", exposition.Value(v))
		if err := writeMetrics(a.io, a.host, file, &text); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(data, text.Bytes()) {
			t.Errorf("got %v: %s, want %s", err, data, text.Bytes())
		}
	}
	if info, err := os.Stat(file); err != nil {
		t.Error(err)
	} else if info.Mode().Perm() != 0o644 {
		t.Errorf("%s: got mode %v, want 0644", file, info.Mode())
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
		t.Errorf("the directory: got %v and the error %v, want one file and no error", names, err)
	}
	if err := writeMetrics(a.io, a.host, filepath.Join(dir, "none", "x.prom"), &exposition.Text{}); err == nil || len(hints(err)) == 0 {
		t.Errorf("a directory that is missing: got the error %v, want one with a hint", err)
	}
}

// TestDocumentedMetrics: docs/fleet.md names every metric, and no other.
func TestDocumentedMetrics(t *testing.T) {
	data, err := os.ReadFile("../docs/fleet.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "| `relayhost_") {
			for _, m := range regexp.MustCompile("`(relayhost_[a-z_]+)").FindAllStringSubmatch(line, -1) {
				documented[m[1]] = true
			}
		}
	}
	at := time.Unix(1, 0)
	report := verify.NewReport([]verify.Finding{{Check: "tls", Result: verify.Pass}})
	doc := setup.Status{Postfix: "3.7.11", ChangedAt: &at, Verified: &setup.LastVerification{Time: at, Result: verify.Pass}}
	all := parseMetrics(t, append(setup.VerifyMetrics(report, at, at).Bytes(), setup.StatusMetrics(doc, version, at).Bytes()...))
	if len(all) != 15 {
		t.Errorf("%d metrics, want 15", len(all))
	}
	for key := range all {
		name, _, _ := strings.Cut(key, " ")
		if !documented[name] {
			t.Errorf("want %s in docs/fleet.md, which does not have it", name)
		}
		delete(documented, name)
	}
	for name := range documented {
		t.Errorf("docs/fleet.md names %s, want it written", name)
	}
}
