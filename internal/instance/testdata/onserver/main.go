// Onserver runs on a server of the lab, where the tests of plan and instance
// cannot run themselves: it plans from what it finds there, and writes the plan
// ("write"), applies it ("apply", which prints the seconds that took), rehearses
// it in a private Postfix ("rehearse"), or applies it to one main.cf after
// another and rolls it back ("rounds"). The answers are JSON on
// standard input.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"relayhost/internal/apply"
	"relayhost/internal/config"
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
	Connections        int
	NoVerify           bool
	Pin                string
	Dir                string   // of the private instance
	Leave              bool     // end without closing it, as a killed run would
	Rounds             []string // texts of main.cf
	Fallback           []Hop
	Routes             []Route
	Rewrite            map[string]string
}

// Hop is a hop with the service by its name.
type Hop struct {
	Relay, Host        string
	Port               int
	TLS                relays.TLSMode
	Username, Password string
	NoVerify           bool
	Pin                string
	NullSender         string // what the catalogue says of it, where that is to be another
}

// Route is a route with hops.
type Route struct {
	Name, From string
	Senders    []string
	Hops       []Hop
}

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, what string) error {
	var in Input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	h := &host.Host{}
	s, err := read(ctx, h)
	if err != nil {
		return err
	}
	first := config.Hop{
		Relay: service(in.Relay, in.Host, in.Port, in.TLS, in.Username), Host: in.Host, Port: in.Port, TLS: in.TLS, Username: in.Username, Password: secret.New(in.Password),
		Connections: in.Connections, NoVerify: in.NoVerify, Pin: in.Pin,
	}
	o := config.Config{
		To: in.To, Direct: in.Direct, Rewrite: in.Rewrite,
		Routes: []config.Route{{Name: config.DefaultRoute, From: in.From, Hops: append([]config.Hop{first}, hops(in.Fallback)...)}},
	}
	for _, r := range in.Routes {
		o.Routes = append(o.Routes, config.Route{Name: r.Name, From: r.From, Senders: r.Senders, Hops: hops(r.Hops)})
	}
	if what == "rounds" {
		return rounds(ctx, h, o, in.Rounds)
	}
	p, err := plan.Build(plan.Server{State: s}, o)
	if err != nil {
		return err
	}
	switch what {
	case "write":
		return write(h, p)
	case "apply":
		began := time.Now()
		_, err := apply.Run(ctx, h, p, quiet)
		fmt.Println(time.Since(began).Seconds())
		return err
	case "rehearse":
		return rehearse(ctx, h, s, p, in)
	}
	return errors.New("write, apply, rehearse or rounds")
}

// service is one of the catalogue, or a smarthost.
func service(id, host string, port int, mode relays.TLSMode, username string) *relays.Relay {
	if relay, err := relays.Get(id); err == nil {
		return &relay
	}
	return relays.Smarthost(host, port, mode, username != "")
}

func hops(in []Hop) []config.Hop {
	var out []config.Hop
	for _, h := range in {
		relay := service(h.Relay, h.Host, h.Port, h.TLS, h.Username)
		if h.NullSender != "" {
			relay.Sender.NullSender = h.NullSender
		}
		out = append(out, config.Hop{Relay: relay, Host: h.Host, Port: h.Port, TLS: h.TLS, Username: h.Username, Password: secret.New(h.Password),
			NoVerify: h.NoVerify, Pin: h.Pin})
	}
	return out
}

func read(ctx context.Context, h *host.Host) (postfix.State, error) {
	s, err := postfix.Read(ctx, &h.Reader, "")
	if err == nil {
		s.Load(&h.Reader, plan.Paths(s)...)
	}
	return s, err
}

