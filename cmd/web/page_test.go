//go:build lab

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"relayhost/detect"
	"relayhost/internal/web"
)

// built is the site, made once for all tests.
func built(t *testing.T) string {
	t.Helper()
	dir, err := builtSite()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve is a plain file server for the site, below a path, as any may be. stop ends it.
func serve(t *testing.T, dir string) (base string, stop func()) {
	t.Helper()
	return serveWith(t, http.FileServer(http.Dir(dir)))
}

func serveWith(t *testing.T, h http.Handler) (base string, stop func()) {
	t.Helper()
	s := httptest.NewServer(http.StripPrefix("/some/path/", h))
	stop = sync.OnceFunc(func() {
		s.CloseClientConnections()
		s.Close()
	})
	t.Cleanup(stop)
	return s.URL + "/some/path/", stop
}

func plain(distribution, relay string, port int) web.Form {
	return web.Form{Distribution: distribution, Hostname: "mail.example.com",
		Routes: []web.Route{{Name: "default", From: "app@example.com", Hops: []web.Hop{{Relay: relay, Port: port}}}}}
}

// TestLabPageSize holds the bound of the first load: what a browser fetches for index.html.
func TestLabPageSize(t *testing.T) {
	t.Parallel()
	const most = 2_600_000
	dir, total := built(t), 0
	for _, name := range []string{"index.html", "app.js", "worker.js", "style.css", "data.json", "first/" + example + ".json", "wasm_exec.js", "relayhost.wasm.gz"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && !strings.HasSuffix(name, ".gz") {
			data, err = compress(data)
		}
		if err != nil {
			t.Fatal(err)
		}
		total += len(data)
	}
	t.Logf("figure: web page: first load %d bytes compressed (bound %d)", total, most)
	if total > most {
		t.Errorf("got a first load of %d bytes, want at most %d", total, most)
	}
}

// TestLabPageLinks: every link of every page leads to a file of the site, and no two
// pages have the same title.
func TestLabPageLinks(t *testing.T) {
	t.Parallel()
	dir := built(t)
	href, title := regexp.MustCompile(`(?:href|src)="([^"]+)"`), regexp.MustCompile(`<title>([^<]+)</title>`)
	titles, pages, links := map[string]string{}, 0, 0
	err := filepath.WalkDir(dir, func(file string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(file, ".html") {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		pages++
		m := title.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s: got no title, want one", file)
			return nil
		}
		if other, there := titles[string(m[1])]; there {
			t.Errorf("%s: got the title %q, want another than that of %s", file, m[1], other)
		}
		titles[string(m[1])] = file
		for _, m := range href.FindAllSubmatch(text, -1) {
			target, _, _ := strings.Cut(string(m[1]), "#")
			if target == "" || strings.HasPrefix(target, "https:") || strings.HasPrefix(target, "http:") || strings.HasPrefix(target, "data:") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), target)); err != nil {
				t.Errorf("%s: link to %s: got %v, want a file", file, target, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if pages < 300 || links < 1000 {
		t.Errorf("got %d pages with %d links, want 300 and 1000 at least", pages, links)
	}
}

// TestLabPage uses the page in Chromium as people do. Each tab collects errors on the
// console, exceptions and requests to anywhere else, and fails for them at its end.
func TestLabPage(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, built(t))
	b := chromium(t)
	form := permalink(t, plain("debian:12", "sendgrid", 587))
	for _, tt := range []struct {
		name string
		use  func(t *testing.T, p *tab)
	}{
		{"typing, choosing and the permalink", usePermalink},
		{"keyboard only", useKeyboard},
		{"search and filters", useFilters},
		{"ports that the hosting provider blocks", useBlockedPorts},
		{"facts that have grown old", useOldFacts},
		{"several routes and fallbacks", useRoutes},
		{"copy and download", useCopy},
		{"a pasted main.cf", useMainCF},
		{"explain", useExplain},
		{"a permalink that is none", useBadPermalink},
		{"nothing but the own origin", usePolicy},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.use(t, b.blank(t, base)) })
	}
	t.Run("without a network after the first load", func(t *testing.T) {
		base, stop := serve(t, built(t))
		p := b.open(t, base, form)
		p.wait("document.querySelector('.file')")
		p.eval("navigator.serviceWorker.ready.then(() => true)", nil)
		p.wait("navigator.serviceWorker.controller")
		stop()
		p.call("Page.reload", nil, nil)
		p.wait("document.querySelector('.file')")
		p.goTo("lookup.html")
		p.wait("document.querySelector('h1')")
	})
	t.Run("files before the program is there", func(t *testing.T) {
		wait := make(chan struct{})
		release := sync.OnceFunc(func() { close(wait) })
		t.Cleanup(release)
		files := http.FileServer(http.Dir(built(t)))
		base, _ := serveWith(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.Ext(r.URL.Path) == ".gz" {
				<-wait
			}
			files.ServeHTTP(w, r)
		}))
		p := b.open(t, base, "")
		p.wait("document.querySelector('.file')")
		p.want("#status", "An example, with Twilio SendGrid")
		for _, relay := range []string{"sendgrid", "ses"} {
			p.set("relay-0-0", relay)
			p.wait("document.getElementById('status').textContent.startsWith('app@example.com stands for the sender')")
			p.wait(fmt.Sprintf("document.querySelector('#result').textContent.includes('relayhost_relay: %q')", relay))
		}
		early := p.shownFiles()
		release()
		p.wait("document.body.dataset.ready")
		p.eval("document.querySelector('#result').replaceChildren(); generate()", nil)
		p.wait("document.querySelector('.file')")
		if got := p.shownFiles(); got != early || !strings.Contains(got, "default_transport = relayhost-ses") {
			t.Errorf("the program gives\n%s\nwant what came with the page:\n%s", got, early)
		}
	})
	t.Run("a server that names the encoding", func(t *testing.T) {
		files := http.FileServer(http.Dir(built(t)))
		base, _ := serveWith(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.Ext(r.URL.Path) == ".gz" {
				w.Header().Set("Content-Encoding", "gzip")
			}
			files.ServeHTTP(w, r)
		}))
		b.open(t, base, form).wait("document.querySelector('.file')")
	})
}

