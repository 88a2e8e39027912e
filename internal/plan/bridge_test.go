package plan_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/lint"
	"relayhost/internal/oauth"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
)

// signedIn is the hop of a mailbox that an application signs in to.
func signedIn(t *testing.T, user string) config.Hop {
	t.Helper()
	h := hop(t, "m365", 587, user)
	h.Password = secret.Value{}
	h.Via = config.SMTPOAuth
	h.SignIn = config.SignIn{Grant: oauth.ClientCredentials, Tenant: "contoso.example", ClientID: "7f3a-app", Secret: secret.New("Gehe1mClient~42")}
	return h
}

// bridgeHost is where the bridge's program and user are on the servers of these tests.
var bridgeHost = plan.Bridge{Program: "/usr/bin/relayhost", GID: 991}

func bridged(t *testing.T, s *server, c config.Config) plan.Plan {
	t.Helper()
	p, err := plan.Build(plan.Server{State: s.state(t), Bridge: bridgeHost}, c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown is what p would do, and its notes.
func shown(p plan.Plan) string {
	text := diff.Plan(p, diff.Style{})
	for _, note := range p.Notes {
		text += "note: " + note + "\n"
	}
	return text
}

// file is the planned file at path.
func file(t *testing.T, p plan.Plan, path string) plan.File {
	t.Helper()
	i := slices.IndexFunc(p.Files, func(f plan.File) bool { return f.Path == path })
	if i < 0 {
		t.Fatalf("got no file %s in the plan, want it", path)
	}
	return p.Files[i]
}

func TestBridgeGolden(t *testing.T) {
	s := debian(t)
	compare(t, "bridge/m365", shown(bridged(t, s, routed(signedIn(t, "app@contoso.example")))))
	news := route("news", []string{"news.example"}, signedIn(t, "news@contoso.example"))
	compare(t, "bridge/routes", shown(bridged(t, debian(t), routed(hop(t, "ses", 587, "AKIA"), news))))
}

// The configuration that the bridge reads is the one that was asked for, for its
// user alone; and a second plan changes nothing.
func TestBridgeConfig(t *testing.T) {
	s := debian(t)
	c := routed(signedIn(t, "app@contoso.example"))
	p := bridged(t, s, c)
	f := file(t, p, "/var/lib/postfix-relayhost-bridge/m365.conf")
	if f.Mode != 0o640 || f.UID != 0 || f.GID != 991 || f.Group != "relayhost" || !f.Secret {
		t.Errorf("got mode %o, owner %d:%d (%s), secret %v; want 640, 0:991 (relayhost), true", f.Mode, f.UID, f.GID, f.Group, f.Secret)
	}
	got, err := conf.Parse(f.After)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != "smtp.office365.com" || got.Port != 587 || got.Username != "app@contoso.example" || got.Connections != 3 ||
		got.OAuth.TokenURL != "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token" || got.OAuth.Secret.Reveal() != "Gehe1mClient~42" {
		t.Errorf("got %+v with %+v, want smtp.office365.com:587 as app@contoso.example, 3 connections, the token URL of contoso.example and the secret as given",
			got, got.OAuth)
	}
	for _, f := range p.Files {
		if f.Path != conf.ConfigPath(conf.Directory, "m365") && bytes.Contains(f.After, []byte("Gehe1mClient~42")) {
			t.Errorf("%s: got the secret in it, want it left out", f.Path)
		}
	}
	s.apply(p)
	if again := bridged(t, s, c); again.Changed() {
		t.Errorf("second plan: got changes, want none:\n%s", shown(again))
	}

	// Back to a relay with a password nothing of the bridge stays.
	back := bridged(t, s, routed(hop(t, "ses", 587, "AKIA")))
	if got := file(t, back, f.Path).Action; got != plan.Remove {
		t.Errorf("configuration of the bridge: got %q, want it removed", got)
	}
	if text := string(file(t, back, masterPath).After); strings.Contains(text, "spawn") {
		t.Errorf("got\n%s\nwant no bridge", text)
	}
}

// What is planned is sound in the eyes of the check that every setup and every
// verify does; what was changed since is not.
func TestBridgeStaged(t *testing.T) {
	s := debian(t)
	p := bridged(t, s, routed(signedIn(t, "app@contoso.example"), route("news", []string{"news.example"}, signedIn(t, "news@contoso.example"))))
	s.apply(p)
	check := func() []lint.Finding {
		staged := postfix.Staged{State: s.state(t), Defaults: map[string]string{}}
		for _, w := range p.Routes {
			staged.Meant = append(staged.Meant, w.Staged())
		}
		return slices.DeleteFunc(postfix.Check(staged), func(f lint.Finding) bool { return f.Severity != lint.Error })
	}
	if got := check(); len(got) > 0 {
		t.Errorf("got %v, want no problem", got)
	}
	for _, test := range []struct{ name, old, new, want string }{
		{"no program", "relayhost-m365-oauth-out unix", "somebody-else unix", "there is no service relayhost-m365-oauth-out"},
		{"a socket for everybody", "relayhost-m365-oauth-out unix  -", "relayhost-m365-oauth-out unix  n", "is public"},
		{"TLS", "lmtp_tls_security_level=none", "lmtp_tls_security_level=encrypt", "neither TLS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			was := s.files[masterPath]
			defer func() { s.files[masterPath] = was }()
			s.files[masterPath] = strings.Replace(was, test.old, test.new, 1)
			if got := check(); len(got) == 0 || !strings.Contains(got[0].Detail, test.want) {
				t.Errorf("got %v, want %q", got, test.want)
			}
		})
	}
}

// A bridge under systemd has its units, mail goes to their socket, and all of it goes
// with the setup; a host without systemd is refused.
func TestBridgeUnits(t *testing.T) {
	h := signedIn(t, "app@contoso.example")
	h.BridgeService = true
	s := debian(t)
	if _, err := plan.Build(plan.Server{State: s.state(t), Bridge: bridgeHost}, routed(h)); err == nil || !strings.Contains(err.Error(), "does not run systemd") {
		t.Errorf("without systemd: got %v, want a refusal", err)
	}
	with := bridgeHost
	with.Systemd = true
	p, err := plan.Build(plan.Server{State: s.state(t), Bridge: with}, routed(h))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "bridge/units", shown(p))
	if got, want := p.Default().Socket(), "private/relayhost-m365-oauth-service"; got != want {
		t.Errorf("socket: got %s, want %s", got, want)
	}
	after := s.state(t)
	load := func(p plan.Plan) {
		for _, f := range p.Files {
			switch f.Path {
			case "/etc/postfix/main.cf":
				after.Main, _ = postfix.ParseMain(f.After)
			case "/etc/postfix/master.cf":
				after.Master, _ = postfix.ParseMaster(f.After)
			}
			after.Maps[f.Path] = f.After
		}
	}
	load(p)
	again, err := plan.Build(plan.Server{State: after, Bridge: with}, routed(h))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range again.Files {
		if _, ok := plan.IsUnit(f.Path); ok && f.Action != plan.Unchanged {
			t.Errorf("a second plan: got %s of %s, want none", f.Action, f.Path)
		}
	}
	h.BridgeService = false
	back, err := plan.Build(plan.Server{State: after, Bridge: with}, routed(h))
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, f := range back.Files {
		if strings.HasPrefix(f.Path, "/etc/systemd/system/") && f.Action == plan.Remove {
			removed++
		}
	}
	if removed != 3 {
		t.Errorf("without the flag: got %d units removed, want 3", removed)
	}
}

