package verify

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"relayhost/internal/config"
	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/internal/smtpprobe"
	"relayhost/relays"
)

// service is a relay on loopback ports.
type service struct {
	*smtpd.Server
	starttls, implicit int
	ca                 *smtpd.CA
	pin                string // of the certificate
}

func relay(t *testing.T) service {
	t.Helper()
	ca, err := smtpd.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue("relay.test")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	s := service{ca: ca, pin: smtpprobe.Fingerprint(leaf), Server: smtpd.New(smtpd.Config{Name: "relay.test", TLS: smtpd.ServerTLS(cert),
		Accounts: []smtpd.Account{{Username: "user", Password: secret.New("right")}}})}
	for implicit, to := range map[bool]*int{false: &s.starttls, true: &s.implicit} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Start(l, implicit)
		*to = l.Addr().(*net.TCPAddr).Port
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// ofRoot is the owner of every file of a host.
func ofRoot(string) (uid, gid int) { return 0, 0 }

// env is a sound host in front of s.
func (s service) env(t *testing.T) Env {
	t.Helper()
	master, err := postfix.ParseMaster([]byte("smtp inet n - y - - smtpd\nrelayhost-x unix - - n - - smtp\n  -o smtp_tls_security_level=secure\n  -o smtp_sasl_tls_verified_security_options=noanonymous\n"))
	if err != nil {
		t.Fatal(err)
	}
	nextHop := fmt.Sprintf("[relay.test]:%d", s.starttls)
	return Env{
		Reader: &host.Reader{Root: t.TempDir(), Owner: ofRoot},
		State: postfix.State{Installed: true, Running: true, ConfigDir: "/etc/postfix", QueueDir: "/var/spool/postfix", FQDN: "host.example.com", Master: master,
			Params: map[string]string{"relayhost": nextHop, "default_transport": "relayhost-x", "smtp_tls_security_level": "secure",
				"smtp_helo_name": "host.example.com", "inet_interfaces": "loopback-only", "compatibility_level": "3.6"}},
		Routes: []Route{{Name: config.DefaultRoute, Service: "relayhost-x", From: "a@example.com", Hops: []Hop{{Hop: config.Hop{
			Relay: &relays.Relay{ID: "x", Name: "X", Ports: []relays.Port{{Port: s.starttls, TLS: relays.StartTLS}, {Port: s.implicit, TLS: relays.Implicit}}},
			Host:  "relay.test", Port: s.starttls, TLS: relays.StartTLS, Username: "user", Password: secret.New("right"),
		}, Roots: s.ca.Pool()}}}},
		To:       "b@example.com",
		Resolver: zone(t, "relay.test. 60 IN A 127.0.0.1", txt("example.com", "v=spf1 -all"), txt("_dmarc.example.com", "v=DMARC1; p=none")),
		Plan:     &plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Unchanged}}},
	}
}

func find(r Report, check string) (findings []Finding) {
	for _, f := range r.Findings {
		if f.Check == check {
			findings = append(findings, f)
		}
	}
	return findings
}

// summary is "check:result[:cause] ..." of the checks named.
func summary(r Report, checks ...string) string {
	var list []string
	for _, f := range r.Findings {
		if slices.Contains(checks, f.Check) {
			s := f.Check + ":" + string(f.Result)
			if f.Cause != "" {
				s += ":" + f.Cause
			}
			list = append(list, s)
		}
	}
	return strings.Join(list, " ")
}

func TestRunOnASoundHost(t *testing.T) {
	s := relay(t)
	var shown atomic.Int32
	r := Run(t.Context(), s.env(t), Options{NoSend: true, Found: func(Finding) { shown.Add(1) }})
	if got := summary(r, "config", "maps", "service", "drift", "dns", "connect", "tls", "auth", "relay_access"); got !=
		"config:pass maps:skip service:pass drift:pass dns:pass connect:pass connect:pass tls:pass auth:pass relay_access:pass" {
		t.Errorf("got %s, want %q\n%+v", got, "config:pass maps:skip service:pass drift:pass dns:pass connect:pass connect:pass tls:pass auth:pass relay_access:pass", r.Findings)
	}
	if tls := find(r, "tls"); len(tls) != 1 || !strings.HasSuffix(tls[0].Detail, "verified for relay.test; it offers PIPELINING, 8BITMIME; it does not offer SMTPUTF8, SIZE") {
		t.Errorf("got %+v, want one finding whose detail ends in %q",
			tls, "verified for relay.test; it offers PIPELINING, 8BITMIME; it does not offer SMTPUTF8, SIZE")
	}
	if int(shown.Load()) != len(r.Findings) || r.Version != 1 {
		t.Errorf("got %d findings shown, %d in the report and version %d, want as many in both and version 1", shown.Load(), len(r.Findings), r.Version)
	}
	if c := s.Counters(); c.Logins != 1 || c.Refusals != 0 || c.Connections != 2 {
		t.Errorf("got %+v, want 2 connections, 1 login and no refusal", c)
	}
	offline := Run(t.Context(), s.env(t), Options{Offline: true})
	if len(find(offline, "dns"))+len(find(offline, "connect"))+len(find(offline, "delivery"))+len(find(offline, "spf")) != 0 {
		t.Errorf("offline: got %+v, want none of dns, connect, delivery and spf", offline.Findings)
	}
}

