// Command notices prints the licences of what a Go binary is linked with, each in
// its own words, as most of them ask of those who pass a binary on. It reads the
// module list that the linker has left in the binary.
//
//	go run ./.ci/notices BINARY
package main

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: notices BINARY")
		os.Exit(64)
	}
	if err := notices(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func notices(binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	fmt.Printf("The program relayhost is linked with the following. Each has a licence of its own.\n")
	root, err := ask("env", "GOROOT")
	if err == nil {
		err = notice("The Go standard library, "+info.GoVersion, root)
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		var dir string
		if err == nil {
			dir, err = ask("list", "-m", "-f", "{{.Dir}}", m.Path)
		}
		if err == nil {
			err = notice(m.Path+" "+m.Version, dir)
		}
	}
	return err
}

// ask runs the go command and returns the line that it prints.
func ask(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// named are the files that hold a licence, or what has to be passed on with it.
var named = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|patents)([._-].*)?$`)

func notice(what, dir string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, f := range files {
		if f.IsDir() || !named.MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Printf("\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 78), what, f.Name(), strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if !found {
		return errors.New(what + " has no licence in " + dir)
	}
	return nil
}
