//go:build lab

package main

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Bounds of the page on a machine that does nothing else: from navigation to the
// first files, to those of a form in the address, which wait for the program to be
// compiled, and from a choice to those that follow.
const (
	firstFiles = time.Second
	formFiles  = 1500 * time.Millisecond
	laterFiles = 50 * time.Millisecond
)

// onFiles records when, after navigation, files stand in the page for the first time.
const onFiles = `addEventListener('DOMContentLoaded', () => { const o = new MutationObserver(() => {
	if (document.querySelector('.file')) { window.filesAt = performance.now(); o.disconnect(); } });
	o.observe(document.body, {childList: true, subtree: true}); });`

// firstTime loads the page, with a form in its address or without, with a browser that
// knows nothing of it.
func firstTime(t *testing.T, b *browser, base, form string) time.Duration {
	t.Helper()
	p := b.blank(t, base)
	p.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": onFiles}, nil)
	p.goTo(form)
	p.wait("window.filesAt")
	var ms float64
	p.eval("window.filesAt", &ms)
	return time.Duration(ms * float64(time.Millisecond))
}

// laterTimes chooses ports in turn, and gives the time to the files of each.
func laterTimes(t *testing.T, p *tab) (all []time.Duration) {
	t.Helper()
	for _, port := range []string{"465", "587", "2525", "465", "587"} {
		var ms float64
		p.eval(fmt.Sprintf(`(async () => { const e = document.getElementById('port-0-0-' + %s); const start = performance.now(); e.click();
			await new Promise((done) => new MutationObserver(done).observe(document.getElementById('result'), {childList: true}));
			return performance.now() - start; })()`, quoted(port)), &ms)
		all = append(all, time.Duration(ms*float64(time.Millisecond)))
	}
	return all
}

// TestBenchPage takes the best of five: what the page needs, not what else the machine
// has to do.
func TestBenchPage(t *testing.T) {
	base, _ := serve(t, built(t))
	b := chromium(t)
	link := permalink(t, plain("debian:12", "sendgrid", 587))
	firstTimes := func(form string) (all []time.Duration) {
		for range 5 {
			all = append(all, firstTime(t, b, base, form))
		}
		return all
	}
	first, linked := firstTimes(""), firstTimes(link)
	p := b.open(t, base, link)
	p.wait("document.querySelector('.file')")
	later := laterTimes(t, p)
	t.Logf("figure: web page: first files after %s (bound %s), those of a permalink after %s (bound %s), later ones after %s (bound %s)",
		slices.Min(first), firstFiles, slices.Min(linked), formFiles, slices.Min(later), laterFiles)
	for _, row := range []struct {
		what  string
		times []time.Duration
		bound time.Duration
	}{
		{"the first files after navigation", first, firstFiles},
		{"the files of a permalink", linked, formFiles},
		{"the files after a choice", later, laterFiles},
	} {
		t.Run(row.what, func(t *testing.T) {
			if got := slices.Min(row.times); got > row.bound {
				t.Errorf("the shortest time: got %s, want at most %s: %v", got, row.bound, row.times)
			}
		})
	}
}
