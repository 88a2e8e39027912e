// Package templates holds the text that goes to disk. Decisions are made in
// plan; templates only print values. It imports nothing of ours.
package templates
