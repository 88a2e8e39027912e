//go:build lab

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// browser is a headless Chromium, driven by the DevTools protocol over a pipe:
// JSON documents that end with NUL (https://chromedevtools.github.io/devtools-protocol/).
type browser struct {
	in      io.Writer
	mu      sync.Mutex
	calls   int
	waiting map[int]chan answered
	tabs    map[string]*tab // by session, those of workers as well
	gone    error           // why nothing is answered any more
}

type answered struct {
	result json.RawMessage
	err    error
}

// patience is how long the page may take for anything: a machine that runs other
// tests is slow.
const patience = 4 * time.Minute

// chromium starts a browser that ends with the test. It resolves no name, so that
// it reaches nothing but this machine.
func chromium(t *testing.T) *browser {
	t.Helper()
	path := os.Getenv("CHROMIUM")
	if path == "" {
		path = "chromium"
	}
	dir, err := os.MkdirTemp("", "relayhost-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--hide-scrollbars",
		"--remote-debugging-pipe", "--user-data-dir="+dir, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank")
	c.Env = append(os.Environ(), "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) } // with its own children
	toRead, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, toWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	c.Stderr, c.ExtraFiles = &said, []*os.File{toRead, toWrite}
	if err := c.Start(); err != nil {
		t.Fatalf("start chromium: got %v, want no error (.ci/deps installs it)", err)
	}
	_, _ = toRead.Close(), toWrite.Close()
	b := &browser{in: in, waiting: map[int]chan answered{}, tabs: map[string]*tab{}}
	done := make(chan struct{})
	go func() { b.read(out); close(done) }()
	t.Cleanup(func() {
		cancel()
		_ = c.Wait()
		<-done
		_ = in.Close()
		if err := os.RemoveAll(dir); err != nil {
			t.Log(err)
		}
		if t.Failed() {
			t.Logf("chromium said: %.2000s", said.String())
		}
	})
	return b
}

// read hands on what the browser sends, until it ends.
func (b *browser) read(out io.ReadCloser) {
	defer func() { _ = out.Close() }()
	in := bufio.NewReaderSize(out, 1<<20)
	for {
		text, err := in.ReadBytes(0)
		if err != nil {
			b.mu.Lock()
			b.gone = fmt.Errorf("chromium has ended: %w", err)
			for id, w := range b.waiting {
				w <- answered{nil, b.gone}
				delete(b.waiting, id)
			}
			b.mu.Unlock()
			return
		}
		var m struct {
			ID             int
			SessionID      string
			Method         string
			Params, Result json.RawMessage
			Error          *struct{ Message string }
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		w, tab := b.waiting[m.ID], b.tabs[m.SessionID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		switch {
		case w != nil && m.Error != nil:
			w <- answered{nil, errors.New(m.Error.Message)}
		case w != nil:
			w <- answered{m.Result, nil}
		case tab != nil:
			tab.event(m.SessionID, m.Method, m.Params)
		}
	}
}

// send asks for a method, in a session where one is named; the channel gets the
// answer.
func (b *browser) send(session, method string, params any) (<-chan answered, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone != nil {
		return nil, b.gone
	}
	b.calls++
	doc := map[string]any{"id": b.calls, "method": method}
	if params != nil {
		doc["params"] = params
	}
	if session != "" {
		doc["sessionId"] = session
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	w := make(chan answered, 1)
	b.waiting[b.calls] = w
	_, err = b.in.Write(append(text, 0))
	return w, err
}

func (b *browser) call(session, method string, params, result any) error {
	w, err := b.send(session, method, params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case a := <-w:
		if a.err != nil {
			return fmt.Errorf("%s: %w", method, a.err)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(a.result, result)
	case <-time.After(patience):
		return fmt.Errorf("%s: no answer after %s", method, patience)
	}
}

// tab is one page with a storage of its own. What goes wrong in it or in its
// workers is collected, and fails the test at its end.
type tab struct {
	t       *testing.T
	b       *browser
	context string
	session string
	base    string // of the site: a request to anywhere else is a fault
	mu      sync.Mutex
	faults  []string
}

// open makes a tab that shows the page at base+where.
func (b *browser) open(t *testing.T, base, where string) *tab {
	t.Helper()
	p := b.blank(t, base)
	p.goTo(where)
	return p
}

func (b *browser) blank(t *testing.T, base string) *tab {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var context struct{ BrowserContextID string }
	must(b.call("", "Target.createBrowserContext", nil, &context))
	var target struct{ TargetID string }
	must(b.call("", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.BrowserContextID}, &target))
	var attached struct{ SessionID string }
	must(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached))
	p := &tab{t: t, b: b, context: context.BrowserContextID, session: attached.SessionID, base: base}
	b.mu.Lock()
	b.tabs[p.session] = p
	b.mu.Unlock()
	p.call("Page.enable", nil, nil)
	p.watch(p.session)
	p.screen(1280, 900, false)
	t.Cleanup(func() {
		for _, f := range p.taken() {
			t.Errorf("page: got the fault %s, want none", f)
		}
		_ = b.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": context.BrowserContextID}, nil)
	})
	return p
}

// watch turns on what event hears of, in the tab and in each of its workers.
func (p *tab) watch(session string) {
	for _, m := range []string{"Network.enable", "Runtime.enable", "Log.enable"} {
		_, _ = p.b.send(session, m, nil) // a worker knows some of them only
	}
	_, _ = p.b.send(session, "Target.setAutoAttach", map[string]any{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true})
	_, _ = p.b.send(session, "Runtime.runIfWaitingForDebugger", nil)
}

// event notes a fault that the browser reports.
func (p *tab) event(session, method string, params json.RawMessage) {
	var m struct {
		SessionID string // of a worker that has been attached
		Type      string
		Args      []struct {
			Value       any
			Description string
		}
		Entry            struct{ Level, Text, URL string }
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Request struct{ URL string }
	}
	if json.Unmarshal(params, &m) != nil {
		return
	}
	switch method {
	case "Target.attachedToTarget":
		p.b.mu.Lock()
		p.b.tabs[m.SessionID] = p
		p.b.mu.Unlock()
		p.watch(m.SessionID)
	case "Runtime.consoleAPICalled":
		if m.Type == "error" || m.Type == "assert" {
			p.fault("console: %v", m.Args)
		}
	case "Log.entryAdded":
		if m.Entry.Level == "error" {
			p.fault("console: %s %s", m.Entry.Text, m.Entry.URL)
		}
	case "Runtime.exceptionThrown":
		p.fault("exception: %s %s", m.ExceptionDetails.Text, m.ExceptionDetails.Exception.Description)
	case "Network.requestWillBeSent":
		if u := m.Request.URL; !strings.HasPrefix(u, p.base) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:"+originOf(p.base)) {
			p.fault("a request to %s", u)
		}
	}
}

func originOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	return u.Scheme + "://" + u.Host
}

func (p *tab) fault(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

// taken gives the faults so far, and forgets them.
func (p *tab) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.faults
	p.faults = nil
	return f
}

func (p *tab) call(method string, params, result any) {
	p.t.Helper()
	if err := p.b.call(p.session, method, params, result); err != nil {
		p.t.Fatal(err)
	}
}

// goTo shows another page of the site.
func (p *tab) goTo(where string) {
	p.t.Helper()
	p.call("Page.navigate", map[string]any{"url": "about:blank"}, nil) // also where only the fragment differs
	p.call("Page.navigate", map[string]any{"url": p.base + where}, nil)
}

// eval runs an expression, which may be a promise, and stores what it gives in
// result, unless that is nil.
func (p *tab) eval(expression string, result any) {
	p.t.Helper()
	if err := p.try(expression, result); err != nil {
		p.t.Fatalf("%.300s: got %v, want no error", expression, err)
	}
}

func (p *tab) try(expression string, result any) error {
	var out struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := p.b.call(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true}, &out)
	switch {
	case err != nil:
		return err
	case out.ExceptionDetails != nil:
		return fmt.Errorf("%s %s", out.ExceptionDetails.Text, out.ExceptionDetails.Exception.Description)
	case result == nil:
		return nil
	}
	return json.Unmarshal(out.Result.Value, result)
}

// wait waits until an expression holds.
func (p *tab) wait(expression string) {
	p.t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var holds bool
		if last = p.try("Boolean("+expression+")", &holds); last == nil && holds {
			return
		}
	}
	var problem string
	_ = p.try("document.body.innerText", &problem)
	p.t.Fatalf("%s: got false for %s (last error %v), want true; faults %q; the page says %.600s", expression, patience, last, p.taken(), problem)
}

