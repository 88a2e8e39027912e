package cmd_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxFiles is how many files of cmd and internal/setup an engineer opens to follow a
// setup from its flags to the disk, whichever way the relay is reached; maxAsked is how
// many of internal/ask, where the questions are.
const (
	maxFiles = 12
	maxAsked = 6
)

// TestFilesOfASetup walks the functions that runSetup of cmd refers to, directly or
// not, within cmd, internal/setup and internal/ask, and counts their files. A method of
// an interface stands for all methods of that name, so that questions and reports count.
func TestFilesOfASetup(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-export", "-json=ImportPath,Export,Dir,GoFiles", "relayhost/cmd")
	list.Env = append(os.Environ(), "CGO_ENABLED=0") // which other tests have compiled
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	exports := map[string]string{}
	files := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Export, Dir string
			GoFiles                 []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		for _, name := range p.GoFiles {
			files[p.ImportPath] = append(files[p.ImportPath], filepath.Join(p.Dir, name))
		}
	}
	w := walk{fset: token.NewFileSet(), bodies: map[string]*ast.FuncDecl{}, byName: map[string][]string{}, info: types.Info{Uses: map[*ast.Ident]types.Object{}}}
	imports := importer.ForCompiler(w.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, path := range []string{"relayhost/internal/setup", "relayhost/internal/ask", "relayhost/cmd"} {
		if err := w.add(path, files[path], imports); err != nil {
			t.Fatal(err)
		}
	}
	w.visit("(*relayhost/cmd.app).runSetup")
	var entered, asked []string
	for _, name := range slices.Sorted(maps.Keys(w.entered)) {
		if strings.HasPrefix(name, "internal/ask/") {
			asked = append(asked, name)
			continue
		}
		entered = append(entered, name)
	}
	if len(entered) < 5 || len(entered) > maxFiles {
		t.Errorf("a setup enters %d files, want 5 to %d: %s", len(entered), maxFiles, strings.Join(entered, " "))
	}
	if len(asked) < 1 || len(asked) > maxAsked {
		t.Errorf("the questions of a setup are in %d files, want 1 to %d: %s", len(asked), maxAsked, strings.Join(asked, " "))
	}
}

// maxLines is how long cmd may be without its tests.
const maxLines = 3000

// TestSizeOfCmd: cmd keeps flags, printing and exit codes; what grows belongs elsewhere.
func TestSizeOfCmd(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines += strings.Count(string(text), "\n")
	}
	if lines == 0 || lines > maxLines {
		t.Errorf("got %d lines in cmd, want 1 to %d", lines, maxLines)
	}
}

// walk follows references from function to function.
type walk struct {
	fset    *token.FileSet
	info    types.Info
	bodies  map[string]*ast.FuncDecl // by types.Func.FullName
	byName  map[string][]string      // full names of methods by their own name
	entered map[string]bool          // files, from the root of the module
	seen    map[string]bool
}

// add checks a package and keeps the bodies of its functions.
func (w *walk) add(path string, names []string, imports types.Importer) error {
	var parsed []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(w.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, f)
	}
	w.info.Defs = map[*ast.Ident]types.Object{}
	conf := types.Config{Importer: imports}
	if _, err := conf.Check(path, w.fset, parsed, &w.info); err != nil {
		return err
	}
	for _, f := range parsed {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				object, ok := w.info.Defs[fn.Name].(*types.Func)
				if !ok {
					continue
				}
				w.bodies[object.FullName()] = fn
				if fn.Recv != nil {
					w.byName[fn.Name.Name] = append(w.byName[fn.Name.Name], object.FullName())
				}
			}
		}
	}
	return nil
}

// visit enters a function and all that it refers to.
func (w *walk) visit(name string) {
	if w.seen == nil {
		w.seen, w.entered = map[string]bool{}, map[string]bool{}
	}
	body, ok := w.bodies[name]
	if !ok || w.seen[name] {
		return
	}
	w.seen[name] = true
	file := filepath.ToSlash(w.fset.Position(body.Pos()).Filename)
	for _, dir := range []string{"/internal/setup/", "/internal/ask/", "/cmd/"} {
		if i := strings.LastIndex(file, dir); i >= 0 {
			w.entered[file[i+1:]] = true
			break
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		fn, ok := w.info.Uses[id].(*types.Func)
		if !ok {
			return true
		}
		w.visit(fn.Origin().FullName())
		if recv := fn.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) {
			for _, method := range w.byName[fn.Name()] {
				w.visit(method)
			}
		}
		return true
	})
}
