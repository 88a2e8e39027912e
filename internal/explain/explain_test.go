package explain

import (
	"slices"
	"strings"
	"testing"

	"relayhost/internal/bridge/conf"
	"relayhost/relays"
)

func TestCatalogue(t *testing.T) {
	k, err := known()
	if err != nil {
		t.Fatal(err)
	}
	replies := map[string]bool{}
	for _, r := range catalogue() {
		for _, reply := range r.Replies {
			replies[reply.ID] = true
		}
	}
	total := len(k.failures) + len(replies)
	if len(k.failures) < 60 || total < 130 {
		t.Errorf("got %d failures, with the replies %d, want %d and %d or more", len(k.failures), total, 60, 130)
	}
	for _, f := range k.failures {
		for _, other := range f.AmbiguousWith {
			if k.byID[other] == nil && !replies[other] {
				t.Errorf("%s: got ambiguous with %s, want the ID of a failure or a reply", f.ID, other)
			}
		}
		if len(f.Samples) == 0 && len(f.Log)+len(f.Reply) > 0 {
			t.Errorf("%s: got patterns without a sample, want one or more", f.ID)
		}
		if text := f.Title + f.Meaning + f.Remedy; strings.Contains(text, "  ") || !strings.HasSuffix(f.Remedy, ".") || !strings.HasSuffix(f.Meaning, ".") {
			t.Errorf("%s: got %q, want a full stop after meaning and remedy, and no double space", f.ID, text)
		}
	}
}

// TestSamples is the matrix: every sample has its own cause and no other, those
// that the data calls ambiguous aside.
func TestSamples(t *testing.T) {
	k := must()
	samples := 0
	for _, f := range k.failures {
		for _, sample := range f.Samples {
			samples++
			checkSample(t, sample, nil, f.ID, f.AmbiguousWith)
		}
	}
	for _, r := range catalogue() {
		for _, reply := range r.Replies {
			if reply.Sample == "" {
				continue
			}
			samples++
			checkSample(t, sampleReply(reply), &r, reply.ID, ambiguous(reply.ID))
		}
	}
	for _, r := range catalogue() {
		if r.API == nil {
			continue
		}
		a, ok := conf.Get(r.ID)
		if !ok {
			t.Errorf("%s: got replies of an API, want an API", r.ID)
		}
		for _, reply := range r.API.Replies {
			samples++
			checkSample(t, reply.Reply+" relayhost: "+a.Name+": "+reply.Sample, nil, reply.ID, nil)
		}
	}
	if samples < 150 {
		t.Errorf("got %d samples, want %d or more", samples, 150)
	}
}

// sampleReply is the sample with its code in front.
func sampleReply(r relays.Reply) string {
	if r.Code == 0 || isReply(r.Sample) {
		return "550 " + r.Sample
	}
	return reply3(r.Code) + r.Sample
}

