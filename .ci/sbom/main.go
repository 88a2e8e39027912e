// Command sbom prints what a Go binary is made of as a CycloneDX 1.5 document
// (https://cyclonedx.org/docs/1.5/json/). It reads the module list that the
// linker has left in the binary, so it cannot differ from what was linked.
//
//	go run ./.ci/sbom BINARY VERSION RFC3339-TIME
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type document struct {
	BOMFormat    string      `json:"bomFormat"`
	SpecVersion  string      `json:"specVersion"`
	Version      int         `json:"version"`
	Metadata     metadata    `json:"metadata"`
	Components   []component `json:"components"`
	Dependencies []depends   `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type depends struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY VERSION RFC3339-TIME")
		os.Exit(64)
	}
	info, err := buildinfo.ReadFile(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	if err := enc.Encode(list(info, os.Args[2], os.Args[3])); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func list(info *buildinfo.BuildInfo, version, at string) document {
	doc := document{BOMFormat: "CycloneDX", SpecVersion: "1.5", Version: 1}
	doc.Metadata = metadata{at, component{Type: "application", Ref: "relayhost", Name: info.Main.Path, Version: version}}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" {
			doc.Metadata.Component.Properties = append(doc.Metadata.Component.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	needs := depends{Ref: "relayhost"}
	add := func(c component) {
		c.Type, c.Ref = "library", c.PURL
		doc.Components = append(doc.Components, c)
		needs.On = append(needs.On, c.Ref)
	}
	add(component{Name: "std", Version: info.GoVersion, PURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")})
	for _, m := range info.Deps {
		sum := m.Sum
		if m.Replace != nil {
			m = m.Replace
		}
		// go.sum's h1: is a hash over the module's files, not one that
		// CycloneDX names.
		add(component{Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version,
			Properties: []property{{"go:sum", sum}}})
	}
	doc.Dependencies = []depends{needs}
	return doc
}
