package lab

import "math"

// Taker is who takes a figure: a test, which fails where the figure misses its bound.
type Taker interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
}

// AtLeast tells a figure with its lower bound. One that is below fails, and so does one
// that is no number or without end: nothing was measured.
func AtLeast(t Taker, name string, value, bound float64) {
	t.Helper()
	figure(t, name, ">=", value, bound, value >= bound)
}

// AtMost tells a figure with its upper bound, as AtLeast does.
func AtMost(t Taker, name string, value, bound float64) {
	t.Helper()
	figure(t, name, "<=", value, bound, value <= bound)
}

func figure(t Taker, name, sign string, value, bound float64, met bool) {
	t.Helper()
	verdict := "ok"
	if !met || math.IsInf(value, 0) {
		verdict = "miss"
		t.Errorf("%s: got %.2f, want %s %g", name, value, sign, bound)
	}
	t.Logf("figure: %s %.2f %s %g %s", name, value, sign, bound, verdict)
}
