package internal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// screen is how many methods one sees at once: more of them share fields that
// nobody knows to be filled or not.
const screen = 24

// TestMethodSets: no type has more methods than fit on a screen. Where one more is
// needed, a function that is given what it looks at does as well.
func TestMethodSets(t *testing.T) {
	methods, file := map[string]int{}, map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, "../"))
		switch {
		// The lab is what tests consist of.
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || name == "internal/lab"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv != nil {
				typ := filepath.ToSlash(filepath.Dir(name)) + "." + receiver(fn.Recv.List[0].Type)
				methods[typ]++
				file[typ] = name
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(methods) < 100 {
		t.Fatalf("got %d types with methods, want at least 100", len(methods))
	}
	for typ, n := range methods {
		if n > screen {
			t.Errorf("%s (the last one in %s) has %d methods, want at most %d", typ, file[typ], n, screen)
		}
	}
}

// receiver is the name of the type of a receiver.
func receiver(x ast.Expr) string {
	switch x := x.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}
