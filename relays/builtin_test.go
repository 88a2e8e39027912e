package relays

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"
)

const builtInFile = "builtin.go"

// TestBuiltIn holds the program to the files of catalog/ and replies.toml, each of
// which keeps to the rules of Parse. Nothing of them is read or checked at run time:
// that took longer than all else that most commands do.
func TestBuiltIn(t *testing.T) {
	list, replies := readFiles(t)
	if *update {
		if err := os.WriteFile(builtInFile, source(t, list, replies), 0o644); err != nil {
			t.Fatal(err)
		}
		return // the program that runs is still the old one
	}
	if got := builtIn(); !reflect.DeepEqual(got, list) {
		t.Errorf("%s: got another catalogue, want what catalog/*.toml says: run go generate ./relays", builtInFile)
	}
	if got := builtInReplies(); !reflect.DeepEqual(got, replies) {
		t.Errorf("%s: got other replies, want what replies.toml says: run go generate ./relays", builtInFile)
	}
}

// readFiles reads and checks every file of the catalogue.
func readFiles(t testing.TB) ([]Relay, replyFile) {
	t.Helper()
	paths, err := filepath.Glob("catalog/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	var list []Relay
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := parse(path, data)
		if err != nil {
			t.Fatal(err)
		}
		if r.ID+".toml" != filepath.Base(path) {
			t.Errorf("%s: got id %q, want %q", path, r.ID, strings.TrimSuffix(filepath.Base(path), ".toml"))
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b Relay) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.Tier, 99), cmp.Or(b.Tier, 99)), cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)))
	})
	data, err := os.ReadFile("replies.toml")
	if err != nil {
		t.Fatal(err)
	}
	var replies replyFile
	if err := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(&replies); err != nil {
		t.Fatal(decodeError("replies.toml", err))
	}
	c := &checker{sources: replies.Sources}
	c.replies("replies", replies.Replies)
	c.api(replies.API)
	c.sourceTables()
	if len(c.problems) > 0 {
		t.Fatalf("replies.toml: got %v, want no problem", fileErrors("replies.toml", data, c.problems))
	}
	return list, replies
}

// source is builtin.go.
func source(t *testing.T, list []Relay, replies replyFile) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("// Code generated from catalog/*.toml and replies.toml by go generate ./relays; DO NOT EDIT.\n\npackage relays\n\nimport \"time\"\n\n" +
		"// builtIn makes the relays of catalog/.\nfunc builtIn() []Relay {\n\treturn []Relay{\n")
	function := func(r Relay) string { return "relay" + strings.ReplaceAll(r.ID, "-", "_") }
	for _, r := range list {
		fmt.Fprintf(&b, "%s(),\n", function(r))
	}
	b.WriteString("}\n}\n\n// builtInReplies makes the replies of replies.toml.\nfunc builtInReplies() replyFile { return ")
	literal(t, &b, reflect.ValueOf(replies))
	b.WriteString("}\n\n// date is a day of the files, which have no time zone.\nfunc date(year int, month time.Month, day int) time.Time {\n" +
		"\treturn time.Date(year, month, day, 0, 0, 0, 0, time.Local)\n}\n")
	for _, r := range list {
		fmt.Fprintf(&b, "\nfunc %s() Relay { return ", function(r))
		literal(t, &b, reflect.ValueOf(r))
		b.WriteString("}\n")
	}
	text, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatalf("format the source: got %v, want no error\n%s", err, b.Bytes())
	}
	return text
}

// literal writes v as it would stand in Go, without fields that are zero.
func literal(t *testing.T, b *bytes.Buffer, v reflect.Value) {
	t.Helper()
	name := strings.ReplaceAll(v.Type().String(), "relays.", "")
	if day, ok := v.Interface().(time.Time); ok {
		if !day.Equal(time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.Local)) {
			t.Fatalf("%s: want a date without a time", day)
		}
		fmt.Fprintf(b, "date(%d, %d, %d)", day.Year(), day.Month(), day.Day())
		return
	}
	switch v.Kind() {
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	case reflect.Int, reflect.Int64, reflect.Float64, reflect.Bool:
		fmt.Fprint(b, v.Interface())
	case reflect.Pointer:
		b.WriteByte('&')
		literal(t, b, v.Elem())
	case reflect.Struct:
		b.WriteString(name + "{\n")
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				b.WriteString(v.Type().Field(i).Name + ": ")
				literal(t, b, v.Field(i))
				b.WriteString(",\n")
			}
		}
		b.WriteByte('}')
	case reflect.Slice:
		b.WriteString(name + "{")
		for i := range v.Len() {
			literal(t, b, v.Index(i))
			b.WriteByte(',')
		}
		b.WriteByte('}')
	case reflect.Map:
		b.WriteString(name + "{\n")
		for _, key := range slices.SortedFunc(slices.Values(v.MapKeys()), func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) }) {
			fmt.Fprintf(b, "%q: ", key)
			literal(t, b, v.MapIndex(key))
			b.WriteString(",\n")
		}
		b.WriteByte('}')
	default:
		t.Fatalf("literal: got a value of type %s, want a kind that it can write", v.Type())
	}
}
