//go:build lab

package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// helm is the tool of the ecosystem, compiled for the full tables.
const helm = "helm.sh/helm/v3/cmd/helm@v3.19.0"

// tool runs a program of this machine in integrations/container.
func tool(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = filepath.Join("..", "integrations", "container")
	if args[0] == "go" {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String() + stderr.String(), err
}

// TestLabChart: the values that the templates name are those of values.yaml and of the
// schema. LAB_FULL has helm lint and render the chart, refuse values that the schema
// refuses, and docker-compose check the Compose file.
func TestLabChart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "integrations", "container", "chart")
	var schema struct {
		Properties map[string]any
	}
	data, err := os.ReadFile(filepath.Join(dir, "values.schema.json"))
	if err == nil {
		err = json.Unmarshal(data, &schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	values, err := os.ReadFile(filepath.Join(dir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	templates, err := filepath.Glob(filepath.Join(dir, "templates", "*"))
	if err != nil || len(templates) < 4 {
		t.Fatalf("got %d templates and the error %v, want at least 4 and none", len(templates), err)
	}
	named := map[string]bool{}
	for _, path := range templates {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.Values\.([A-Za-z]+)`).FindAllStringSubmatch(string(text), -1) {
			named[m[1]] = true
		}
	}
	for name := range schema.Properties {
		if name != "global" && (!named[name] || !regexp.MustCompile(`(?m)^`+name+`:`).Match(values)) {
			t.Errorf("%s is in the schema: used by a template: got %v, want true and a default in values.yaml", name, named[name])
		}
	}
	for name := range named {
		if schema.Properties[name] == nil {
			t.Errorf("%s is used by a template, want it in the schema as well", name)
		}
	}
	if !fullTable() {
		return
	}
	if out, err := tool(t, "docker-compose", "-f", "compose.yaml", "config", "--quiet"); err != nil {
		t.Errorf("docker-compose config: want no error, got %v\n%s", err, out)
	}
	if out, err := tool(t, "go", "run", helm, "lint", "--strict", "chart"); err != nil {
		t.Errorf("helm lint: want no error, got %v\n%s", err, out)
	}
	out, err := tool(t, "go", "run", helm, "template", "mail", "chart", "--set", "networks={10.0.0.0/8,[fd00::]/8}", "--set", "storage.className=fast")
	if err != nil {
		t.Errorf("helm template: want no error, got %v\n%s", err, out)
	}
	for _, want := range []string{"readOnlyRootFilesystem: true", "drop: [ALL]", `value: "10.0.0.0/8 [fd00::]/8"`, "storageClassName: fast", "secretName: relay-credentials", "defaultMode: 0400"} {
		if !strings.Contains(out, want) {
			t.Errorf("the rendered chart: want %q in\n%s", want, out)
		}
	}
	for _, value := range []string{"hostname=mail", "networks={everybody}", "storage.size=big", "imagePullPolicy=Never", "config=nothing"} {
		t.Run(value, func(t *testing.T) {
			if out, err := tool(t, "go", "run", helm, "template", "mail", "chart", "--set", value); err == nil || !strings.Contains(out, "schema") {
				t.Errorf("want it refused by the schema, got %v\n%s", err, out)
			}
		})
	}
}
