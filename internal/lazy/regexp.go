// Package lazy compiles regular expressions when they are first used: most runs of a
// command use few of them, and in a browser compiling all took longer than the rest of
// the start.
package lazy

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync"
)

// Regexp is a regexp.Regexp that its first use compiles.
type Regexp struct {
	text string
	get  func() *regexp.Regexp
}

var all []*Regexp // made while packages are initialised, thus one after another

// MustCompile stands for regexp.MustCompile in variables of a package, and nowhere
// else. A text that is no expression panics at its first use; Check finds it in a test.
func MustCompile(text string) *Regexp {
	re := &Regexp{text, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })}
	all = append(all, re)
	return re
}

// Check reports every text of MustCompile, of all packages of the program, that is no
// regular expression.
func Check() error {
	var errs []error
	for _, re := range all {
		if _, err := syntax.Parse(re.text, syntax.Perl); err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", re.text, err))
		}
	}
	return errors.Join(errs...)
}

// MatchString is that of regexp.Regexp.
func (re *Regexp) MatchString(s string) bool { return re.get().MatchString(s) }

// FindString is that of regexp.Regexp.
func (re *Regexp) FindString(s string) string { return re.get().FindString(s) }

// FindStringIndex is that of regexp.Regexp.
func (re *Regexp) FindStringIndex(s string) []int { return re.get().FindStringIndex(s) }

// FindStringSubmatch is that of regexp.Regexp.
func (re *Regexp) FindStringSubmatch(s string) []string { return re.get().FindStringSubmatch(s) }

// FindStringSubmatchIndex is that of regexp.Regexp.
func (re *Regexp) FindStringSubmatchIndex(s string) []int { return re.get().FindStringSubmatchIndex(s) }

// FindAllString is that of regexp.Regexp.
func (re *Regexp) FindAllString(s string, n int) []string { return re.get().FindAllString(s, n) }

// FindAllStringIndex is that of regexp.Regexp.
func (re *Regexp) FindAllStringIndex(s string, n int) [][]int {
	return re.get().FindAllStringIndex(s, n)
}

// FindAllStringSubmatchIndex is that of regexp.Regexp.
func (re *Regexp) FindAllStringSubmatchIndex(s string, n int) [][]int {
	return re.get().FindAllStringSubmatchIndex(s, n)
}

// FindAllStringSubmatch is that of regexp.Regexp.
func (re *Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return re.get().FindAllStringSubmatch(s, n)
}

// ReplaceAllString is that of regexp.Regexp.
func (re *Regexp) ReplaceAllString(src, repl string) string {
	return re.get().ReplaceAllString(src, repl)
}

// ReplaceAllStringFunc is that of regexp.Regexp.
func (re *Regexp) ReplaceAllStringFunc(src string, repl func(string) string) string {
	return re.get().ReplaceAllStringFunc(src, repl)
}

// Match is that of regexp.Regexp.
func (re *Regexp) Match(b []byte) bool { return re.get().Match(b) }
