package web

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/postfix"
	"relayhost/relays"
)

func plain(distribution, relay string, port int) Form {
	h := Hop{Relay: relay, Port: port}
	if relay == "ses" {
		h.Region = "eu-west-1"
	}
	return Form{Distribution: distribution, Hostname: "mail.example.com", Routes: []Route{{Name: "default", From: "app@example.com", Hops: []Hop{h}}}}
}

// Every relay on each of its ports and each distribution gives files, and every
// parameter that a setup adds has its reason.
func TestGenerateEverywhere(t *testing.T) {
	t.Parallel()
	all, err := relays.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range postfix.Distributions() {
		t.Run(d.ID, func(t *testing.T) {
			t.Parallel()
			made := 0
			for _, r := range all {
				if !r.TakesPassword() {
					continue
				}
				for _, port := range r.PortOrder() {
					f := plain(d.ID, r.ID, port)
					if r.Hosts.Default == "" {
						f.Routes[0].Hops[0].Region = anyRegion(r)
					}
					g := Generate(f)
					if g.Error != "" {
						t.Errorf("%s port %d: got %s, want none", r.ID, port, g.Error)
						continue
					}
					made++
					checkReasons(t, r.ID, g)
				}
			}
			if made < 150 {
				t.Errorf("%d configurations, want 150 and more", made)
			}
		})
	}
}

func checkReasons(t *testing.T, id string, g Generated) {
	t.Helper()
	for _, file := range g.Files {
		name := file.Path[strings.LastIndex(file.Path, "/")+1:]
		if name != "main.cf" && name != "master.cf" {
			continue
		}
		for _, l := range file.Added {
			if parameter(name, l.Text) != "" && l.Reason == nil {
				t.Errorf("%s: %s: got no reason for %q, want one", id, name, l.Text)
			}
		}
	}
}

func anyRegion(r relays.Relay) string {
	for _, region := range []string{"eu-west-1", "us-east-1", "eu-frankfurt-1", "ap-hongkong", "frankfurt", "us", "eu"} {
		if _, err := r.Host(region); err == nil {
			return region
		}
	}
	return ""
}

func TestGenerateSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		form  func(*Form)
		want  string
		field string
	}{
		{"a sender that is none", func(f *Form) { f.Routes[0].From = "app" }, "app", "from"},
		{"a port that the relay does not have", func(f *Form) { f.Routes[0].Hops[0].Port = 26 }, "port 26", ""},
		{"no relay", func(f *Form) { f.Routes = nil }, "1 to 200 routes", ""},
		{"a distribution that is not known", func(f *Form) { f.Distribution = "beos" }, "beos", ""},
		{"markup", func(f *Form) { f.MainCF = "<script>alert(1)</script>" }, "main.cf", ""},
		{"NUL", func(f *Form) { f.MainCF = "myhostname = a\x00b\n" }, "main.cf", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := plain("debian:12", "sendgrid", 587)
			tt.form(&f)
			if g := Generate(f); !strings.Contains(g.Error, tt.want) || g.Field != tt.field {
				t.Errorf("got error %q of %q, want one with %q of %q", g.Error, g.Field, tt.want, tt.field)
			}
		})
	}
}

// A pasted main.cf gives a difference against itself, and what is wrong with it.
func TestGenerateForAMainCF(t *testing.T) {
	t.Parallel()
	f := plain("debian:12", "sendgrid", 587)
	f.MainCF = "myhostname = mail.example.com\nrelayhost = [old.example.net]:587\nsmtp_sasl_auth_enable = ja\n"
	g := Generate(f)
	if g.Error != "" {
		t.Fatalf("got %q, want none", g.Error)
	}
	if !slices.ContainsFunc(g.Files, func(f File) bool { return strings.Contains(f.Diff, "-relayhost = [old.example.net]:587") }) {
		t.Errorf("got files %+v, want a difference with %q", g.Files, "-relayhost = [old.example.net]:587")
	}
	if !slices.ContainsFunc(g.Findings, func(f Finding) bool { return f.ID == "value_not_boolean" && f.Line == 3 }) {
		t.Errorf("got findings %+v, want value_not_boolean in line 3", g.Findings)
	}
}

func TestFormsQuote(t *testing.T) {
	t.Parallel()
	f := plain("debian:12", "sendgrid", 587)
	f.Routes[0].From = `a'b"c@example.com`
	if got, want := f.setup(), `sudo relayhost setup --relay sendgrid --port 587 --from 'a'\''b"c@example.com'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := f.ansible(), `relayhost_from: "a'b\"c@example.com"`; !strings.Contains(got, want) {
		t.Errorf("got %s, want a line %s", got, want)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	a := Explain(Question{Text: "535 Authentication Credentials Invalid"})
	if len(a.Groups) == 0 || a.Groups[0].Cause.ID != "ses_credentials_invalid" {
		t.Errorf("got %+v, want ses_credentials_invalid", a.Groups)
	}
	if a := Explain(Question{Text: "x", Relay: "nobody"}); a.Error == "" {
		t.Errorf("relay %q: got no error, want one", "nobody")
	}
}