// press presses and releases keys, as somebody at a keyboard.
func (p *tab) press(keys ...string) {
	p.t.Helper()
	codes := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowDown": 40, "ArrowUp": 38}
	for _, key := range keys {
		e := map[string]any{"type": "keyDown", "key": key, "windowsVirtualKeyCode": codes[key]}
		switch {
		case key == "Space":
			e["key"], e["text"] = " ", " "
		case key == "Enter":
			e["text"] = "\r"
		case codes[key] == 0: // a letter
			e["text"] = key
		}
		p.call("Input.dispatchKeyEvent", e, nil)
		p.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": e["key"], "windowsVirtualKeyCode": codes[key]}, nil)
	}
}

// typed presses the key of each letter.
func (p *tab) typed(text string) {
	p.t.Helper()
	p.press(strings.Split(text, "")...)
}

// set gives a field a value, as a choice or a paste does.
func (p *tab) set(id, value string) {
	p.t.Helper()
	p.eval(fmt.Sprintf(`(() => { const e = document.getElementById(%s); e.focus(); e.value = %s;
		for (const name of ['input', 'change']) e.dispatchEvent(new Event(name, {bubbles: true})); })()`, quoted(id), quoted(value)), nil)
}

func (p *tab) text(selector string) (s string) {
	p.t.Helper()
	p.eval("document.querySelector("+quoted(selector)+").textContent", &s)
	return s
}

// screen sets the size of the window, in CSS pixels.
func (p *tab) screen(width, height int, phone bool) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}, nil)
}

// scheme chooses between "light" and "dark".
func (p *tab) scheme(name string) {
	p.t.Helper()
	p.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]any{{"name": "prefers-color-scheme", "value": name}}}, nil)
}

// shoot keeps what the window shows as a file in the directory of RELAYHOST_SCREENSHOTS,
// for people to look at.
func (p *tab) shoot(name string) {
	p.t.Helper()
	dir := os.Getenv("RELAYHOST_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	p.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	data, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// quoted is s as a literal of JavaScript.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}
