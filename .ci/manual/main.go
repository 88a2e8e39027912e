// Command manual writes the manual pages of relayhost into a directory, one for
// each command, out of the same text as --help. The same commit gives the same
// bytes: the date is SOURCE_DATE_EPOCH, in seconds, or none.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"relayhost/cmd"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: manual DIRECTORY")
		os.Exit(64)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "manual:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	date := time.Unix(0, 0).UTC()
	if s := os.Getenv("SOURCE_DATE_EPOCH"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
		}
		date = time.Unix(n, 0).UTC()
	}
	root := cmd.Command()
	for _, topic := range root.Commands() {
		// cobra writes no page for a command that runs nothing.
		if !topic.Runnable() && !topic.HasSubCommands() {
			topic.Run = func(*cobra.Command, []string) {}
		}
	}
	return pages(root, dir, date)
}

// pages writes the page of c and those of its sub-commands.
func pages(c *cobra.Command, dir string, date time.Time) error {
	for _, child := range c.Commands() {
		if !child.IsAvailableCommand() || child.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := pages(child, dir, date); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	name := strings.ReplaceAll(c.CommandPath(), " ", "-")
	header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Date: &date, Source: "relayhost", Manual: "relayhost"}
	if err := doc.GenMan(c, header, &page); err != nil {
		return err
	}
	text := strings.Replace(page.String(), date.Format("Jan 2006"), date.Format(time.DateOnly), 1)
	return os.WriteFile(filepath.Join(dir, name+".1"), []byte(fix(text)), 0o644)
}

// value is what cobra writes behind a flag: its default, in brackets for one that
// takes none, which says nothing where it is empty. named is the name of the value in
// the text of the flag.
var (
	value = regexp.MustCompile(`\[?=(.*?)\]?$`)
	named = regexp.MustCompile(`\\fB([^\\]+)\\fR`)
)

// fix makes man(7) of what cobra writes for flags and for indented text: a tag with
// a paragraph for each flag, in place of a tab in filled text; lines that stay
// lines; and hyphens and backslashes that can be copied.
func fix(page string) string {
	var out []string
	example, table := false, false // within .EX of cobra's, and of ours
	for line := range strings.SplitSeq(page, "\n") {
		indented := strings.HasPrefix(line, "  ")
		if table != (indented && !example) {
			table = !table
			out = append(out, map[bool]string{true: ".EX", false: ".EE"}[table])
		}
		switch {
		case line == ".EX", line == ".EE":
			example = line == ".EX"
		case indented:
			line = strings.ReplaceAll(strings.ReplaceAll(line, `\\`, `\e`), "-", `\-`)
		case strings.HasPrefix(line, "\t"):
			tag := out[len(out)-1]
			if out = out[:len(out)-1]; out[len(out)-1] == ".PP" {
				out = out[:len(out)-1]
			}
			out = append(out, ".TP", flag(tag, line))
			line = line[1:]
		default:
			line = strings.ReplaceAll(line, "--", `\-\-`)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// flag is the tag of a flag: with the name of its value, and a default that says
// something.
func flag(tag, text string) string {
	given := value.FindStringSubmatch(tag)
	tag = strings.ReplaceAll(strings.ReplaceAll(value.ReplaceAllString(tag, ""), `\-`, "-"), "-", `\-`)
	if given == nil || strings.HasPrefix(given[0], "[") {
		return tag
	}
	if m := named.FindStringSubmatch(text); m != nil {
		tag += ` \fI` + m[1] + `\fP`
	}
	if empty := []string{"", `""`, "[", "0", "0s"}; !slices.Contains(empty, given[1]) {
		tag += " (" + given[1] + ")"
	}
	return tag
}
