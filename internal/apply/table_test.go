package apply

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// faultRows is how many rows the fault table has.
const faultRows = 35

// TestFaultTable: every row of the fault table has tests, and each of them is
// there with the case that is named.
func TestFaultTable(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]int{} // of each row
	sources := map[string]map[string][]string{}
	row := ""
	for line := range strings.Lines(string(text)) {
		name, isTest := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\t")
		switch {
		case name == "" || strings.HasPrefix(name, "#"):
			continue
		case !isTest:
			row, _, _ = strings.Cut(name, " ")
			if _, twice := tests[row]; twice {
				t.Errorf("%s is there twice", row)
			}
			tests[row] = 0
			continue
		}
		tests[row]++
		folder, test, _ := strings.Cut(name, " ")
		test, part, _ := strings.Cut(test, "/")
		if sources[folder] == nil {
			sources[folder] = testsOf(t, filepath.Join("..", "..", folder))
		}
		texts, found := sources[folder][test]
		if !found {
			t.Errorf("%s: there is no %s in %s", row, test, folder)
		} else if part != "" && !slices.Contains(texts, part) {
			t.Errorf("%s: %s has no case %q", row, test, part)
		}
	}
	for i := range faultRows {
		if name := fmt.Sprintf("R%d", i+1); tests[name] == 0 {
			t.Errorf("%s has no test", name)
		}
	}
	if len(tests) != faultRows {
		t.Errorf("%d rows: %v", len(tests), slices.Sorted(maps.Keys(tests)))
	}
}

// testsOf lists the tests of a folder, each with the texts that it may name its
// cases by: those in it, and in the tables and helpers of its file.
func testsOf(t *testing.T, dir string) map[string][]string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		var own []string
		var shared []string
		for _, d := range file.Decls {
			f, isFunc := d.(*ast.FuncDecl)
			if !isFunc || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
				shared = append(shared, textsIn(d)...)
				continue
			}
			own, tests[f.Name.Name] = append(own, f.Name.Name), textsIn(f)
		}
		for _, test := range own {
			tests[test] = append(tests[test], shared...)
		}
	}
	return tests
}

func textsIn(n ast.Node) (texts []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				texts = append(texts, text)
			}
		}
		return true
	})
	return texts
}
