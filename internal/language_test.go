// Package internal_test holds what is the same for all packages: the language
// of what people read.
package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// avoided are words that the glossary replaces, with the words to write.
var avoided = []struct {
	pattern *regexp.Regexp
	write   string
}{
	{word(`folders?`), "directory"},
	{word(`log-ins?`), "login, log in"},
	{word(`set-ups?`), "setup, set up"},
	{word(`fall-backs?|stand-ins?`), "fallback"},
	{word(`mend(s|ed|ing)?|sets? right`), "fix"},
	{word(`anew`), "again; compile the table"},
	{word(`(puts?|takes?|taken) (it |them |everything )?back|way back`), "restore, roll back"},
	{word(`go(es)? round|going round|round the (relay|service)`), "bypass"},
	{word(`keeps? (its|their) way`), "deliver directly"},
	{word(`gets? through|got through|nothing( at all)? gets out|gets? out of this host`), "reachable"},
	{word(`greeting names?`), "HELO name"},
	{word(`mail without a sender`), "null sender <>"},
	{word(`dead-man`), "watchdog"},
	{word(`a person is needed`), "manual intervention is needed"},
	{word(`the answer was no`), "aborted"},
	{word(`(is|are) not kept`), "could not save"},
	{word(`no terminal to ask`), "stdin is not a terminal"},
	{word(`does not take (the|mail|this)`), "rejects"},
	{word(`takes (senders|any sender|no mail|no sender|mail) (of|from|for|without)|takes? senders`), "accepts"},
	{word(`by whom`), "who blocks it"},
	{word(`curiosity`), "preflight"},
	{word(`ours|theirs`), "relayhost's, the other's"},
	{word(`stands? in|stood in`), "is in"},
	{word(`says? so|say so`), "reports it"},
	{word(`by itself|all the same`), "on its own; anyway"},
	{word(`broken off|break off`), "aborted, interrupted"},
	{word(`plug-ins?`), "plugin"},
}

func word(s string) *regexp.Regexp { return regexp.MustCompile(`(?i)(^|[^-\w])(` + s + `)($|[^-\w])`) }

// foreign begins TOML lines that are not ours to word: replies and log lines
// that are quoted or matched, the titles of sources, addresses.
var foreign = regexp.MustCompile(`^\s*(text|log|match|pattern|patterns|reply|source|url|docs|where|example|note_source|page) *=|^\s*'`)

// notYet are directories and files that still have such words: remove an entry
// when its texts are done.
var notYet = []string{}

// TestLanguage: no text that the program or the documentation prints has a word
// that the glossary replaces.
func TestLanguage(t *testing.T) {
	texts := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		switch {
		case d.IsDir() && (name == ".git" || name == "testdata" || d.Name() == "testdata" || skipped(name)):
			return fs.SkipDir
		case d.IsDir() || skipped(name) || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		list, err := textsOf(path)
		if err != nil {
			return err
		}
		texts += len(list)
		for _, text := range list {
			for _, a := range avoided {
				if m := a.pattern.FindStringSubmatch(text.text); m != nil {
					t.Errorf("%s:%d: got %q, want %s, in %q", name, text.line, m[2], a.write, text.text)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if texts < 10000 {
		t.Errorf("got %d texts, want at least 10000", texts)
	}
}

func skipped(name string) bool {
	for _, s := range notYet {
		if name == s || strings.HasPrefix(name, s+"/") {
			return true
		}
	}
	return false
}

// text is one piece of what people read.
type text struct {
	line int
	text string
}

// textsOf returns the string literals of a Go file but for struct tags, imports
// and regular expressions, and the lines of TOML, templates, Markdown and units.
func textsOf(path string) ([]text, error) {
	switch filepath.Ext(path) {
	case ".go":
		return literals(path)
	case ".toml", ".tmpl", ".md", ".yml", ".yaml", ".service", ".timer":
	default:
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []text
	n, session := 0, false
	for line := range strings.Lines(string(data)) {
		n++
		// What the program prints is held at its source.
		if strings.HasPrefix(line, "```") {
			session = line == "```console\n"
		}
		if session {
			continue
		}
		if filepath.Ext(path) == ".toml" && foreign.MatchString(line) {
			continue
		}
		list = append(list, text{n, strings.TrimSpace(line)})
	}
	return list, nil
}

func literals(path string) ([]text, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	var list []text
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			n.Tag = nil
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "MustCompile" || f.Sel.Name == "Compile") {
				return false
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				if s, err := strconv.Unquote(n.Value); err == nil {
					list = append(list, text{fset.Position(n.Pos()).Line, s})
				}
			}
		}
		return true
	})
	return list, nil
}

// TestAvoided: the patterns find what they are for, and nothing beside it.
func TestAvoided(t *testing.T) {
	for _, row := range []struct {
		text string
		want bool
	}{
		{"is not a folder", true}, {"Log-in failed", true}, {"the set-up", true}, {"a fall-back", true}, {"mend the resolver", true},
		{"compiled anew", true}, {"everything is put back", true}, {"rollback takes it back", true}, {"nothing gets out", true},
		{"a person is needed: see below", true}, {"587 gets through", true}, {"the mail goes round", true},
		{"directory", false}, {"recommended", false}, {"round-trip", false}, {"how-to-set-up-a-device", false}, {"setup", false}, {"a new table", false},
	} {
		t.Run(row.text, func(t *testing.T) {
			got := false
			for _, a := range avoided {
				got = got || a.pattern.MatchString(row.text)
			}
			if got != row.want {
				t.Errorf("got %v, want %v", got, row.want)
			}
		})
	}
}
