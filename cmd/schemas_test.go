package cmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemas = "../docs/schemas"

// schema compiles docs/schemas/NAME.json. Readers may expect further keys with
// time; here a key that the schema does not name is an error, so that none is
// left undocumented.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	files, err := filepath.Glob(filepath.Join(schemas, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		_ = f.Close()
		if err == nil {
			err = c.AddResource("file:///"+filepath.Base(file), closed(doc))
		}
		if err != nil {
			t.Fatalf("%s: want no error, got %v", file, err)
		}
	}
	s, err := c.Compile("file:///" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closed forbids what the objects of a schema do not name.
func closed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, child := range v {
			closed(child)
		}
		if _, ok := v["properties"].(map[string]any); ok && v["type"] == "object" {
			v["additionalProperties"] = false
		}
	case []any:
		for _, child := range v {
			closed(child)
		}
	}
	return v
}

// valid holds what a command has printed against its schema.
func valid(t *testing.T, name, stdout string) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(stdout))
	if err == nil {
		err = schema(t, name).Validate(doc)
	}
	if err != nil {
		t.Errorf("docs/schemas/%s.json: want no error, got %v\n%s", name, err, stdout[:min(len(stdout), 3000)])
	}
}

// TestSchemas makes sure that the schemas refuse what is not theirs.
func TestSchemas(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(schemas, "*.json"))
	if err != nil || len(files) != 12 {
		t.Fatalf("%d schemas, want 12: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			s := schema(t, name)
			for _, text := range []string{`{}`, `[]`, `{"version":2}`, `{"version":1,"surprise":true}`} {
				t.Run(text, func(t *testing.T) {
					var v any
					if err := json.Unmarshal([]byte(text), &v); err != nil {
						t.Fatal(err)
					}
					if s.Validate(v) == nil {
						t.Errorf("%s is valid, want it refused", text)
					}
				})
			}
		})
	}
	good := `{"version":1,"result":"fail","findings":[{"check":"auth","result":"fail","detail":"535","cause":"auth_failed","ms":1.5}]}`
	valid(t, "verify", good)
	for _, change := range []string{`"auth","result"`, `"ms":1.5`, `"auth_failed"`} {
		t.Run(change, func(t *testing.T) {
			text := strings.Replace(good, change, map[string]string{
				`"auth","result"`: `"login","result"`, `"ms":1.5`: `"ms":"1.5"`, `"auth_failed"`: `"Auth failed!"`,
			}[change], 1)
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil || schema(t, "verify").Validate(doc) == nil {
				t.Errorf("%s: got it valid, or the error %v, want JSON that is not valid", text, err)
			}
		})
	}
}

// TestErrorDocuments: with --json a mistake on the command line is one document
// as well, which has a schema.
func TestErrorDocuments(t *testing.T) {
	for _, line := range []string{
		"nosuch", "version extra", "relays nosuch", "hosts nosuch", "unblock --host nosuch", "detect --timeout soon", "detect --region x --bogus",
		"verify --bogus", "verify extra", "status extra", "rollback --list --to x", "explain --since nonsense", "adopt extra", "demo", "demo extra",
		"setup --queue never --yes", "setup --print-config --relay brevo --from app@example.com", "setup --port",
	} {
		t.Run(line, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			run := exec.CommandContext(t.Context(), "relayhost", append(strings.Fields(line), "--json")...) // as TestMain has it
			if strings.HasSuffix(line, "--port") {
				run.Args = []string{"relayhost", "--json", "setup", "--port"}
			}
			run.Stdout, run.Stderr = &stdout, &stderr
			_ = run.Run()
			if code := run.ProcessState.ExitCode(); code != 64 || !strings.Contains(stderr.String(), "relayhost: error: ") {
				t.Errorf("exit code %d: %s, want 64 and %q in it", code, stderr.String(), "relayhost: error: ")
			}
			name := "error"
			if strings.Contains(stdout.String(), `"change_id"`) {
				name = "setup"
			}
			valid(t, name, stdout.String())
		})
	}
}
