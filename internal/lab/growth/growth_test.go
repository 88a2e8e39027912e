package growth

import "testing"

// TestRatio: what is linear and what is quadratic can be told apart.
func TestRatio(t *testing.T) {
	sum := 0
	for _, row := range []struct {
		name        string
		cost        func(n int) int
		least, most float64
	}{
		{"linear", func(n int) int { return n * 20_000 }, 2, 20},
		{"quadratic", func(n int) int { return n * n * 100 }, 25, 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := Ratio(t, 100, 1000, func(n int) {
				for i := range row.cost(n) {
					sum += i ^ n
				}
			})
			if got < row.least || got > row.most {
				t.Errorf("got %.0f times the time, want %.0f to %.0f", got, row.least, row.most)
			}
		})
	}
}