func TestLadder(t *testing.T) {
	closed := func() int {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return l.Addr().(*net.TCPAddr).Port
	}()
	tests := []struct {
		name   string
		change func(*Env, service)
		want   string
		logins smtpd.Counters // Logins and Refusals are compared
	}{
		{"wrong password", func(e *Env, _ service) { e.First().Password = secret.New("wrong") },
			"dns:pass connect:pass connect:pass tls:pass auth:fail:auth_535_generic", smtpd.Counters{Refusals: 1}},
		{"configured port is dead", func(e *Env, _ service) { e.First().Port = closed },
			"dns:pass connect:fail:net_refused connect:pass connect:pass auth:pass", smtpd.Counters{Logins: 1}},
		{"wrong name", func(e *Env, _ service) {
			e.First().Host = "alias.test"
			e.Resolver = zone(t, "alias.test. 60 IN A 127.0.0.1")
		}, "dns:pass connect:pass connect:skip:tls_name_mismatch tls:fail:tls_name_mismatch", smtpd.Counters{}},
		{"nobody trusts it", func(e *Env, _ service) { e.First().Roots = nil },
			"dns:pass connect:pass connect:skip:tls_untrusted_issuer tls:fail:tls_untrusted_issuer", smtpd.Counters{}},
		{"no such name", func(e *Env, _ service) { e.Resolver = zone(t) }, "dns:fail:dns_nxdomain", smtpd.Counters{}},
		{"resolver fails", func(e *Env, _ service) { e.First().Host = "servfail.test" }, "dns:fail:dns_chroot_resolv", smtpd.Counters{}},
		{"STARTTLS stripped", func(_ *Env, s service) {
			s.Configure(func(c *smtpd.Config) { c.NoSTARTTLS = true; c.AuthWithoutTLS = true })
		},
			"dns:pass connect:pass connect:pass tls:fail:tls_not_offered auth:pass", smtpd.Counters{Logins: 1}},
		{"no credentials", func(e *Env, _ service) { e.First().Username = "" },
			"dns:pass connect:pass connect:pass tls:pass auth:skip", smtpd.Counters{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := relay(t)
			env := s.env(t)
			tt.change(&env, s)
			r := Run(t.Context(), env, Options{NoSend: true})
			if got := summary(r, "dns", "connect", "tls", "auth"); got != tt.want {
				t.Errorf("got  %s\nwant %s\n%+v", got, tt.want, find(r, "connect"))
			}
			for _, f := range r.Findings {
				if f.Result == Fail && f.Remedy == "" {
					t.Errorf("%s, cause %q: got no remedy, want one in a failure", f.Check, f.Cause)
				}
				if strings.Contains(fmt.Sprint(f), "right") {
					t.Errorf("%s: got the password in the finding, want none of it", f.Check)
				}
			}
			if c := s.Counters(); c.Logins != tt.logins.Logins || c.Refusals != tt.logins.Refusals {
				t.Errorf("%d logins and %d refusals, want %d and %d", c.Logins, c.Refusals, tt.logins.Logins, tt.logins.Refusals)
			}
		})
	}
}

func TestDeadPortNamesTheOthers(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	env.First().Port = 1
	for _, f := range Run(t.Context(), env, Options{NoSend: true}).Findings {
		if f.Check == "connect" && f.Result == Fail {
			if !strings.HasPrefix(f.Command, "relayhost setup --port ") || !strings.Contains(f.Remedy, fmt.Sprint(s.implicit)) {
				t.Errorf("got %+v, want a command that begins with %q and %d in the remedy", f, "relayhost setup --port ", s.implicit)
			}
			return
		}
	}
	t.Error("connect: got no failure for the dead port 1, want one")
}

