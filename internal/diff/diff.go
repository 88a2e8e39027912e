// Package diff shows a plan as unified differences, with secrets masked in old
// and new. It reads no files: a Plan carries what it found.
package diff

import "relayhost/internal/plan"

// File returns the unified difference of f with paths as on the host, or "" when
// nothing changes. Values of secret files are masked in old and new alike.
func File(f plan.File) string { panic("not written yet") }
