// Onserver runs on a server of the lab, where the tests of flow cannot run
// themselves: "resolve SENDER RECIPIENT..." asks a private trivial-rewrite(8) with
// the server's configuration; "table" prints the flow table of the plan for the
// answers on standard input, and what Preview finds, as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/relays"
)

// Input is what the test says.
type Input struct {
	Relay, Host        string
	Port               int
	TLS                relays.TLSMode
	Username, Password string
	From, To           string
	Direct             []string
}

// Output is what it gets.
type Output struct {
	Flow    flow.Table
	Lines   []string
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
	s.Load(&h.Reader, plan.Paths(s)...)
	relay, err := relays.Get(in.Relay)
	if err != nil {
		relay = relays.Smarthost(in.Host, in.Port, in.TLS, in.Username != "")
	}
	p, err := plan.Build(s, nil, plan.Options{Relay: relay, Host: in.Host, Port: in.Port, TLS: in.TLS, Username: in.Username,
		Password: secret.New(in.Password), From: in.From, To: in.To, Direct: in.Direct})
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
	out.Millis, out.Lines = time.Since(began).Milliseconds(), out.Flow.Lines()
	return json.NewEncoder(os.Stdout).Encode(out)
}

func resolve(ctx context.Context, h *host.Host, s postfix.State, sender string, recipients []string) error {
	p := plan.Plan{Files: []plan.File{{Path: filepath.Join(s.ConfigDir, "main.cf"), After: s.Main.Bytes()},
		{Path: filepath.Join(s.ConfigDir, "master.cf"), After: s.Master.Bytes()}}}
	in, err := instance.Start(ctx, h, instance.Options{Name: instance.BeforeName, State: s, Plan: p, Routing: true})
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	r, err := flow.Dial(ctx, in.Rewrite())
	if err != nil {
		return err
	}
	defer r.Close()
	var answers []flow.Answer
	for _, to := range recipients {
		a, err := r.Resolve(ctx, sender, to)
		if err != nil {
			return err
		}
		answers = append(answers, a)
	}
	root, err := r.Rewrite(ctx, "root")
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"answers": answers, "root": root})
}
