// Package ui is the terminal: prompts, tables, progress and secret input.
package ui
