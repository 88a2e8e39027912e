// Onserver runs on a server of the lab, where the tests of flow cannot run
// themselves: "resolve SENDER RECIPIENT..." asks a private trivial-rewrite(8) with
// the server's configuration; "table" prints the flow table of the
// change on standard input, and what Preview finds, as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// Input is what the test says: a change of the configuration, as a plan would make it.
type Input struct {
	Main     map[string]string // parameters
	Master   string            // entries
	Files    map[string]string // tables
	Service  string            // of the default route
	NextHop  string
	From, To string
	Direct   []string
}

// Output is what it gets.
type Output struct {
	Flow    flow.Table
	Lines   []string
	Shared  []flow.Foreign
	Preview []instance.Fault
	Fault   *instance.Fault
	Millis  int64
}

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	h := &host.Host{}
	s, err := postfix.Read(ctx, &h.Reader, "")
	if err != nil {
		return err
	}
	if args[0] == "resolve" {
		return resolve(ctx, h, s, args[1], args[2:])
	}
	var in Input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	p, err := in.plan(s)
	if err != nil {
		return err
	}
	var out Output
	if out.Preview, err = instance.Preview(ctx, &h.Reader, s, p); err != nil {
		return err
	}
	began := time.Now()
	out.Flow, err = flow.Compute(ctx, h, s, p, flow.Asked{From: in.From, To: in.To, Direct: in.Direct})
	if err != nil && !errors.As(err, &out.Fault) {
		return err
	}
	out.Millis, out.Lines, out.Shared = time.Since(began).Milliseconds(), out.Flow.Lines(), out.Flow.Foreign()
	return json.NewEncoder(os.Stdout).Encode(out)
}

// plan makes the change.
func (in Input) plan(s postfix.State) (plan.Plan, error) {
	main := s.Main.Clone()
	for _, name := range slices.Sorted(maps.Keys(in.Main)) {
		main.Set(name, in.Main[name])
	}
	master, entries := s.Master.Clone(), []byte(in.Master)
	added, err := postfix.ParseMaster(entries)
	if err != nil {
		return plan.Plan{}, err
	}
	for _, e := range added.Services() {
		master.Set(e)
	}
	p := plan.Plan{Routes: []plan.Route{{Name: config.DefaultRoute, From: in.From, Service: in.Service, Hops: []plan.Hop{{NextHop: in.NextHop}}}}}
	for _, path := range slices.Sorted(maps.Keys(in.Files)) {
		p.Files = append(p.Files, plan.File{Path: path, Action: plan.Create, After: []byte(in.Files[path]), Mode: 0o644})
	}
	p.Files = append(p.Files, plan.File{Path: filepath.Join(s.ConfigDir, "master.cf"), Action: plan.Modify, After: master.Bytes()},
		plan.File{Path: filepath.Join(s.ConfigDir, "main.cf"), Action: plan.Modify, After: main.Bytes()})
	return p, nil
}

func resolve(ctx context.Context, h *host.Host, s postfix.State, sender string, recipients []string) error {
	p := plan.Plan{Files: []plan.File{{Path: filepath.Join(s.ConfigDir, "main.cf"), After: s.Main.Bytes()},
		{Path: filepath.Join(s.ConfigDir, "master.cf"), After: s.Master.Bytes()}}}
	in, err := instance.Start(ctx, h, instance.Options{Name: instance.BeforeName, State: s, Plan: p, Routing: true})
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	n := 100 * len(recipients) // on all connections at once
	rs, err := flow.DialMany(ctx, in.Rewrite(), n)
	if err != nil {
		return err
	}
	defer rs.Close()
	all, err := rs.Resolve(ctx, n, func(i int) (string, string) { return sender, recipients[i%len(recipients)] })
	if err != nil {
		return err
	}
	answers := all[:len(recipients)]
	for i, got := range all {
		if want := answers[i%len(answers)]; got != want {
			return fmt.Errorf("answer %d on %d connections: got %+v, want %+v", i, len(rs), got, want)
		}
	}
	root, err := rs[0].Rewrite(ctx, "root")
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"answers": answers, "root": root})
}