// shownFiles are the files that the page shows, as one text.
func (p *tab) shownFiles() (s string) {
	p.t.Helper()
	p.eval(`[...document.querySelectorAll('.file')].map((f) => f.dataset.path + '\n' + f.querySelector('pre').textContent).join('\n')`, &s)
	return s
}

func (p *tab) ready(where string) {
	p.t.Helper()
	p.goTo(where)
	p.wait("document.body && document.body.dataset.ready && document.body.dataset.form")
}

func (p *tab) want(selector, text string) {
	p.t.Helper()
	if got := p.text(selector); !strings.Contains(got, text) {
		p.t.Errorf("%s: got %.500q, want it to have %q", selector, got, text)
	}
}

func usePermalink(t *testing.T, p *tab) {
	p.ready("")
	p.set("relay-0-0", "ses")
	p.eval("document.getElementById('from-0').focus()", nil)
	p.typed("app@example.com")
	p.eval("document.getElementById('hostname').focus()", nil)
	p.typed("web.example.com")
	p.wait("document.querySelector('.file')")
	p.eval("document.getElementById('port-0-0-465').click()", nil)
	p.wait("document.querySelector('.file[data-path$=\"main.cf\"] pre').textContent.includes(':465')")
	p.wait("document.querySelector('.file[data-path$=\"relayhost.toml\"] pre').textContent.includes('app@example.com')")
	var link string
	p.eval("location.href", &link)
	first := p.shownFiles()
	if !strings.Contains(first, "default_transport = relayhost-ses-smtps:[email-smtp.") {
		t.Errorf("got %.2000s, want a default_transport to SES", first)
	}
	p.goTo(strings.TrimPrefix(link, p.base))
	p.wait("document.querySelector('.file')")
	if again := p.shownFiles(); again != first {
		t.Errorf("the permalink gives\n%s\nwant\n%s", again, first)
	}
	p.eval(`document.querySelector('.file[data-path$="/main.cf"] details summary').click()`, nil)
	p.want(`.file[data-path$="/main.cf"] details`, "Mail for other servers goes through the relay's own service")
	p.eval("scrollTo(0, 0)", nil)
	p.screen(1100, 1500, false)
	p.shoot("generate")
}

// useKeyboard goes from the top of the page to files with the keyboard alone.
func useKeyboard(t *testing.T, p *tab) {
	p.ready("")
	p.press("Tab")
	var focused string
	p.eval("document.activeElement.textContent", &focused)
	if focused != "Skip to the content" {
		t.Errorf("the first stop is %q, want the link past the header", focused)
	}
	reach := func(id string) {
		t.Helper()
		for range 60 {
			p.eval("document.activeElement.id", &focused)
			if focused == id {
				var visible bool
				p.eval("getComputedStyle(document.activeElement).outlineStyle !== 'none'", &visible)
				if !visible {
					t.Errorf("%s: got no outline with the focus, want one", id)
				}
				return
			}
			p.press("Tab")
		}
		t.Fatalf("%s: got no focus after 60 presses of Tab, want it reached", id)
	}
	reach("relay-0-0")
	p.press("ArrowDown")
	p.wait("document.getElementById('relay-0-0').value !== ''")
	reach("from-0")
	p.typed("ops@example.com")
	p.wait("document.querySelector('#result').textContent.includes('ops@example.com')")
	reach("more-summary")
	p.press("Enter")
	p.wait("document.getElementById('more').open")
}

