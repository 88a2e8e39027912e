//go:build lab

package cmd_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"relayhost/internal/lab"
	"relayhost/internal/smtpd"
	"relayhost/internal/verify"
)

// routeFindings are "check:result[:cause]" of the findings on a route, and their
// details.
func routeFindings(r verify.Report, route string, checks ...string) (list []string, details string) {
	for _, f := range r.Findings {
		if f.Route != route || len(checks) > 0 && !slices.Contains(checks, f.Check) {
			continue
		}
		word := f.Check + ":" + string(f.Result)
		if f.Cause != "" {
			word += ":" + f.Cause
		}
		list = append(list, word)
		details += f.Detail + "\n"
	}
	return list, details
}

// TestLabVerifyRoutes: verify proves each of three routes and a fallback, and
// names the one that is broken.
func TestLabVerifyRoutes(t *testing.T) {
	t.Parallel()
	l := threeLab(t)
	s := l.Server
	s.WriteFile(answersPath, strings.Replace(threeServices, "\n[rewrite]", "\n[[fallback]]\nport = 2587\n\n[rewrite]", 1), 0o644)
	if res := l.Run("relayhost", "setup", "--yes", "--json"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s\n%s", res, s.MailLog())
	}
	ask := func(code int, args ...string) verify.Report {
		t.Helper()
		res := l.Run(append([]string{"relayhost", "verify", "--json"}, args...)...)
		if res.Code != code {
			t.Errorf("%q: exit code %d, want %d\n%s", args, res.Code, code, res)
		}
		valid(t, "verify", res.Stdout)
		return decode[verify.Report](t, res)
	}
	want := func(r verify.Report, route, checks, all string) string {
		t.Helper()
		got, details := routeFindings(r, route, strings.Fields(checks)...)
		if strings.Join(got, " ") != all {
			t.Errorf("%s:\ngot  %s\nwant %s\n%s", route, strings.Join(got, " "), all, details)
		}
		return details
	}
	const ladder = "service tls auth delivery"
	const sound = "service:pass tls:pass auth:pass delivery:pass"

	arrived := func() (n int) {
		for _, id := range []string{"ses", "postmark", "brevo"} {
			n += len(l.World.Relay(id).Mailbox())
		}
		return n
	}
	before := arrived()
	r := ask(0)
	details := want(r, "default", ladder, "service:pass tls:pass tls:pass auth:pass auth:pass delivery:pass delivery:pass")
	if !strings.Contains(details, "fallback email-smtp.eu-west-1.amazonaws.com:2587 accepts mail from app@example.com to you@example.net") {
		t.Errorf("the fallback: got\n%s\nwant %q in it", details, "fallback email-smtp.eu-west-1.amazonaws.com:2587 accepts mail from app@example.com to you@example.net")
	}
	want(r, "shop", ladder, sound)
	want(r, "blog", ladder, sound)
	if n := arrived() - before; n != 3 {
		t.Errorf("%d messages were sent, want one for each route", n)
	}

	r = ask(0, "--route", "shop")
	want(r, "shop", ladder, sound)
	want(r, "blog", "", "")
	if res := l.Run("relayhost", "verify", "--route", "nope"); res.Code != 64 || !strings.Contains(res.Stderr, "default, shop, blog") {
		t.Errorf("an unknown route: want exit code 64 and %q in stderr, got %s", "default, shop, blog", res)
	}

	brevo := l.World.Relay("brevo")
	var accounts []smtpd.Account
	brevo.Configure(func(c *smtpd.Config) { accounts, c.Accounts = c.Accounts, nil })
	refused := brevo.Counters().Refusals
	r = ask(3)
	want(r, "default", "delivery", "delivery:pass delivery:pass")
	want(r, "shop", ladder, sound)
	want(r, "blog", "auth delivery", "auth:fail:auth_535_generic delivery:skip")
	if n := brevo.Counters().Refusals - refused; n != 1 {
		t.Errorf("%d wrong log-ins, want 1", n)
	}
	text := l.Run("relayhost", "verify", "--no-send")
	for line := range strings.Lines(text.Stdout) {
		if utf8.RuneCountInString(line) > 81 && len(strings.Fields(line)) > 3 {
			t.Errorf("got a line wider than 80 columns, want none: %s", line)
		}
	}
	if !strings.Contains(text.Stdout, "\n\nroute blog\n") || strings.Count(text.Stdout, "route blog\n") != 1 {
		t.Errorf("not grouped: got\n%s\nwant %q in it", text.Stdout, "\n\nroute blog\n")
	}
	metrics := l.Run("relayhost", "verify", "--no-send", "--prometheus", "-")
	if !strings.Contains(metrics.Stdout, `{check="auth",result="fail",cause="auth_535_generic",route="blog"} 1`) {
		t.Errorf("metrics: want %q in stdout, got %s", `{check="auth",result="fail",cause="auth_535_generic",route="blog"} 1`, metrics)
	}
	brevo.Configure(func(c *smtpd.Config) { c.Accounts = accounts })

	l.World.Block(2587, lab.Reset, lab.Both)
	r = ask(0, "--route", "default")
	details = want(r, "default", "connect delivery", "connect:pass connect:pass connect:pass connect:warn:net_refused delivery:pass")
	if !strings.Contains(details, "fallback email-smtp.eu-west-1.amazonaws.com:2587: ") {
		t.Errorf("the dead fallback is not named: got\n%s\nwant %q in it", details, "fallback email-smtp.eu-west-1.amazonaws.com:2587: ")
	}
	l.World.NoRules()

	// Another route's service takes the mail: sent, and yet not proven.
	s.Shell(`file=$(postconf -hx sender_dependent_default_transport_maps | sed 's/^[a-z]*://; s/[ ,].*//')
sed -i 's/relayhost-shop:[^ ]*/relayhost-blog:[smtp-relay.brevo.com]:587/' "$file" && postmap "$file" && postfix reload`)
	r = ask(3, "--route", "shop")
	details = want(r, "shop", "service delivery", "service:fail:override_elsewhere delivery:fail:override_elsewhere")
	if !strings.Contains(details, "smtp-relay.brevo.com") {
		t.Errorf("the other way is not named: got\n%s\nwant %q in it", details, "smtp-relay.brevo.com")
	}
	if queue := strings.TrimSpace(s.Queue()); queue != "" {
		t.Errorf("left in the queue: got %s, want none", queue)
	}
}

