package web_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"relayhost/internal/postfix"
	"relayhost/internal/web"
)

// schema compiles docs/schemas/web/NAME.json. A key that it does not name is
// an error here, so that none is left undocumented.
func schema(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, pattern := range []string{"../../docs/schemas/web/*.json", "../../docs/schemas/explain.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: got %d files, %v, want anything but 0", pattern, len(files), err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
			if err == nil {
				err = c.AddResource("file:///"+filepath.Base(file), closed(doc))
			}
			if err != nil {
				t.Fatalf("%s: got %v, want a schema", file, err)
			}
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

// valid reports what a schema has against a document.
func valid(t *testing.T, s *jsonschema.Schema, document any) error {
	t.Helper()
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// TestSchemas holds what goes into the page's program and what comes out against
// their schemas.
func TestSchemas(t *testing.T) {
	hop := web.Hop{Relay: "sendgrid", Port: 587}
	plain := web.Form{Distribution: "debian:12", Hostname: "web.example.com", Routes: []web.Route{{Name: "default", From: "app@example.com", Hops: []web.Hop{hop}}}}
	forms := map[string]web.Form{"plain": plain, "empty": {Routes: []web.Route{}}}
	several := plain
	several.To, several.RootTo, several.Direct = "you@example.net", "ops@example.net", []string{"corp.example"}
	several.Routes = append(several.Routes[:1:1], web.Route{Name: "shop", Senders: []string{"shop.example"}, From: "a@shop.example", Hops: []web.Hop{
		{Relay: "ses", Region: "eu-west-1"}, {Relay: "smarthost", Host: "mail.corp.example", Port: 465, Login: true, CAFile: "/etc/ssl/corp.pem"}}})
	forms["several"] = several
	pasted := plain
	pasted.MainCF = "myhostname = mail.example.com\nrelayhost = [old.example.net]:587\nsmtp_sasl_auth_enable = ja\n"
	forms["pasted"] = pasted
	unknown := plain
	unknown.Routes = []web.Route{{Name: "default", From: "app@example.com", Hops: []web.Hop{{Relay: "nosuch"}}}}
	forms["unknown relay"] = unknown
	for _, d := range postfix.Distributions() {
		f := plain
		f.Distribution = d.ID
		forms[d.ID] = f
	}
	form, generated := schema(t, "form"), schema(t, "generated")
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			if err := valid(t, form, f); err != nil {
				t.Errorf("form: got %v, want it valid", err)
			}
			if err := valid(t, generated, web.Generate(f)); err != nil {
				t.Errorf("generated: got %v, want it valid", err)
			}
		})
	}
	question, answer := schema(t, "question"), schema(t, "answer")
	for name, q := range map[string]web.Question{
		"reply": {Text: "535 Authentication Credentials Invalid", Relay: "ses"}, "nothing": {}, "unknown relay": {Text: "x", Relay: "nosuch"},
		"unknown": {Text: "postfix/smtp[9]: 4F1D12C: to=<a@example.net>, relay=mx.example.net[192.0.2.7]:25, delay=1, dsn=5.0.0, status=bounced (host mx.example.net[192.0.2.7] said: 599 Qx9zq)"},
	} {
		t.Run("explain "+name, func(t *testing.T) {
			if err := valid(t, question, q); err != nil {
				t.Errorf("question: got %v, want it valid", err)
			}
			if err := valid(t, answer, web.Explain(q)); err != nil {
				t.Errorf("answer: got %v, want it valid", err)
			}
		})
	}
}

// TestSchemasRefuse: what is no document of the page is none for the schemas, a
// password above all.
func TestSchemasRefuse(t *testing.T) {
	for name, texts := range map[string][]string{
		"form":      {`{}`, `[]`, `{"distribution":"debian:12","hostname":"h","routes":[],"password":"x"}`, `{"distribution":"debian:12","hostname":"h","routes":[{"name":"d","from":"a","hops":[{"relay":"ses","port":"587"}]}]}`},
		"question":  {`{}`, `{"text":1}`, `{"text":"x","password":"x"}`},
		"generated": {`{}`, `{"version":2}`},
		"answer":    {`{}`, `{"version":1,"lines":-1,"not_understood":0,"groups":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range texts {
				var doc any
				if err := json.Unmarshal([]byte(text), &doc); err != nil {
					t.Fatal(err)
				}
				if schema(t, name).Validate(doc) == nil {
					t.Errorf("got %s taken, want it refused", text)
				}
			}
		})
	}
}
