// Onserver runs on a server of the lab, where the tests of flow cannot run
// themselves: "resolve SENDER RECIPIENT..." asks a private trivial-rewrite(8) with
// the server's configuration.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"relayhost/internal/flow"
	"relayhost/internal/host"
	"relayhost/internal/instance"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

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
	began := time.Now()
	p := plan.Plan{Files: []plan.File{{Path: s.ConfigDir + "/main.cf", After: s.Main.Bytes()}, {Path: s.ConfigDir + "/master.cf", After: s.Master.Bytes()}}}
	in, err := instance.Start(ctx, h, instance.Options{Name: instance.BeforeName, State: s, Plan: p, Routing: true})
	if err != nil {
		return err
	}
	defer func() { _ = in.Close(); fmt.Fprintln(os.Stderr, "closed", time.Since(began)) }()
	fmt.Fprintln(os.Stderr, "started", time.Since(began))
	r, err := flow.Dial(ctx, in.Rewrite())
	if err != nil {
		return err
	}
	defer r.Close()
	for _, to := range args[2:] {
		a, err := r.Resolve(ctx, args[1], to)
		if err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "answered", time.Since(began))
		if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
			return err
		}
	}
	from, err := r.Rewrite(ctx, "root")
	fmt.Println(from, err)
	return nil
}
