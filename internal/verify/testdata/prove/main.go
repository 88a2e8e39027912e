// Command prove runs one proof of delivery on the host it is on and prints what
// came of it, for the tests that need a real Postfix.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/maillog"
	"relayhost/internal/postfix"
	"relayhost/internal/verify"
)

// kinds names the reasons why a proof is none.
var kinds = []struct {
	err  error
	name string
}{
	{verify.ErrRefused, "refused"}, {verify.ErrElsewhere, "elsewhere"}, {verify.ErrThrottled, "throttled"},
	{verify.ErrNoTrace, "no_trace"}, {verify.ErrUnproven, "unproven"},
}

func main() {
	h := &host.Host{}
	p := verify.Proof{Mailer: &verify.PostfixMailer{Host: h}, Reader: &h.Reader}
	log := flag.String("log", "", "log file of Postfix; none: watch the queue")
	timeout := flag.Duration("timeout", 15*time.Second, "limit")
	flag.StringVar(&p.From, "from", "app@example.com", "sender")
	flag.StringVar(&p.To, "to", "to@example.net", "recipient")
	flag.StringVar(&p.Service, "service", "relayhost-x", "service")
	flag.StringVar(&p.Host, "host", "relay.example.com", "next hop")
	flag.IntVar(&p.Port, "port", 587, "port")
	flag.DurationVar(&p.Patience, "patience", 0, "how long a temporary refusal is tried again")
	flag.Parse()
	if *log != "" {
		p.Log = &maillog.Log{File: *log}
	}
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	d, err := p.Run(ctx)
	out := struct {
		Kind     string          `json:"kind"` // "" when it was delivered
		Error    string          `json:"error"`
		Cause    string          `json:"cause"`
		Took     float64         `json:"took"` // seconds
		Delivery verify.Delivery `json:"delivery"`
	}{Took: d.Took.Seconds(), Delivery: d}
	if err != nil {
		out.Kind, out.Error = "other", err.Error()
		for _, k := range kinds {
			if errors.Is(err, k.err) {
				out.Kind = k.name
			}
		}
	}
	state, rerr := postfix.Read(context.Background(), &h.Reader, "")
	if rerr != nil {
		fmt.Fprintln(os.Stderr, rerr)
	}
	f := verify.Delivered(d, err, state.Running, explain.Inspect(state, p.From))
	out.Cause = f.Cause
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
