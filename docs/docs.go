// Package docs holds the pages that the program itself takes facts from.
package docs

import _ "embed"

// Parameters is parameters.md: each Postfix parameter that a setup may write, its
// value, the reason and the manual page.
//
//go:embed parameters.md
var Parameters string