func ambiguous(id string) []string {
	var ids []string
	for _, f := range must().failures {
		if slices.Contains(f.AmbiguousWith, id) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

func checkSample(t *testing.T, sample string, relay *relays.Relay, id string, ambiguousWith []string) {
	t.Helper()
	var got []string
	own := false
	for _, c := range Text(sample, relay) {
		own = own || c.ID == id
		if c.ID != id && !slices.Contains(ambiguousWith, c.ID) {
			got = append(got, c.ID)
		}
	}
	if !own || len(got) > 0 {
		t.Errorf("%s: %q: got own cause %v, others %v, want it, and no others but %v", id, sample, own, got, ambiguousWith)
	}
}

// TestEveryPatternIsSeenAtWork: not each alternative, but each kind of pattern of
// a failure matches one of its samples or of the texts that people posted.
func TestEveryPatternIsSeenAtWork(t *testing.T) {
	var all []text
	for _, path := range []string{"testdata/corpus.jsonl", "testdata/corpus-own.jsonl"} {
		for _, s := range readSamples(t, path) {
			all = append(all, statements(s.Text)...)
		}
	}
	for _, f := range must().failures {
		own := slices.Clone(all)
		for _, s := range f.Samples {
			own = append(own, statements(s)...)
		}
		for kind, list := range map[string][]pattern{"log": f.log, "reply": f.reply, "text": f.text} {
			if len(list) > 0 && !slices.ContainsFunc(own, func(x text) bool {
				return slices.ContainsFunc(list, func(p pattern) bool {
					re := p.compiled()
					return re.MatchString(x.own) || re.MatchString(x.reply) || re.MatchString(x.program)
				})
			}) {
				t.Errorf("%s: got no text that its %s patterns match, want one", f.ID, kind)
			}
		}
	}
}

func ids(causes []Cause) string {
	var list []string
	for _, c := range causes {
		list = append(list, c.ID)
	}
	return strings.Join(list, " ")
}

func TestText(t *testing.T) {
	ses, err := relays.Get("ses")
	if err != nil {
		t.Fatal(err)
	}
	smarthost := relays.Smarthost("relay.example.com", 587, relays.StartTLS, true)
	const prefix = "Nov 22 01:02:03 host postfix/relayhost-ses/smtp[9]: 4B01A2C3: to=<a@example.net>, relay=email-smtp.eu-west-1.amazonaws.com[192.0.2.1]:587, delay=1, delays=0/0/0/1, dsn=4.0.0, "
	tests := []struct {
		name  string
		text  string
		relay *relays.Relay
		want  string
		lost  bool
	}{
		{"log line of a known host", prefix + "status=deferred (SASL authentication failed; server email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 535 Authentication Credentials Invalid)", nil, "ses_credentials_invalid ses_iam_secret ses_region_mismatch", false},
		{"the same reply at another service", "535 Authentication Credentials Invalid", smarthost, "auth_535_generic", false},
		{"bounced", prefix + "status=bounced (host email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@example.com (in reply to end of DATA command))", nil, "ses_unverified_identity", true},
		{"the same, kept by the status filter", prefix + "status=deferred (host email-smtp.eu-west-1.amazonaws.com[192.0.2.1] said: 454 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@example.com (in reply to end of DATA command))", &ses, "ses_unverified_identity", false},
		{"only one service says so", "550 5.7.30 Basic authentication is not supported for Client Submission.", nil, "o365_basic_retired", false},
		{"a server that speaks like Postfix", prefix + `status=deferred (host mx.example.net[192.0.2.1] said: 450 fatal: Invalid TLS level "x" unsupported dictionary type: hash (in reply to RCPT TO command))`, nil, "later", false},
		{"a recipient that speaks like Postfix", `Nov 22 01:02:03 host postfix/smtp[9]: 4B01A2C3: to=<"fatal: Invalid TLS level "x""@example.net>, relay=none, delay=1, delays=0/0/0/1, dsn=4.4.1, status=deferred (whatever)`, nil, "", false},
		{"unknown", "the moon is full", nil, "", false},
		{"empty", "", nil, "", false},
		{"several lines", "connect to relay.test[192.0.2.1]:587: Connection timed out\nstatus=deferred (Server certificate not trusted)\n", nil, "net_timeout tls_untrusted_issuer", false},
		{"journal", `{"MESSAGE":"connect to relay.test[192.0.2.1]:587: Connection refused","SYSLOG_IDENTIFIER":"postfix/smtp","_PID":"3"}`, nil, "net_refused", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			causes := Text(tt.text, tt.relay)
			if got := ids(causes); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if len(causes) > 0 && causes[0].Lost != tt.lost {
				t.Errorf("lost: got %v, want %v", causes[0].Lost, tt.lost)
			}
		})
	}
}

func TestDecide(t *testing.T) {
	causes := Text("warning: SASL authentication failure: No worthy mechs found", nil)
	if got := ids(causes); got != "sasl_plugins_missing sasl_noplaintext_default" {
		t.Fatalf("got %q, want %q", got, "sasl_plugins_missing sasl_noplaintext_default")
	}
	got := Decide(causes, Signs{{Cause: "sasl_plugins_missing"}, {Cause: "sasl_noplaintext_default", Holds: true}})
	if ids(got) != "sasl_noplaintext_default" || !got[0].Confirmed {
		t.Errorf("one holds: got %+v, want sasl_noplaintext_default alone, confirmed", got)
	}
	got = Decide(causes, Signs{{Cause: "sasl_plugins_missing"}, {Cause: "sasl_noplaintext_default"}})
	if len(got) != 2 || got[0].Confirmed {
		t.Errorf("all ruled out: got %+v, want both causes, the first not confirmed", got)
	}
	general := Text("status=deferred (local data error while talking to relay.test[127.0.0.2])", nil)
	if got = Decide(general, Signs{{Cause: "map_db_missing", Holds: true}, {Cause: "helo_localhost", Holds: true}}); ids(got) != "map_db_missing map_lookup_error" {
		t.Errorf("a cause that holds joins what it is ambiguous with: got %q, want %q", ids(got), "map_db_missing map_lookup_error")
	}
	if got = Decide(causes, nil); len(got) != 2 {
		t.Errorf("nothing checked: got %+v, want both causes", got)
	}
}

func FuzzText(f *testing.F) {
	for _, failure := range must().failures {
		for _, s := range failure.Samples {
			f.Add(s)
		}
	}
	f.Add("status=bounced (")
	f.Add("x said: ")
	f.Add("250 ok")
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range Text(s, nil) {
			if c.ID == "" || c.Remedy == "" {
				t.Errorf("Text(%q): got %+v, want an ID and a remedy", s, c)
			}
		}
	})
}

func TestRequired(t *testing.T) {
	for pattern, want := range map[string]string{
		`^535[ -]`:                          "535",
		`(foo|bar)baz+quux`:                 "quux",
		`a(xyz|12345)?b`:                    "",
		`said: (one thing|another) \S`:      "one thing|another",
		`[Aa]uthentication required`:        "uthentication required",
		`(?i)Authentication (is )?Required`: "authentication ",
		`\d+`:                               "",
		`(abc|\d+)`:                         "",
	} {
		t.Run(pattern, func(t *testing.T) {
			p, err := newPattern(pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(p.need, "|"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
