package explain

import (
	"encoding/json"
	"html"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/maillog"
)

// TestFormats: each line is understood in each format of a log.
func TestFormats(t *testing.T) {
	data, err := os.ReadFile("testdata/formats/formats.json")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Fields  map[string]string `json:"fields"`
		Formats []struct {
			ID        string `json:"id"`
			Template  string `json:"template"`
			Multiline bool   `json:"multiline"`
			Lossy     string `json:"lossy"`
			Wrap      int    `json:"wrap"`
			Indent    int    `json:"indent"`
		} `json:"formats"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile("testdata/formats/lines.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Formats) < 40 {
		t.Errorf("%d formats, want 40", len(doc.Formats))
	}
	tried := 0
	for _, f := range doc.Formats {
		t.Run(f.ID, func(t *testing.T) {
			for line := range strings.Lines(string(lines)) {
				tried++
				line = strings.TrimSuffix(line, "\n")
				tag, rest, _ := strings.Cut(line, "[")
				pid, text, _ := strings.Cut(rest, "]: ")
				escaped := func(s string) string {
					b, _ := json.Marshal(s)
					return string(b[1 : len(b)-1])
				}
				values := maps.Clone(doc.Fields)
				maps.Copy(values, map[string]string{"msg": line, "tag": tag, "pid": pid, "text": text, "json_text": escaped(text),
					"json_line": escaped(doc.Fields["bsd"] + " " + doc.Fields["host"] + " " + line), "html_msg": html.EscapeString(line)})
				raw := f.Template
				for _, name := range slices.Sorted(maps.Keys(values)) {
					raw = strings.ReplaceAll(raw, "{"+name+"}", values[name])
				}
				if f.Wrap > 0 {
					raw = wrapped(raw, f.Wrap, f.Indent)
				}
				want, _ := maillog.Parse(line)
				var c Collector
				var got []text2
				c.heard = func(l maillog.Line) { got = append(got, text2{l.Daemon, l.QueueID, l.Text}) }
				if err := c.Read(t.Context(), strings.NewReader(raw)); err != nil {
					t.Fatal(err)
				}
				wantText := text2{want.Daemon, want.QueueID, want.Text}
				if f.Lossy == "daemon" {
					if c.Unread == 0 && len(got) == 0 && len(c.Groups()) == 0 {
						continue
					}
					wantText.daemon = ""
					if len(got) == 1 {
						got[0].daemon = ""
					}
				}
				if len(got) != 1 || got[0] != wantText {
					t.Errorf("got %q, want %q of\n%s", got, wantText, raw)
				}
			}
		})
	}
	if tried < 800 {
		t.Errorf("%d lines were tried, want 40 formats by 20 lines", tried)
	}
}

type text2 struct{ daemon, id, text string }

// wrapped breaks a line at the last space before each column.
func wrapped(s string, column, indent int) string {
	var lines []string
	for len(s) > column {
		at := strings.LastIndexByte(s[:column], ' ')
		if at <= indent {
			break
		}
		lines = append(lines, s[:at])
		s = strings.Repeat(" ", indent) + s[at+1:]
	}
	return strings.Join(append(lines, s), "\n")
}
