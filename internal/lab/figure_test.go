package lab

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// taken is what was told of a figure.
type taken struct {
	said   string
	failed bool
}

func (f *taken) Helper()                      {}
func (f *taken) Logf(format string, a ...any) { f.said += fmt.Sprintf(format, a...) }
func (f *taken) Errorf(_ string, _ ...any)    { f.failed = true }

// TestFigures: a bench fails when a bound is missed, and says so; what was not measured
// is no success.
func TestFigures(t *testing.T) {
	for _, row := range []struct {
		name         string
		take         func(Taker, string, float64, float64)
		value, bound float64
		want         string
	}{
		{"least, met", AtLeast, 4, 4, "4.00 >= 4 ok"},
		{"least, missed", AtLeast, 3.99, 4, "3.99 >= 4 miss"},
		{"least, nothing by nothing", AtLeast, math.NaN(), 4, "miss"},
		{"least, something by nothing", AtLeast, math.Inf(1), 4, "miss"},
		{"most, met", AtMost, 15, 15, "15.00 <= 15 ok"},
		{"most, below", AtMost, 0.2, 0.5, "0.20 <= 0.5 ok"},
		{"most, missed", AtMost, 15.01, 15, "15.01 <= 15 miss"},
		{"most, nothing by nothing", AtMost, math.NaN(), 15, "miss"},
		{"most, something by nothing", AtMost, math.Inf(1), 15, "miss"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var f taken
			row.take(&f, "rate", row.value, row.bound)
			if !strings.HasPrefix(f.said, "figure: rate ") || !strings.HasSuffix(f.said, row.want) || f.failed != strings.HasSuffix(row.want, "miss") {
				t.Errorf("got %q, failed %t; want %q", f.said, f.failed, row.want)
			}
		})
	}
}