func useFilters(t *testing.T, p *tab) {
	p.ready("")
	count := func() (n int) {
		t.Helper()
		p.eval("document.querySelectorAll('#relay-0-0 option').length", &n)
		return n
	}
	all := count()
	p.set("search", "gmail")
	p.wait(fmt.Sprintf("document.querySelectorAll('#relay-0-0 option').length < %d", all))
	p.want("#relay-0-0", "Gmail")
	p.want("#found", "of")
	p.set("search", "")
	for _, id := range []string{"only-free", "only-no_domain", "only-https", "only-mailbox"} {
		p.eval(fmt.Sprintf("document.getElementById(%q).click()", id), nil)
		if n := count(); n >= all || n < 3 {
			t.Errorf("%s leaves %d of %d choices, want at least 3", id, n, all)
		}
		p.eval(fmt.Sprintf("document.getElementById(%q).click()", id), nil)
	}
	if n := count(); n != all {
		t.Errorf("without filters there are %d choices, want %d", n, all)
	}
}

func useBlockedPorts(t *testing.T, p *tab) {
	p.ready(permalink(t, plain("debian:13", "sendgrid", 0)))
	p.wait("document.querySelector('.file')")
	p.set("hosting", "digitalocean")
	p.want("#blocked", "blocks port 25")
	p.want(".ports s", "587")
	p.want(".ports", "blocked by DigitalOcean")
	var disabled bool
	p.eval("document.getElementById('port-0-0-587').disabled", &disabled)
	if !disabled {
		t.Error("blocked port 587: got a choice that is enabled, want it disabled")
	}
	p.wait("document.querySelector('.file[data-path$=\"main.cf\"] pre').textContent.includes(':2525')")
	p.shoot("blocked")
}

// useOldFacts: of a provider whose facts are older than a year the page says so, of
// another it does not.
func useOldFacts(t *testing.T, p *tab) {
	all, err := detect.Hosts()
	if err != nil {
		t.Fatal(err)
	}
	p.ready(permalink(t, plain("debian:13", "sendgrid", 587)))
	seen := map[bool]bool{}
	for _, h := range all {
		day := h.Policy.AsOf.AsTime(time.UTC)
		old := time.Since(day) > 365*24*time.Hour
		if seen[old] || time.Since(day).Abs() < 24*time.Hour {
			continue
		}
		seen[old] = true
		p.set("hosting", h.ID)
		var text string
		p.eval("document.getElementById('blocked').textContent", &text)
		if got := strings.Contains(text, "older than a year"); got != old || !strings.Contains(text, "as of "+h.Policy.AsOf.String()) {
			t.Errorf("%s: got %q, want it marked as old: %v", h.ID, text, old)
		}
	}
	if len(seen) != 2 {
		t.Errorf("got providers with old facts or not: %v, want both", seen)
	}
}

func useRoutes(t *testing.T, p *tab) {
	p.ready(permalink(t, plain("debian:12", "sendgrid", 587)))
	p.wait("document.querySelector('.file')")
	p.want("#result", "relayhost_relay: \"sendgrid\"")
	p.want("#result", "#cloud-config")
	p.eval("document.getElementById('fallback-0').click()", nil)
	p.set("relay-0-1", "brevo")
	p.wait("document.querySelector('#result').textContent.includes('smtp_fallback_relay=[smtp-relay.brevo.com]')")
	p.eval("document.getElementById('add-route').click()", nil)
	p.set("name-1", "shop")
	p.set("senders-1", "shop.example.com")
	p.set("from-1", "shop@shop.example.com")
	p.set("relay-1-0", "mailgun")
	p.wait("document.querySelector('.file[data-path$=\"relayhost.toml\"]').textContent.includes('mailgun')")
	files := p.shownFiles()
	for _, want := range []string{"sender_dependent_default_transport_maps", "@shop.example.com relayhost-shop:[smtp.mailgun.org]:587", "from = 'shop@shop.example.com'"} {
		if !strings.Contains(files, want) {
			t.Errorf("got %s\nwant it to have %q", files, want)
		}
	}
}

