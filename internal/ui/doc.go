// Package ui is the terminal: streams, colours, tables and prompts. Answers go
// to stdout; questions, progress and warnings go to stderr.
package ui
