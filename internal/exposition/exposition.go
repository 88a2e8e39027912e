// Package exposition writes gauges in the Prometheus text format, as the
// textfile collector of node_exporter reads them. It knows no metric of its own.
//
// Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text
// format, version 0.0.4).
package exposition

import (
	"bytes"
	"strconv"
	"strings"
)

// Text is a document in the making. The zero value is empty.
type Text struct{ buf bytes.Buffer }

// Sample is one value of a gauge.
type Sample struct {
	Labels []Label
	Value  float64
}

// Label of a sample.
type Label struct{ Name, Value string }

// Gauge adds a metric with its samples; one without samples is left out, since
// a metric that is not known is not zero. No two samples may have the same
// labels.
func (t *Text) Gauge(name, help string, samples ...Sample) {
	if len(samples) == 0 {
		return
	}
	t.buf.WriteString("# HELP " + name + " " + helpEscape.Replace(help) + "\n# TYPE " + name + " gauge\n")
	for _, s := range samples {
		t.buf.WriteString(name)
		for i, l := range s.Labels {
			t.buf.WriteString(string("{,"[min(i, 1)]) + l.Name + `="` + labelEscape.Replace(l.Value) + `"`)
		}
		if len(s.Labels) > 0 {
			t.buf.WriteByte('}')
		}
		t.buf.WriteString(" " + strconv.FormatFloat(s.Value, 'g', -1, 64) + "\n")
	}
}

// Value is a sample without labels.
func Value(v float64) Sample { return Sample{Value: v} }

// Bool is Value(1) or Value(0).
func Bool(b bool) Sample {
	if b {
		return Value(1)
	}
	return Value(0)
}

// Bytes returns the document.
func (t *Text) Bytes() []byte { return t.buf.Bytes() }

var (
	helpEscape  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)
