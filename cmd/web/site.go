//go:build unix

// Command web is the page that makes a configuration and explains a log in a
// browser. Built for one (GOOS=js GOARCH=wasm) it answers the page's worker; built
// for the machine it makes the site: go run ./cmd/web DIRECTORY.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"relayhost/detect"
	"relayhost/internal/config"
	"relayhost/internal/postfix"
	"relayhost/internal/web"
	"relayhost/relays"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: web DIRECTORY")
		os.Exit(64)
	}
	if err := build(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// source holds the files that the site takes as they are.
const source = "integrations/web"

// site collects the files of the site before any is written.
type site struct {
	files  map[string][]byte // by path below the root
	commit string
	date   string // of the commit, YYYY-MM-DD
}

// build makes the site of the checkout in the working directory.
func build(ctx context.Context, out string) error {
	s := site{files: map[string][]byte{}}
	var err error
	if s.commit, s.date, err = checkout(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.program, s.data, s.pages, s.static} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	for name, content := range s.files {
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("%s: %d files, program %d bytes compressed\n", out, len(s.files), len(s.files["relayhost.wasm.gz"]))
	return nil
}

// checkout is the commit that the site is made of, and its date. A tree without
// history, such as a release archive, has neither.
func checkout(ctx context.Context) (commit, date string, err error) {
	out, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%h %cs").Output()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return "unknown", time.Now().UTC().Format(time.DateOnly), nil
	case err != nil:
		return "", "", fmt.Errorf("git: %w", err)
	}
	commit, date, _ = strings.Cut(strings.TrimSpace(string(out)), " ")
	return commit, date, nil
}

// program compiles this very command for the browser.
func (s *site) program(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "relayhost-web-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	wasm := filepath.Join(dir, "relayhost.wasm")
	// Without inlining it is a tenth smaller, compressed, and not slower to notice.
	c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-gcflags", "all=-l", "-ldflags", "-s -w", "-o", wasm, "./cmd/web")
	c.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build for the browser: %w\n%s", err, out)
	}
	data, err := os.ReadFile(wasm)
	if err != nil {
		return err
	}
	if s.files["relayhost.wasm.gz"], err = compress(data); err != nil {
		return err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	loader := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")
	s.files["wasm_exec.js"], err = os.ReadFile(loader)
	return err
}

// compress packs data as small as gzip goes.
func compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

// relayEntry and hostEntry are what the form knows before the program is there.
type relayEntry struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Mailbox  bool     `json:"mailbox,omitempty"`
	Free     string   `json:"free,omitempty"`
	NoDomain bool     `json:"no_domain,omitempty"`
	HTTPS    bool     `json:"https,omitempty"`
	Ports    []int    `json:"ports"`
	Region   string   `json:"region,omitempty"` // an example; "" where none is needed
	Regions  []string `json:"regions,omitempty"`
	Where    string   `json:"where,omitempty"` // page of the credentials
}

type hostEntry struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Blocked []int  `json:"blocked"`
	Applies string `json:"applies,omitempty"`
	AsOf    string `json:"as_of"`
}

// data writes what the form offers.
func (s *site) data(context.Context) error {
	catalog, err := relays.Catalog()
	if err != nil {
		return err
	}
	hosts, err := detect.Hosts()
	if err != nil {
		return err
	}
	var doc struct {
		Commit        string                 `json:"commit"`
		Date          string                 `json:"date"`
		Example       string                 `json:"example"` // relay whose files are shown before one is chosen
		Distributions []postfix.Distribution `json:"distributions"`
		Relays        []relayEntry           `json:"relays"`
		Hosts         []hostEntry            `json:"hosts"`
	}
	doc.Commit, doc.Date, doc.Distributions, doc.Example = s.commit, s.date, postfix.Distributions(), example
	for _, r := range catalog {
		if !r.TakesPassword() {
			continue // a sign-in needs the server itself
		}
		e := relayEntry{ID: r.ID, Name: r.Name, Mailbox: r.IsMailbox(), NoDomain: r.Sender.NeedsDomain() != "needed", HTTPS: r.ViaHTTPS(),
			Ports: r.PortOrder(), Where: r.Auth.Where}
		if r.Free != nil {
			e.Free = r.Free.String()
		}
		for name := range r.Hosts.Named {
			e.Regions = append(e.Regions, name)
		}
		slices.Sort(e.Regions)
		if r.Hosts.Default == "" {
			e.Region = r.Hosts.Example
			if e.Region == "" && len(e.Regions) > 0 {
				e.Region = e.Regions[0]
			}
		}
		doc.Relays = append(doc.Relays, e)
		if err := s.first(e); err != nil {
			return err
		}
	}
	for _, h := range hosts {
		doc.Hosts = append(doc.Hosts, hostEntry{h.ID, h.Name, h.Policy.Blocked, h.Policy.Applies, h.Policy.AsOf.String()})
	}
	text, err := json.Marshal(doc)
	s.files["data.json"] = text
	return err
}

// example is the relay whose files the page shows before one is chosen.
const example = "sendgrid"

// first writes the files of relay r as the page shows them with a form that is filled
// in no further: they are there while the program is still compiled.
func (s *site) first(r relayEntry) error {
	if len(r.Ports) == 0 {
		return nil
	}
	form := web.Form{Distribution: postfix.Distributions()[0].ID, Hostname: "mail.example.com", Routes: []web.Route{{Name: config.DefaultRoute, From: "app@example.com",
		Hops: []web.Hop{{Relay: r.ID, Region: r.Region, Port: r.Ports[0], Login: true}}}}}
	answer := web.Generate(form)
	if answer.Error != "" {
		return fmt.Errorf("%s: %s", r.ID, answer.Error)
	}
	text, err := json.Marshal(map[string]any{"form": form, "answer": answer})
	s.files["first/"+r.ID+".json"] = text
	return err
}

// static copies the page and lists all files for its use without a network. The
// list changes with any of them, and so does the cache.
func (s *site) static(context.Context) error {
	entries, err := os.ReadDir(source)
	if err != nil {
		return err
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(source, e.Name()))
		if err != nil {
			return err
		}
		s.files[e.Name()] = []byte(strings.NewReplacer("@commit@", s.commit, "@date@", s.date, "@example@", example).Replace(string(data)))
	}
	var core []string
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		if (!strings.Contains(name, "/") || name == "first/"+example+".json") && name != "sw.js" {
			core = append(core, name)
		}
		sum.Write(s.files[name])
	}
	list, err := json.Marshal(core)
	if err != nil {
		return err
	}
	worker := strings.ReplaceAll(string(s.files["sw.js"]), "@files@", string(list))
	s.files["sw.js"] = []byte(strings.ReplaceAll(worker, "@version@", hex.EncodeToString(sum.Sum(nil))[:16]))
	return nil
}
