package relays

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"relayhost/internal/tomlpos"
)

// maxFile bounds a catalogue file; the longest of ours is a tenth of it.
const maxFile = 256 << 10

// FileError is one mistake in a catalogue file. Line is 0 where none can be
// named, Key is dotted with the index of an array in brackets ("ports[0].tls").
type FileError struct {
	File    string
	Line    int
	Key     string
	Message string
}

// Error gives "file:line: key: message".
func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Key != "" {
		b.WriteString(": " + e.Key)
	}
	return b.String() + ": " + e.Message
}

// Load reads one catalogue file of the user's. All its mistakes are reported
// together, each as a *FileError.
func Load(path string) (Relay, error) {
	f, err := os.Open(path)
	if err != nil {
		return Relay{}, err
	}
	defer f.Close()
	// A directory or a device is not a catalogue file; reading one could block.
	if fi, err := f.Stat(); err != nil {
		return Relay{}, err
	} else if !fi.Mode().IsRegular() {
		return Relay{}, fmt.Errorf("%s: not a regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Relay{}, err
	}
	if len(data) > maxFile {
		return Relay{}, fmt.Errorf("%s: larger than %d bytes", path, maxFile)
	}
	return Parse(path, data)
}

// LoadDir reads every *.toml in dir (as /etc/relayhost/relays.d), sorted by
// name. A directory that does not exist is an empty one. Two files with the same
// id are a mistake.
func LoadDir(dir string) ([]Relay, error) {
	paths, err := filepath.Glob(filepath.Join(globEscape(dir), "*.toml"))
	if err != nil {
		return nil, err
	}
	var all []Relay
	from := map[string]string{}
	for _, path := range paths {
		r, err := Load(path)
		if err != nil {
			return nil, err
		}
		if other, ok := from[r.ID]; ok {
			return nil, fmt.Errorf("%s: id %q is taken by %s", path, r.ID, other)
		}
		from[r.ID] = path
		all = append(all, r)
	}
	return all, nil
}

func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

// Merge puts the user's own services into a list: one with a known id takes the
// place of ours, the others follow.
func Merge(list, own []Relay) []Relay {
	out := slices.Clone(list)
	for _, r := range own {
		if i := slices.IndexFunc(out, func(o Relay) bool { return o.ID == r.ID }); i >= 0 {
			out[i] = r
		} else {
			out = append(out, r)
		}
	}
	return out
}

// Parse reads the text of a catalogue file; name stands in its errors. A
// service without replies inherits the generic ones.
func Parse(name string, data []byte) (Relay, error) {
	r, err := parse(name, data)
	if err == nil {
		r.inherit()
	}
	return r, err
}

// parse is Parse without what a file does not say itself.
func parse(name string, data []byte) (Relay, error) {
	var r Relay
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return Relay{}, decodeError(name, err)
	}
	if problems := validate(r); len(problems) > 0 {
		return Relay{}, fileErrors(name, data, problems)
	}
	return r, nil
}

// fileErrors gives each problem its line and sorts them as the file is read.
func fileErrors(name string, data []byte, problems []problem) error {
	keys := tomlpos.Find(data)
	found := make([]*FileError, len(problems))
	for i, p := range problems {
		found[i] = &FileError{File: name, Line: keys.Line(p.key), Key: p.key, Message: p.message}
	}
	slices.SortFunc(found, func(a, b *FileError) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Key, b.Key))
	})
	errs := make([]error, len(found))
	for i, e := range found {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// decodeError turns the library's errors into ours, all in one form.
func decodeError(name string, err error) error {
	var missing *toml.StrictMissingError
	if errors.As(err, &missing) {
		var errs []error
		for _, e := range missing.Errors {
			row, _ := e.Position()
			errs = append(errs, &FileError{File: name, Line: row, Key: strings.Join(e.Key(), "."), Message: "unknown key"})
		}
		return errors.Join(errs...)
	}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		row, _ := de.Position()
		return &FileError{File: name, Line: row, Key: strings.Join(de.Key(), "."), Message: strings.TrimPrefix(de.Error(), "toml: ")}
	}
	return &FileError{File: name, Message: err.Error()}
}
