// Package handmade reads the setups of internal/adopt/testdata, which are as people make them
// by hand. It is for tests.
package handmade

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Setup is one setup.
type Setup struct {
	Name     string
	Suite    string   // Debian release that it needs, "" for any
	Relays   []string // services of the catalogue, or "host:port:kind" of one that is in none
	Accounts []string // further ones: "service user password"
	Remove   []string // parameters that main.cf has no more
	Main     string   // lines for main.cf
	Master   string   // entries for master.cf
	Files    []File
	Postmap  []string // tables to compile
	Send     []Send   // mail that is sent, and where it has to go
	Fails    []Send   // the same while the first relay puts all mail off
}

// File is a file of the setup.
type File struct {
	Path string // absolute
	Mode fs.FileMode
	Data string
}

// Send is one message and how it has to arrive.
type Send struct {
	From, To string
	Relay    string // service that gets it
	Username string // "" without a login
}

// Read reads dir/name.txtar with the words of replace in place of their
// placeholders.
func Read(dir, name string, replace *strings.Replacer) (Setup, error) {
	archive, err := txtar.ParseFile(filepath.Join(dir, name+".txtar"))
	if err != nil {
		return Setup{}, err
	}
	s := Setup{Name: name}
	for _, f := range archive.Files {
		data := replace.Replace(string(f.Data))
		lines := strings.Split(strings.TrimSpace(data), "\n")
		switch f.Name {
		case "suite":
			s.Suite = lines[0]
		case "relays":
			s.Relays = lines
		case "accounts":
			s.Accounts = lines
		case "remove":
			s.Remove = lines
		case "main.cf":
			s.Main = data
		case "master.cf":
			s.Master = data
		case "postmap":
			s.Postmap = lines
		case "send":
			s.Send = sends(lines)
		case "send while the first fails":
			s.Fails = sends(lines)
		default:
			path, mode, _ := strings.Cut(f.Name, " ")
			n, err := strconv.ParseUint(mode, 8, 32)
			if err != nil {
				return s, fmt.Errorf("%s: %s: %w", name, f.Name, err)
			}
			s.Files = append(s.Files, File{"/" + path, fs.FileMode(n), data})
		}
	}
	return s, nil
}

func sends(lines []string) (list []Send) {
	for _, line := range lines {
		w := append(strings.Fields(line), "someone@elsewhere.example")
		list = append(list, Send{From: w[0], Relay: w[1], Username: strings.TrimPrefix(w[2], "-"), To: w[3]})
	}
	return list
}

// Names lists the setups in dir.
func Names(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), ".txtar"); ok {
			names = append(names, name)
		}
	}
	return names, err
}
