package cmd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guides are the documents by which a newcomer finds files.
var guides = []string{"../docs/architecture.md", "../CONTRIBUTING.md", "../docs/adding-a-relay.md"}

var (
	quoted     = regexp.MustCompile("`([^`\n]+)`")
	fileName   = regexp.MustCompile(`^[\w./-]+\.(go|toml|md|tmpl|json|schema)$`)
	directory  = regexp.MustCompile(`^(cmd|internal|relays|detect|templates|docs|integrations|\.ci)(/[\w./-]+)?$`)
	identifier = regexp.MustCompile(`^([a-z]+)\.([A-Z]\w*)(\(.*\))?$`)
	packageRow = regexp.MustCompile("(?m)^\\| `((?:cmd|internal|relays|detect|templates)[\\w/]*)` \\|")
)

// TestGuidesNameWhatIsThere holds the names in the guides against the tree: files,
// directories and exported identifiers.
func TestGuidesNameWhatIsThere(t *testing.T) {
	var files []string
	err := filepath.WalkDir("..", func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		files = append(files, strings.TrimPrefix(name, "../"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	exists := func(name string) bool {
		return slices.ContainsFunc(files, func(f string) bool { return f == name || strings.HasSuffix(f, "/"+name) })
	}
	// Files on a server, and those that the guides have somebody write.
	elsewhere := regexp.MustCompile(`^/|^docs/relays/ID|^(relayhost|go|compose|corp|example|mailexample)\.(toml|mod|json)$`)
	checked := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(text), -1) {
			name := m[1]
			switch {
			case elsewhere.MatchString(name):
			case fileName.MatchString(name), directory.MatchString(name):
				checked++
				if !exists(strings.TrimSuffix(name, "/")) {
					t.Errorf("%s names %s, want a file or directory of that name", guide, name)
				}
			case identifier.MatchString(name):
				id := identifier.FindStringSubmatch(name)
				for _, dir := range []string{"../internal/" + id[1], "../" + id[1]} {
					if names := exported(t, dir); names != nil {
						checked++
						if !names[id[2]] {
							t.Errorf("%s names %s, want it exported in %s", guide, name, dir)
						}
					}
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("got %d names in the guides, want at least 60", checked)
	}
}

// exported are the identifiers that the package in dir exports, and the methods of
// its types; nil where there is none.
func exported(t *testing.T, dir string) map[string]bool {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, p := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				names[n.Name.Name] = true
				return false
			case *ast.TypeSpec:
				names[n.Name.Name] = true
			case *ast.ValueSpec:
				for _, id := range n.Names {
					names[id.Name] = true
				}
			}
			return true
		})
	}
	return names
}

// TestArchitectureListsPackages holds the table of packages against the imports: each
// package has a row, and imports only those of rows below its own.
func TestArchitectureListsPackages(t *testing.T) {
	text, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, m := range packageRow.FindAllStringSubmatch(string(text), -1) {
		place["relayhost/"+m[1]] = i + 1
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "relayhost/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		from := words[0]
		switch {
		case strings.HasPrefix(from, "relayhost/."), strings.HasPrefix(from, "relayhost/internal/lab/"), strings.Contains(from, "/testdata/"),
			slices.Contains([]string{"relayhost/cmd/relayhost", "relayhost/docs", "relayhost/internal"}, from):
			continue // main, tools, the embedded documents
		}
		listed[from] = true
		mine, ok := place[from]
		if !ok {
			t.Errorf("docs/architecture.md has no row for %s, want one", strings.TrimPrefix(from, "relayhost/"))
			continue
		}
		for _, to := range words[1:] {
			if theirs, ok := place[to]; ok && theirs < mine {
				t.Errorf("the row of %s is below that of %s, which it imports; want it above", path.Base(from), path.Base(to))
			}
		}
	}
	for name := range place {
		if !listed[name] {
			t.Errorf("docs/architecture.md has a row for %s, want none: there is no such package", name)
		}
	}
}

// TestDependenciesHaveAReason holds the table of dependencies against go.mod: each module
// that the code names has a row with what it is for, and each row is of one of them.
func TestDependenciesHaveAReason(t *testing.T) {
	guide, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(guide), "\n## Dependencies\n")
	var rows []string // "spf13/cobra", and "x/term" beside "golang.org/x/sys"
	for _, m := range regexp.MustCompile(`(?m)^\| ([\w./, -]*\w) \| [^|]+ \| [^|]+ \|$`).FindAllStringSubmatch(table, -1) {
		rows = append(rows, strings.Split(m[1], ", ")...)
	}
	rows = slices.DeleteFunc(rows, func(row string) bool { return row == "module" })
	var modules []string
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1) {
		modules = append(modules, m[1])
	}
	is := func(module, row string) bool { return strings.HasSuffix("/"+module, "/"+row) }
	for _, module := range modules {
		if !slices.ContainsFunc(rows, func(row string) bool { return is(module, row) }) {
			t.Errorf("got no row for %s in CONTRIBUTING.md, want one", module)
		}
	}
	for _, row := range rows {
		if !slices.ContainsFunc(modules, func(module string) bool { return is(module, row) }) {
			t.Errorf("got a row for %s in CONTRIBUTING.md, want none: go.mod does not require it", row)
		}
	}
	if len(modules) < 10 {
		t.Errorf("got %d modules, want at least 10", len(modules))
	}
}