func useCopy(t *testing.T, p *tab) {
	if err := p.b.call("", "Browser.grantPermissions", map[string]any{"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}, "browserContextId": p.context}, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := p.b.call("", "Browser.setDownloadBehavior", map[string]any{"behavior": "allow", "downloadPath": dir, "browserContextId": p.context}, nil); err != nil {
		t.Fatal(err)
	}
	p.ready(permalink(t, plain("debian:12", "sendgrid", 587)))
	p.wait("document.querySelector('.file')")
	p.call("Page.bringToFront", nil, nil)
	p.eval(`document.querySelector('[aria-label="Copy main.cf"]').click()`, nil)
	p.wait(`[...document.querySelectorAll('[role=status]')].some((e) => e.textContent === 'Copied.')`)
	text := p.text(`.file[data-path$="main.cf"] pre`)
	var copied string
	p.eval("navigator.clipboard.readText()", &copied)
	if copied != text+"\n" {
		t.Errorf("copied %q, want %q", copied, text+"\n")
	}
	p.eval(`document.querySelector('[aria-label="Download main.cf"]').click()`, nil)
	var data []byte
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && len(data) == 0; time.Sleep(20 * time.Millisecond) {
		data, _ = os.ReadFile(filepath.Join(dir, "main.cf")) // until it is there
	}
	if string(data) != text+"\n" {
		t.Errorf("downloaded %q, want %q", data, text+"\n")
	}
}

// useMainCF pastes what somebody hostile may have written.
func useMainCF(t *testing.T, p *tab) {
	p.ready(permalink(t, plain("debian:12", "sendgrid", 587)))
	p.wait("document.querySelector('.file')")
	paste := func(js string) {
		t.Helper()
		p.eval(fmt.Sprintf(`(() => { const e = document.getElementById('main_cf'); e.value = %s; e.dispatchEvent(new Event('input', {bubbles: true})); })()`, js), nil)
	}
	for _, tt := range []struct{ name, paste, holds string }{
		{"markup alone", `'<img src=x onerror=fault()>\n'`, `document.getElementById('problem').textContent.includes('main.cf')`},
		{"NUL", `'myhostname = a\u0000b\n'`, `document.getElementById('problem').textContent.includes('main.cf')`},
		{"markup in a value", `'myhostname = mail.example.com\nrelayhost = <script>fault()</script>\n'`, `document.getElementById('result').textContent.includes('-relayhost = <script>fault()</script>')`},
		{"a fault", `'myhostname = mail.example.com\nsmtp_sasl_auth_enable = ja\n'`, `document.getElementById('findings').textContent.includes('line 2')`},
		{"10 MB", `'# ' + 'x'.repeat(10 << 20) + '\nrelayhost = [big.example.net]\n'`, `document.getElementById('result').textContent.includes('-relayhost = [big.example.net]')`},
		{"more than 12 MiB", `'# ' + 'x'.repeat(13 << 20)`, `document.getElementById('problem').textContent.includes('longer than 12 MiB')`},
		{"nothing again", `''`, `!document.getElementById('findings') && document.querySelector('.file')`},
	} {
		paste(tt.paste)
		p.wait(tt.holds)
		var markup int
		p.eval("document.querySelectorAll('main img, main script').length", &markup)
		if markup != 0 {
			t.Errorf("%s: got %d elements of the text in the page, want 0", tt.name, markup)
		}
	}
	var link string
	p.eval("location.href", &link)
	if strings.Contains(link, "big.example") || len(link) > 2000 {
		t.Errorf("the pasted main.cf is in the permalink: got %.200s, want no %q in it", link, "big.example")
	}
}

func useExplain(t *testing.T, p *tab) {
	p.ready("#explain")
	p.press("Enter")
	p.eval("document.querySelector('#explain-form button').click()", nil)
	p.want("#explain-status", "Paste a text first")
	p.set("text", "535 Authentication Credentials Invalid")
	p.eval("document.querySelector('#explain-form button').click()", nil)
	p.wait("document.querySelector('.cause')")
	p.want(".cause h2", "ses_credentials_invalid")
	p.want(".cause dl", "What to do")
	p.shoot("explain")
	p.set("text", "something that <b>nobody</b> has heard of: 599 9.9.9 zyx")
	p.eval("document.querySelector('#explain-form button').click()", nil)
	p.wait("document.querySelector('#answer').textContent.includes('nobody')")
	var markup int
	p.eval("document.querySelectorAll('#answer b').length", &markup)
	if markup != 0 {
		t.Errorf("got %d elements of the text in the page, want 0", markup)
	}
}

func useBadPermalink(t *testing.T, p *tab) {
	for _, hash := range []string{"#f=%7B", `#f={"routes":[{"hops":[null,{"relay":"<b>"}]}],"distribution":7}`, `#f={"routes":[null]}`, "#relay=<b>", "#f=%"} {
		p.ready(hash)
		p.set("search", "")
	}
	p.set("relay-0-0", "brevo")
	p.set("from-0", "app@example.com")
	p.wait("document.querySelector('.file')")
}

// usePolicy shows that the policy and this test's own watch work: what they forbid is
// tried, refused and noticed.
func usePolicy(t *testing.T, p *tab) {
	p.ready("")
	if err := p.try("fetch('http://127.0.0.1:9/').then(() => true)", nil); err == nil {
		t.Error("fetch from another origin: got no error, want it refused")
	}
	p.eval(`(() => { const s = document.createElement('script'); s.textContent = 'window.injected = true'; document.body.append(s);
		const i = document.createElement('img'); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i); })()`, nil)
	var injected bool
	p.eval("Boolean(window.injected)", &injected)
	if injected {
		t.Error("script that was added to the page: got it run, want it refused")
	}
	time.Sleep(100 * time.Millisecond)
	refused := 0
	for _, f := range p.taken() {
		if strings.Contains(f, "Content Security Policy") {
			refused++
		}
	}
	if refused < 3 {
		t.Errorf("%d violations of the policy were noticed, want 3", refused)
	}
}

// TestLabPageLooks holds every kind of page, in light and dark, against axe-core, and
// against the width of a phone.
func TestLabPageLooks(t *testing.T) {
	t.Parallel()
	base, _ := serve(t, built(t))
	b, axe := chromium(t), axeCore(t)
	form := permalink(t, plain("debian:12", "sendgrid", 587))
	p := b.blank(t, base)
	p.call("Page.setBypassCSP", map[string]any{"enabled": true}, nil) // axe-core is no script of the site
	for _, where := range []string{form, "#explain", "lookup.html", "relay/ses.html", "hosting/digitalocean.html", "reply/ses-ses-credentials-invalid.html"} {
		name := where
		if where == form {
			name = "files"
		}
		schemes := []string{"light", "dark"}
		if strings.Contains(where, "/") && os.Getenv("LAB_FULL") == "" {
			schemes = schemes[:1] // the style sheet is that of the others
		}
		for _, scheme := range schemes {
			t.Run(name+" "+scheme, func(t *testing.T) {
				p.t = t
				p.screen(1280, 900, false)
				p.scheme(scheme)
				p.goTo(where)
				switch where {
				case form:
					p.wait("document.querySelector('.file')")
				case "#explain":
					p.wait("document.body && document.body.dataset.ready")
					p.set("text", "535 Authentication Credentials Invalid")
					p.eval("document.querySelector('#explain-form button').click()", nil)
					p.wait("document.querySelector('.cause')")
				default:
					p.wait("document.readyState === 'complete' && document.querySelector('h1')")
				}
				p.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })", nil)
				p.eval(axe, nil)
				var found []string
				p.eval(`axe.run().then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)).map((v) => v.id + ': ' + v.nodes[0].html))`, &found)
				for _, f := range found {
					t.Errorf("axe: got %s, want no violation that is serious or critical", f)
				}
				p.shoot(strings.NewReplacer("/", "-", "#", "", ".html", "").Replace(name) + "-" + scheme)
				p.screen(360, 740, true)
				var wide int
				p.eval("document.documentElement.scrollWidth", &wide)
				if wide > 360 {
					t.Errorf("%d pixels wide on a phone of 360, want at most 360", wide)
				}
				p.shoot(strings.NewReplacer("/", "-", "#", "", ".html", "").Replace(name) + "-" + scheme + "-phone")
			})
		}
	}
	p.t = t
	p.goTo("lookup.html")
	p.wait("document.querySelector('h1')")
	p.eval(`document.body.insertAdjacentHTML('beforeend', '<input><p style="color:#ccc;background:#fff">pale</p>')`, nil)
	p.eval(axe, nil)
	var found []string
	p.eval(`axe.run().then((r) => r.violations.map((v) => v.id))`, &found)
	if !slices.Contains(found, "label") || !slices.Contains(found, "color-contrast") {
		t.Errorf("axe-core finds %q in a field without a label and in pale text, want %q in it and %q in it", found, "label", "color-contrast")
	}
}

func permalink(t *testing.T, form web.Form) string {
	t.Helper()
	text, err := json.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	return "#f=" + strings.ReplaceAll(string(text), `"`, "%22")
}
