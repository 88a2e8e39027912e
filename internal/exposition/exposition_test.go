package exposition

import (
	"bytes"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestGauge reads what is written with Prometheus' own parser.
func TestGauge(t *testing.T) {
	const wild = "a\\b\"c\nd{},=é"
	var text Text
	text.Gauge("relayhost_none", "left out")
	text.Gauge("relayhost_up", "help with a \\ and\na line", Value(1732240000.5))
	text.Gauge("relayhost_findings", "two", Sample{[]Label{{"check", wild}, {"result", "fail"}}, 2}, Sample{[]Label{{"check", "auth"}, {"result", "pass"}}, 0})
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatalf("got %v, want metrics, of\n%s", err, text.Bytes())
	}
	if len(families) != 2 {
		t.Errorf("metrics: got %d, want 2: %v", len(families), families)
	}
	if f := families["relayhost_up"]; f.GetHelp() != "help with a \\ and\na line" || f.GetType().String() != "GAUGE" || f.GetMetric()[0].GetGauge().GetValue() != 1732240000.5 {
		t.Errorf("relayhost_up: got %v, want a gauge of 1732240000.5 with its help", f)
	}
	m := families["relayhost_findings"].GetMetric()
	if len(m) != 2 || m[0].GetLabel()[0].GetValue() != wild || m[0].GetLabel()[1].GetValue() != "fail" || m[0].GetGauge().GetValue() != 2 {
		t.Errorf("relayhost_findings: got %v, want two samples, the first of %q, fail, 2", m, wild)
	}
}