func TestSilentPortHoldsNobodyUp(t *testing.T) {
	s := relay(t)
	env := s.env(t)
	release := make(chan struct{})
	slow := s.implicit
	env.Probe = func(ctx context.Context, target smtpprobe.Target) smtpprobe.Result {
		if int(target.Addr.Port()) == slow {
			<-release
		}
		return smtpprobe.Probe(ctx, target)
	}
	// Nothing else is shown before the silent port is let go: the test would
	// hang if it were waited for.
	seen := make(chan string, 100)
	go Run(context.WithoutCancel(t.Context()), env, Options{NoSend: true, Found: func(f Finding) { seen <- f.Check }})
	for want := map[string]bool{"dns": true, "config": true, "spf": true, "connect": true, "tls": true, "auth": true}; len(want) > 0; {
		select {
		case check := <-seen:
			delete(want, check)
		case <-time.After(5 * time.Second):
			t.Fatalf("not shown: %v", want)
		}
	}
	close(release)
}

func TestCredentialsDecide(t *testing.T) {
	causes := explain.Text("535 Authentication Credentials Invalid", nil)
	for password, want := range map[string]string{strings.Repeat("x", 40): "ses_iam_secret", "B" + strings.Repeat("x", 43): "ses_credentials_invalid"} {
		t.Run(want, func(t *testing.T) {
			hop := Hop{Hop: config.Hop{Relay: &relays.Relay{ID: "ses"}, Password: secret.New(password)}}
			if got := explain.Decide(causes, credentialSigns(hop))[0].ID; got != want {
				t.Errorf("a password of %d: %s, want %s", len(password), got, want)
			}
		})
	}
}

