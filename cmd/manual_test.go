package cmd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"relayhost/cmd"
)

// commands are c and what stands under it in the help, topics as well.
func commands(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, child := range c.Commands() {
		if !child.Hidden && child.Name() != "help" {
			list = append(list, commands(child)...)
		}
	}
	return list
}

// sections are the texts of a page by the names of their sections, without the escapes
// that only typeset.
func sections(page string) map[string]string {
	page = strings.NewReplacer(`\fB`, "", `\fI`, "", `\fR`, "", `\fP`, "", `\-`, "-").Replace(page)
	found := make(map[string]string)
	for _, part := range strings.Split(page, "\n.SH ")[1:] {
		name, text, _ := strings.Cut(part, "\n")
		found[name] = text
	}
	return found
}

// TestManual makes the manual as the packages do: a page for each command and no other, with
// its name, its synopsis, and its flags with what they do. TestLabPackage has mandoc(1) read it.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "run", "../.ci/manual", dir).CombinedOutput(); err != nil {
		t.Fatalf("writing the manual: got %v, want no error\n%s", err, out)
	}
	var want []string
	for _, c := range commands(cmd.Command()) {
		name := strings.ReplaceAll(c.CommandPath(), " ", "-")
		want = append(want, name+".1")
		t.Run(name, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join(dir, name+".1"))
			if err != nil {
				t.Fatal(err)
			}
			has := sections(string(page))
			if got, want := strings.TrimSpace(has["NAME"]), name+" - "+c.Short; got != want {
				t.Errorf("NAME: got %q, want %q", got, want)
			}
			if got := strings.TrimSpace(has["SYNOPSIS"]); !strings.HasPrefix(got, c.CommandPath()) {
				t.Errorf("SYNOPSIS: got %q, want %q at its start", got, c.CommandPath())
			}
			inSection(t, has, "OPTIONS", c.NonInheritedFlags())
			inSection(t, has, "OPTIONS INHERITED FROM PARENT COMMANDS", c.InheritedFlags())
		})
	}
	slices.Sort(want)
	pages, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pages {
		got = append(got, p.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the pages\n%q\nwant\n%q", got, want)
	}
}

// inSection fails for each flag that is no tag of the section, with a text below it.
func inSection(t *testing.T, has map[string]string, section string, flags *pflag.FlagSet) {
	t.Helper()
	tags := make(map[string]string)
	for _, part := range strings.Split(has[section], ".TP\n")[1:] {
		tag, text, _ := strings.Cut(part, "\n")
		for _, word := range strings.Fields(tag) {
			tags[strings.TrimSuffix(word, ",")] = strings.TrimSpace(text)
		}
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if tags["--"+f.Name] == "" {
			t.Errorf("%s: got no --%s with a text, want it in\n%s", section, f.Name, has[section])
		}
		if f.Shorthand != "" && tags["-"+f.Shorthand] == "" {
			t.Errorf("%s: got no -%s with a text, want it beside --%s in\n%s", section, f.Shorthand, f.Name, has[section])
		}
	})
}