// write prints the path of each file that it has changed.
func write(h *host.Host, p plan.Plan) error {
	for _, f := range p.Files {
		if f.Action == plan.Unchanged {
			continue
		}
		fmt.Println(f.Path)
		if f.Action == plan.Remove {
			if err := remove(f); err != nil {
				return err
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return err
		}
		if err := h.WriteFile(f.Path, f.After, host.Spec{Mode: f.Mode, UID: f.UID, GID: f.GID, Mtime: time.Now().Add(-2 * time.Second)}); err != nil {
			return err
		}
	}
	for _, c := range p.Commands {
		if out, err := exec.Command(c.Args[0], c.Args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%q: %w: %s", c.Args, err, out)
		}
	}
	return nil
}

// remove deletes a table with what was compiled from it.
func remove(f plan.File) error {
	if index := (postfix.Table{Type: f.Map, Path: f.Path}).Index(); index != "" {
		if err := os.Remove(index); err != nil {
			return err
		}
	}
	return os.Remove(f.Path)
}

const mainPath, masterPath, passwdPath = "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/postfix/sasl_passwd"

// quiet leaves the Postfix that runs alone.
var quiet = apply.Options{Reload: func(context.Context) error { return nil }}

// rounds prints what is wrong in each round, by its number.
func rounds(ctx context.Context, h *host.Host, o config.Config, texts []string) error {
	for n, text := range texts {
		if err := h.WriteFile(mainPath, []byte(text), host.Spec{Mode: 0o644, Mtime: time.Now().Add(-time.Minute)}); err != nil {
			return err
		}
		if err := round(ctx, h, o, text); err != nil {
			fmt.Printf("%d: %v\n", n, err)
		}
	}
	fmt.Println("done", len(texts))
	return nil
}

// round applies, finds nothing more to do, and goes back to the same bytes.
func round(ctx context.Context, h *host.Host, o config.Config, text string) error {
	build := func() (plan.Plan, error) {
		s, err := read(ctx, h)
		if err != nil {
			return plan.Plan{}, err
		}
		return plan.Build(plan.Server{State: s}, o)
	}
	master, _ := h.ReadFile(masterPath)
	passwd, _ := h.ReadFile(passwdPath)
	p, err := build()
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	if _, err := apply.Run(ctx, h, p, quiet); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	again, err := build()
	if err != nil || again.Changed() {
		err = fmt.Errorf("a second plan changes %v: %w", again.Changed(), err)
	}
	if _, undo := apply.RollBackAll(ctx, h, quiet); undo != nil {
		return fmt.Errorf("roll back: %w", undo)
	}
	for path, want := range map[string]string{mainPath: text, masterPath: string(master), passwdPath: string(passwd)} {
		if got, _ := h.ReadFile(path); string(got) != want {
			return fmt.Errorf("%s went back to %q", path, got)
		}
	}
	return err
}

// rehearse prints the log of the instance once the message's fate is in it.
func rehearse(ctx context.Context, h *host.Host, s postfix.State, p plan.Plan, in Input) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	i, err := instance.Start(ctx, h, instance.Options{Dir: in.Dir, State: s, Plan: p})
	if err != nil {
		return err
	}
	watched, end, err := i.Watch(ctx)
	if err != nil {
		return errors.Join(err, i.Close())
	}
	sent := time.Now()
	send := exec.CommandContext(ctx, "sendmail", "-C", i.ConfigDir, "-i", "-f", "root@"+s.FQDN, "--", in.To)
	send.Stdin = strings.NewReader("From: root\nTo: " + in.To + "\nSubject: rehearsal\n\nhello\n")
	if out, err := send.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("%w: %s", err, out), i.Close())
	}
	for watched.Err() == nil {
		log, _ := os.ReadFile(i.Log.File)
		if strings.Contains(string(log), " status=") {
			fmt.Print(string(log))
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if f := end(); f != nil {
		fmt.Fprintf(os.Stderr, "fault after %.2f s: %v; %s; %s\n", time.Since(sent).Seconds(), f, f.Remedy, f.Command)
	}
	if in.Leave {
		return nil
	}
	began := time.Now()
	err = errors.Join(ctx.Err(), i.Close())
	fmt.Fprintln(os.Stderr, "stopped in", time.Since(began).Seconds())
	return err
}