func TestMaps(t *testing.T) {
	tests := []struct {
		name  string
		write func(root string)
		want  string
	}{
		{"never compiled", func(root string) { put(t, root, "sasl_passwd", 0o600, 0) }, "maps:fail:map_db_missing"},
		{"older than its source", func(root string) {
			put(t, root, "sasl_passwd", 0o600, 0)
			put(t, root, "sasl_passwd.db", 0o600, -time.Hour)
		}, "maps:fail:map_db_stale"},
		{"others can read", func(root string) {
			put(t, root, "sasl_passwd", 0o600, 0)
			put(t, root, "sasl_passwd.db", 0o644, 0)
		}, "maps:fail:secret_world_readable"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.MkdirAll(filepath.Join(root, "etc/postfix"), 0o755); err != nil {
				t.Fatal(err)
			}
			tt.write(root)
			r := &run{Env: Env{Reader: &host.Reader{Root: root, Owner: ofRoot}, State: postfix.State{Installed: true,
				Params: map[string]string{"smtp_sasl_password_maps": "hash:/etc/postfix/sasl_passwd"}}, Routes: []Route{{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{}}}}}}}}
			if got := summary(NewReport(r.maps(t.Context(), r.routeChecks())), "maps"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func put(t *testing.T, root, name string, mode os.FileMode, age time.Duration) {
	t.Helper()
	path := filepath.Join(root, "etc/postfix", name)
	if err := os.WriteFile(path, []byte("x"), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestServiceAndDrift(t *testing.T) {
	s := relay(t)
	tests := []struct {
		name   string
		change func(*Env)
		want   string
	}{
		{"down", func(e *Env) { e.State.Running = false }, "service:fail:postfix_down"},
		{"no relay", func(e *Env) { e.State.Params["relayhost"], e.Plan = "", nil }, "service:fail:relayhost_not_set"},
		{"a setup bypassed", func(e *Env) { e.State.Params["relayhost"] = "" }, "service:fail:override_elsewhere"},
		{"a setup bypassed, and read without root", func(e *Env) { e.State.Params["relayhost"], e.Plan, e.Limited = "", nil, true }, "service:fail:override_elsewhere"},
		{"a setup bypassed by all but some senders", func(e *Env) {
			e.State.Params["relayhost"], e.State.Params["sender_dependent_relayhost_maps"] = "", "inline:{@shop.test=[smtp.shop.test]:587}"
		}, "service:fail:override_elsewhere"},
		{"no entry", func(e *Env) { e.State.Params["default_transport"] = "gone" }, "service:fail:service_missing"},
		{"a setup bypassed, beside its relayhost", func(e *Env) {
			e.State.Params["default_transport"] = "error"
			e.State.Master, _ = postfix.ParseMaster(append(e.State.Master.Bytes(), "error unix - - y - - error\n"...))
		}, "service:fail:override_elsewhere"},
		{"another relay", func(e *Env) { e.State.Params["relayhost"] = "[other.test]:587" }, "service:fail:override_elsewhere"},
		{"not installed", func(e *Env) { e.State = postfix.State{} }, "service:skip"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := s.env(t)
			tt.change(&env)
			r := &run{Env: env}
			if got := summary(NewReport(r.services(t.Context(), r.routeChecks())), "service"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	r := &run{Env: Env{Plan: &plan.Plan{Files: []plan.File{{Path: "/etc/postfix/main.cf", Action: plan.Modify}}}}}
	if f := r.drift(t.Context())[0]; f.Result != Warn || !strings.Contains(f.Detail, "/etc/postfix/main.cf") {
		t.Errorf("got %+v, want a warning that names main.cf", f)
	}
	r.Changed = map[string]string{"/etc/postfix/main.cf": "edited by hand", "/etc/postfix/other": "removed"}
	if f := r.drift(t.Context())[0]; f.Result != Warn || f.Detail != "changed since setup: /etc/postfix/main.cf (edited by hand)" {
		t.Errorf("got %+v, want a warning that names main.cf as edited by hand", f)
	}
	r.Plan = nil
	if f := r.drift(t.Context())[0]; f.Result != Skip {
		t.Errorf("got %+v, want %s", f, Skip)
	}
	r.Unfinished = "20261122-101500-1"
	if f := r.drift(t.Context())[0]; f.Result != Warn || !strings.Contains(f.Detail, "20261122-101500-1 has not finished") {
		t.Errorf("got %+v, want a warning that the change has not finished", f)
	}
}

// TestOtherService: what another service meets with mail that should go to the relay is
// no fault of the relay's.
func TestOtherService(t *testing.T) {
	s := relay(t)
	for _, tt := range []struct {
		name, relayhost, service string
		want                     bool
	}{
		{"the mail servers of recipients", "", "postfix/smtp", true},
		{"the mail servers of recipients, by the service of the relay", "", "postfix/relayhost-x/smtp", false},
		{"a content filter on the way to the relay", fmt.Sprintf("[relay.test]:%d", s.starttls), "postfix/smtp", false},
		{"no log", "", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := s.env(t)
			env.State.Params["relayhost"] = tt.relayhost
			r := &run{Env: env}
			if got := r.routeChecks()[0].otherService(Delivery{Service: tt.service}); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestRelayAccess(t *testing.T) {
	const public = "smtp inet n - y - - smtpd\n"
	tests := []struct {
		name, master string
		params       map[string]string
		main         string
		want         Result
	}{
		{"loopback", public, map[string]string{"inet_interfaces": "loopback-only"}, "", Pass},
		{"loopback by address", "127.0.0.1:smtp inet n - y - - smtpd\n", map[string]string{"inet_interfaces": "all"}, "", Pass},
		{"no smtpd", "pickup unix n - y 60 1 pickup\n", nil, "", Pass},
		{"default", public, map[string]string{"inet_interfaces": "all", "mynetworks": "127.0.0.0/8 [::1]/128",
			"smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"}, "", Pass},
		{"closed by the other list", public, map[string]string{"inet_interfaces": "all", "smtpd_relay_restrictions": "permit",
			"smtpd_recipient_restrictions": "permit_mynetworks reject_unauth_destination"}, "", Pass},
		{"open", public, map[string]string{"inet_interfaces": "all", "smtpd_relay_restrictions": "permit"}, "", Fail},
		// smtpd(8) does not start then: "specify at least one working instance of ...".
		{"nothing refuses", public, map[string]string{"inet_interfaces": "all"}, "", Pass},
		{"all of IPv4, mapped", public, map[string]string{"inet_interfaces": "all", "mynetworks": "[::ffff:0:0]/96", "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination"}, "", Fail},
		{"everybody is mine", public, map[string]string{"inet_interfaces": "all", "mynetworks": "0.0.0.0/0", "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination"}, "", Fail},
		{"opened in master.cf", public + "2525 inet n - y - - smtpd -o smtpd_relay_restrictions=permit\n",
			map[string]string{"inet_interfaces": "all", "smtpd_relay_restrictions": "reject_unauth_destination"}, "", Fail},
		{"everybody is mine, and may not relay", public, map[string]string{"inet_interfaces": "all", "mynetworks": "0.0.0.0/0", "smtpd_relay_restrictions": "permit_sasl_authenticated reject_unauth_destination"}, "", Pass},
		{"neighbours", public, map[string]string{"inet_interfaces": "all", "mynetworks_style": "subnet", "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination"}, "mynetworks_style = subnet\n", Warn},
		{"neighbours who may not relay", public, map[string]string{"inet_interfaces": "all", "mynetworks_style": "subnet", "smtpd_relay_restrictions": "reject_unauth_destination"}, "mynetworks_style = subnet\n", Pass},
		{"neighbours by default", public, map[string]string{"inet_interfaces": "all", "mynetworks_style": "subnet", "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination"}, "", Pass},
		{"neighbours, and networks that count", public, map[string]string{"inet_interfaces": "all", "mynetworks_style": "subnet", "mynetworks": "127.0.0.0/8", "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination"},
			"mynetworks_style = subnet\nmynetworks = 127.0.0.0/8\n", Pass},
		{"this host alone", public, map[string]string{"inet_interfaces": "all", "mynetworks_style": "host", "smtpd_relay_restrictions": "permit_mynetworks reject_unauth_destination"}, "mynetworks_style = host\n", Pass},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			master, err := postfix.ParseMaster([]byte(tt.master))
			if err != nil {
				t.Fatal(err)
			}
			main, err := postfix.ParseMain([]byte(tt.main))
			if err != nil {
				t.Fatal(err)
			}
			params := tt.params
			if params == nil {
				params = map[string]string{}
			}
			if f := relayAccess(postfix.State{Installed: true, Params: params, Master: master, Main: main})[0]; f.Result != tt.want {
				t.Errorf("got %+v, want %s", f, tt.want)
			}
		})
	}
}

// TestSizes: what this host takes is held against what the service takes.
func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		name string
		here string
		most int64
		want bool
	}{
		{"less here", "10240000", 10485760, false},
		{"more here", "20480000", 10485760, true},
		{"no limit here", "0", 10485760, true},
		{"no limit there", "10240000", 0, false},
		{"not known here", "", 10485760, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := &routeCheck{run: &run{Env: Env{State: postfix.State{Params: map[string]string{"message_size_limit": tt.here}}}},
				route: Route{Hops: []Hop{{Hop: config.Hop{Relay: &relays.Relay{Name: "X", Limits: relays.Limits{MessageBytes: tt.most}}}}}}}
			got := tr.sizes()
			if len(got) == 1 != tt.want {
				t.Errorf("%+v: got %+v, want a finding: %v", tt, got, tt.want)
			}
			if tt.want && (got[0].Result != Warn || got[0].Cause != "message_too_big" || !strings.Contains(got[0].Command, "10485760")) {
				t.Errorf("got %+v, want the warning message_too_big and a command with 10485760", got[0])
			}
		})
	}
}

// TestLinted: what the texts show by themselves is a finding that names file and
// line, and no password.
func TestLinted(t *testing.T) {
	env := relay(t).env(t)
	main, err := postfix.ParseMain([]byte("append_dot_mydomain = gitlab.localhost\nsmtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n"))
	if err != nil {
		t.Fatal(err)
	}
	env.State.Main = main
	env.State.Maps = map[string][]byte{"/etc/postfix/sasl_passwd": []byte("relay.test user Gehe1mPa55-42\n")}
	var got []string
	for _, f := range linted(env.Reader, env.State, nil) {
		got = append(got, fmt.Sprintf("%s %s %s", f.Result, f.Cause, f.Detail))
	}
	said := strings.Join(got, "\n")
	for _, want := range []string{"fail value_not_boolean /etc/postfix/main.cf, line 1:", "fail map_db_missing /etc/postfix/main.cf, line 2:", "fail table_no_colon /etc/postfix/sasl_passwd, line 1:"} {
		if !strings.Contains(said, want) {
			t.Errorf("got %s (password: ***)\nwant %s", strings.ReplaceAll(said, "Gehe1mPa55-42", "***"), want)
		}
	}
	if strings.Contains(said, "Gehe1m") {
		t.Error("got the password in the findings, want none of it")
	}
}
