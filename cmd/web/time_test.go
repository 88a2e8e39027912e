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

// underLoad is how much more a machine gets that runs other tests beside it.
const underLoad = 3

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

// measure gives the best of least runs: what the page needs, not what else the machine
// has to do. It goes on for as long as tries, where the bounds are not met.
func measure(t *testing.T, factor time.Duration, least, tries int) {
	t.Helper()
	base, _ := serve(t, built(t))
	b := chromium(t)
	link := permalink(t, plain("debian:12", "sendgrid", 587))
	firstTimes := func(form string, bound time.Duration) (all []time.Duration) {
		for n := 0; n < tries && (n < least || slices.Min(all) > factor*bound); n++ {
			all = append(all, firstTime(t, b, base, form))
		}
		return all
	}
	first, linked := firstTimes("", firstFiles), firstTimes(link, formFiles)
	var later []time.Duration
	p := b.open(t, base, link)
	p.wait("document.querySelector('.file')")
	for n := 0; n < tries && (n < least || slices.Min(later) > factor*laterFiles); n += 5 {
		later = append(later, laterTimes(t, p)...)
	}
	t.Logf("figure: web page: first files after %s (bound %s), those of a permalink after %s (bound %s), later ones after %s (bound %s)",
		slices.Min(first), firstFiles, slices.Min(linked), formFiles, slices.Min(later), laterFiles)
	if got := slices.Min(first); got > factor*firstFiles {
		t.Errorf("the first files came %s after navigation, want at most %s: %v", got, factor*firstFiles, first)
	}
	if got := slices.Min(linked); got > factor*formFiles {
		t.Errorf("the files of a permalink came %s after navigation, want at most %s: %v", got, factor*formFiles, linked)
	}
	if got := slices.Min(later); got > factor*laterFiles {
		t.Errorf("the files after a choice came after %s, want at most %s: %v", got, factor*laterFiles, later)
	}
}

// TestBenchPage holds the bounds themselves.
func TestBenchPage(t *testing.T) { measure(t, 1, 5, 5) }

// TestLabPageTimes holds them with room for what runs beside.
func TestLabPageTimes(t *testing.T) { measure(t, underLoad, 1, 40) }
