package templates

import (
	"bytes"
	"fmt"
	"reflect"
	"text/template/parse"
)

// parseAll reads the templates, in the syntax of text/template.
func parseAll() (map[string]*parse.Tree, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	all := map[string]*parse.Tree{}
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		trees, err := parse.Parse(e.Name(), string(text), "", "")
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		all[e.Name()] = trees[e.Name()]
	}
	return all, nil
}

// printList prints the few things that a template here may hold: text, a field, and
// "if" and "range" of a field. text/template itself calls methods by name, for which
// the linker must keep every method of the program: a fifth of the page's program.
func printList(b *bytes.Buffer, list *parse.ListNode, dot reflect.Value) error {
	if list == nil { // an "else" that is not there
		return nil
	}
	for _, n := range list.Nodes {
		if err := printNode(b, n, dot); err != nil {
			return err
		}
	}
	return nil
}

func printNode(b *bytes.Buffer, n parse.Node, dot reflect.Value) error {
	switch n := n.(type) {
	case *parse.TextNode:
		b.Write(n.Text)
		return nil
	case *parse.ActionNode:
		v, err := field(n.Pipe, dot)
		if err == nil {
			fmt.Fprint(b, v.Interface())
		}
		return err
	case *parse.IfNode:
		v, err := field(n.Pipe, dot)
		if err != nil {
			return err
		}
		if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
			return printList(b, n.ElseList, dot)
		}
		return printList(b, n.List, dot)
	case *parse.RangeNode:
		v, err := field(n.Pipe, dot)
		if err != nil {
			return err
		}
		if v.Kind() != reflect.Slice || n.ElseList != nil {
			return fmt.Errorf("%s: only slices, and no else", n)
		}
		for i := range v.Len() {
			if err := printList(b, n.List, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s is more than a template here may hold", n)
}

// field is the value of a pipe such as .Name.
func field(p *parse.PipeNode, dot reflect.Value) (reflect.Value, error) {
	if len(p.Decl) == 0 && len(p.Cmds) == 1 && len(p.Cmds[0].Args) == 1 {
		if f, ok := p.Cmds[0].Args[0].(*parse.FieldNode); ok && len(f.Ident) == 1 {
			if v := dot.FieldByName(f.Ident[0]); v.IsValid() {
				return v, nil
			}
			return dot, fmt.Errorf("%s has no field %s", dot.Type(), f.Ident[0])
		}
	}
	return dot, fmt.Errorf("%s is not a field", p)
}
