package cmd

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroup is flags that the help lists under one heading.
type flagGroup struct {
	heading string
	flags   []flag
}

// flag is one flag: its value is a pointer that holds the default, too.
type flag struct {
	name  string
	value any // *string, *bool, *int or *[]string
	usage string
}

// headingOf is the annotation of a flag that has its heading.
const headingOf = "heading"

// register adds the flags of a group. --yes is -y as well.
func (g flagGroup) register(fs *pflag.FlagSet) {
	for _, f := range g.flags {
		switch v := f.value.(type) {
		case *string:
			fs.StringVar(v, f.name, *v, f.usage)
		case *int:
			fs.IntVar(v, f.name, *v, f.usage)
		case *[]string:
			fs.StringArrayVar(v, f.name, *v, f.usage)
		case *bool:
			short := map[string]string{"yes": "y"}[f.name]
			fs.BoolVarP(v, f.name, short, *v, f.usage)
		default:
			panic(fmt.Sprintf("--%s has a value of type %T", f.name, v)) // a slip in a table of this package
		}
		fs.Lookup(f.name).Annotations = map[string][]string{headingOf: {g.heading}}
	}
}

// flagUsages lists the flags of a command, those of setup in groups.
func flagUsages(cmd *cobra.Command) string {
	if cmd.Name() != "setup" {
		return "Flags:\n" + cmd.LocalFlags().FlagUsagesWrapped(80)
	}
	var order []string
	groups := map[string]*pflag.FlagSet{}
	var f setupFlags
	for _, g := range append(f.groups(), flagGroup{heading: "Other flags"}) {
		order = append(order, g.heading)
		groups[g.heading] = pflag.NewFlagSet(g.heading, pflag.ContinueOnError)
		groups[g.heading].SortFlags = false
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		heading := "Other flags"
		if h := f.Annotations[headingOf]; len(h) > 0 {
			heading = h[0]
		}
		groups[heading].AddFlag(f)
	})
	var b strings.Builder
	for _, heading := range order {
		if text := groups[heading].FlagUsagesWrapped(80); text != "" {
			b.WriteString(heading + ":\n" + text + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