// TestLabManyRoutes: what many routes have in common verify tells once, and the document has
// all of it; a dry run shows of a renamed sender among them where mail of the old one goes then.
func TestLabManyRoutes(t *testing.T) {
	t.Parallel()
	opts := []lab.Option{lab.Relay("sendgrid")}
	for _, id := range fourServices {
		opts = append(opts, lab.Relay(id))
	}
	l := newLab(t, opts...)
	s := l.Server
	accountFiles(l, s)
	const n = 40
	file := strings.Replace(routesFile(n), "port = 587\n", "port = 587\nto = \"you@example.net\"\n", 1)
	s.WriteFile(answersPath, file, 0o644)
	if res := l.Run("relayhost", "setup", "--yes", "--no-probe", "--no-verify"); res.Code != 0 {
		t.Fatalf("setup: want exit code 0, got %s", res)
	}
	l.World.Relay("brevo").Configure(func(c *smtpd.Config) { c.Accounts = nil })
	res := l.Run("relayhost", "verify", "--no-send")
	if res.Code != 3 || strings.Count(res.Stdout, "\n") > 60 {
		t.Errorf("got %d lines, want at most 60, and exit code 3: %s", strings.Count(res.Stdout, "\n"), res)
	}
	for _, want := range []string{
		"\n\n41 routes (relayhost verify --route NAME shows one, --json all)\n", "\npass  service      41 routes\n", "\npass  auth         31 routes\n",
		"\n                   routes: r00001, r00005, r00009, r00013, r00017 and 5 others\n                   do: ",
	} {
		if !strings.Contains(res.Stdout, want) {
			t.Errorf("got\n%s\nwant %q in it", res.Stdout, want)
		}
	}
	res = l.Run("relayhost", "verify", "--no-send", "--json")
	valid(t, "verify", res.Stdout)
	refused := 0
	for _, f := range decode[verify.Report](t, res).Findings {
		if f.Check == "auth" && f.Result == verify.Fail {
			refused++
		}
	}
	if refused != n/len(fourServices) {
		t.Errorf("--json: got %d routes whose login is refused, want %d", refused, n/len(fourServices))
	}

	s.WriteFile(answersPath, strings.Replace(file, `"d00038.example"`, `"new.example"`, 1), 0o644)
	text := l.Run("relayhost", "setup", "--dry-run", "--no-probe").Stdout
	for _, want := range []string{
		"  senders of the route r00038: now to [smtp.sendgrid.net]:587 (verified TLS, as ",
		"  senders removed from the routes (somebody@d00038.example): now to [smtp.mailgun.org]:587 (verified TLS, as ",
	} {
		_, line, ok := strings.Cut(text, want)
		if line, _, _ = strings.Cut(line, "\n"); !ok || !strings.Contains(line, ", then to [") {
			t.Errorf("got\n%.2000s\nwant a line with %q and where it goes then", text, want)
		}
	}
}
