// Package plural counts things in words.
package plural

import (
	"strconv"
	"strings"
)

// Of is n and the noun, in the plural unless n is 1: "1 message", "2 messages", "0
// addresses". It knows the nouns that add -s, or -es after s and x.
func Of(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"):
		noun += "es"
	default:
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}
