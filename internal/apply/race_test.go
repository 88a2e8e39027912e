//go:build race

package apply

// raced says that this test program has the race detector.
const raced = true
