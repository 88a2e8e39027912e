package cmd_test

import (
	"fmt"
	"html"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// sessionPicture is the README's session as a picture of the terminal.
const sessionPicture = "../docs/session.svg"

// TestSessionPicture renders the README's session, which TestLabReadmeSession holds
// against a real run, as a picture; -update writes it.
func TestSessionPicture(t *testing.T) {
	var session string
	for _, f := range fences(t, "../README.md") {
		if f.lang == "console" {
			session = f.text
		}
	}
	want := terminalSVG(strings.Split(strings.TrimRight(session, "\n"), "\n"))
	if *update {
		if err := os.WriteFile(sessionPicture, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(sessionPicture)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s: got another session than that of the README, want it the same: go test ./cmd -run TestSessionPicture -update", sessionPicture)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "(docs/session.svg)") {
		t.Errorf("the README does not show the picture, want %q in it", "(docs/session.svg)")
	}
}

// terminalSVG draws lines of text as a terminal shows them.
func terminalSVG(lines []string) string {
	const column, row, margin = 8.4, 18, 12 // of a monospaced font of 14 pixels
	columns := 80
	for _, line := range lines {
		columns = max(columns, utf8.RuneCountInString(line))
	}
	width, height := int(float64(columns)*column)+2*margin, len(lines)*row+2*margin
	var b strings.Builder
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%[1]d\" height=\"%d\" role=\"img\">\n", width, height, height)
	b.WriteString("<title>A session of relayhost setup</title>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#1c2128\"/>\n")
	b.WriteString("<g font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"14\" fill=\"#d5dbe3\" xml:space=\"preserve\">\n")
	for i, line := range lines {
		color := ""
		switch {
		case strings.HasPrefix(line, "$ "):
			color = ` fill="#7ee787"`
		case strings.HasPrefix(line, "delivered:"), strings.HasPrefix(line, "Done."):
			color = ` fill="#79c0ff"`
		case strings.HasPrefix(line, "note:"):
			color = ` fill="#d2a857"`
		}
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\"%s>%s</text>\n", margin, margin+(i+1)*row-4, color, html.EscapeString(line))
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}