// TestBridgeOfInstance: each instance of Postfix has bridges of its own names. What an
// earlier version called alike in two is taken apart by the setup of the second, which
// leaves the files to the first; the first may not take them over before.
func TestBridgeOfInstance(t *testing.T) {
	c := routed(signedIn(t, "app@contoso.example"))
	names := map[string]string{}
	for _, row := range []struct{ name, dir, want string }{
		{"the default", "/etc/postfix", "m365"},
		{"the default, with a slash", "/etc/postfix/", "m365"},
		{"beside the default", "/etc/postfix-out", "m365_postfix-out"},
		{"elsewhere", "/srv/postfix-out", "m365_747bf974"},
		{"with a space", "/etc/Postfix Out", "m365_650d8d98"},
		{"named like a rehearsal", "/etc/rehearsal", "m365_95596a50"},
		{"too long", "/etc/postfix-" + strings.Repeat("x", 50), "b417fba6cb9742b23af089bc801fbd81"},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := debian(t).state(t)
			state.ConfigDir = row.dir
			p, err := plan.Build(plan.Server{State: state, Bridge: bridgeHost}, c)
			if err != nil {
				t.Fatal(err)
			}
			got := p.Bridges()
			if len(got) != 1 || got[0].Name != row.want || got[0].Bridge() != row.want || !conf.ValidName(conf.RehearsalName(got[0].Name)) || conf.IsRehearsal(got[0].Name) {
				t.Errorf("%s: got the bridges %v, want one, %s, with a valid name for its rehearsal", row.dir, got, row.want)
			}
			if dir := filepath.Clean(row.dir); names[row.want] != "" && names[row.want] != dir {
				t.Errorf("%s: got the name %s of %s", dir, row.want, names[row.want])
			}
			names[row.want] = filepath.Clean(row.dir)
		})
	}

	s := debian(t)
	s.apply(bridged(t, s, c)) // under the name that an earlier version gave in every instance
	state := s.state(t)
	state.ConfigDir = "/etc/postfix-out"
	for _, row := range []struct {
		name  string
		other map[string]string
		want  plan.Action
	}{{"alone", nil, plan.Remove}, {"beside another", map[string]string{"m365": "/etc/postfix"}, ""}} {
		t.Run(row.name, func(t *testing.T) {
			host := bridgeHost
			host.Elsewhere = row.other
			p, err := plan.Build(plan.Server{State: state, Bridge: host}, c)
			if err != nil {
				t.Fatalf("got the error %v, want none", err)
			}
			var got plan.Action
			for _, f := range p.Files {
				if f.Path == conf.ConfigPath(conf.Directory, "m365") {
					got = f.Action
				}
			}
			if got != row.want {
				t.Errorf("the former configuration: got %q, want %q", got, row.want)
			}
		})
	}
	host := bridgeHost
	host.Elsewhere = map[string]string{"m365": "/etc/postfix-out"}
	var conflict *plan.Conflict
	if _, err := plan.Build(plan.Server{State: s.state(t), Bridge: host}, c); !errors.As(err, &conflict) || !strings.Contains(conflict.Hint, "--config-dir /etc/postfix-out") {
		t.Errorf("the first before the second: got %v, want a conflict with /etc/postfix-out", err)
	}
}
