package detect

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestHostsLoad(t *testing.T) {
	start := time.Now()
	hosts, err := readHosts()
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 500*time.Millisecond { // the figure itself is measured by a benchmark
		t.Errorf("loading took %s, want at most %s", took, 500*time.Millisecond)
	}
	byID := map[string]HostEntry{}
	for _, h := range hosts {
		byID[h.ID] = h
	}
	const wanted = "aws azure gcp digitalocean hetzner ovh vultr linode oracle scaleway alibaba tencent ibm upcloud exoscale " +
		"openstack contabo ionos comcast att spectrum cox telekom vodafone"
	for _, id := range strings.Fields(wanted) {
		if _, ok := byID[id]; !ok {
			t.Errorf("got no file for %s, want one", id)
		}
	}
	if len(hosts) < 47 {
		t.Errorf("got %d providers, want at least 47", len(hosts))
	}
	for i := 1; i < len(hosts); i++ {
		if hosts[i-1].ID >= hosts[i].ID {
			t.Errorf("got %s before %s, want each ID once and in order", hosts[i-1].ID, hosts[i].ID)
		}
	}
}

// The sources give these policies; a change of one has to be a decision.
func TestHostPolicies(t *testing.T) {
	for _, want := range []struct {
		id, unblock string
		blocked     []int
	}{
		{"aws", "request", []int{25}},
		{"azure", "no", []int{25}},
		{"gcp", "no", []int{25}},
		{"digitalocean", "no", []int{25, 465, 587}},
		{"hetzner", "request", []int{25, 465}},
		{"ovh", "request", []int{25}},
		{"vultr", "request", []int{25}},
		{"linode", "request", []int{25, 465, 587}},
		{"oracle", "request", []int{25}},
		{"scaleway", "self_service", []int{25, 465, 587}},
		{"telekom", "request", nil},
		{"cox", "no", []int{25}},
		{"railway", "self_service", []int{25, 465, 587, 2525}},
		{"render", "self_service", []int{25, 465, 587}},
		{"fly", "unknown", nil},
		{"euronodes", "request", []int{25}},
		{"sharkhost", "request", []int{25}},
		{"genesiscloud", "request", []int{25}},
	} {
		t.Run(want.id, func(t *testing.T) {
			h, ok := HostByID(want.id)
			if !ok || h.Policy.Unblock != want.unblock || !equalInts(h.Policy.Blocked, want.blocked) {
				t.Errorf("got unblock %q and blocked %v, want %q and %v", h.Policy.Unblock, h.Policy.Blocked, want.unblock, want.blocked)
			}
		})
	}
	aws, _ := HostByID("aws")
	if text := strings.Join(aws.Policy.Steps, " "); !strings.Contains(text, "Possible by request, discretionary") {
		t.Errorf("wording for AWS: got %s, want %q in it", text, "Possible by request, discretionary")
	}
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestHostFileErrors(t *testing.T) {
	good, err := hostFiles.ReadFile("hosts/hetzner.toml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseHost("hosts/hetzner.toml", good); err != nil {
		t.Fatal(err)
	}
	change := func(old, replacement string) string {
		if !strings.Contains(string(good), old) {
			t.Fatalf("hosts/hetzner.toml: got a file without %q, want it there to be replaced", old)
		}
		return strings.Replace(string(good), old, replacement, 1)
	}
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":      {change("kind = \"cloud\"", "kind = \"cloud\"\nblokced = [25]"), "hosts/hetzner.toml:4: unknown key blokced"},
		"syntax":           {change("kind = \"cloud\"", "kind = cloud"), "hosts/hetzner.toml:3: "},
		"kind":             {change("kind = \"cloud\"", "kind = \"clud\""), `kind "clud" is none of`},
		"source not there": {change("source = \"systemd\"", "source = \"nobody\""), `source "nobody" is not in this file`},
		"two conditions":   {change("equals = \"Hetzner\"", "equals = \"Hetzner\"\nprefix = \"Het\""), "exactly one of"},
		"product_uuid":     {change("file = \"sys_vendor\"", "file = \"product_uuid\""), "proves nothing"},
		"metadata reader":  {change("kind = \"hetzner\"", "kind = \"hetzer\""), "has no reader"},
		"suffix":           {change("\".clients.your-server.de\"", "\"your-server.de\""), "no domain that starts with a dot"},
		"port twice":       {change("open = [587, 2525]", "open = [587, 465, 2525]"), "each of"},
		"way of unblock":   {change("unblock = \"request\"", "unblock = \"beg\""), `unblock "beg" is none of`},
		"confidence":       {change("confidence = \"secondary\"", "confidence = \"sure\""), `confidence "sure" is none of`},
		"url":              {change("url = \"https://docs.hetzner.com", "url = \"docs.hetzner.com"), "no web address"},
		"no date":          {change("as_of = 2026-09-28", "as_of = 0001-01-01"), "as_of has no date"},
		"other name":       {change("id = \"hetzner\"", "id = \"hertzner\""), "belongs in hosts/hertzner.toml"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := parseHost("hosts/hetzner.toml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func BenchmarkHosts(b *testing.B) {
	for b.Loop() {
		if _, err := readHosts(); err != nil {
			b.Fatal(err)
		}
	}
}

// Dates are plain in JSON, and a list that is empty is a list.
func TestHostAsJSON(t *testing.T) {
	h, _ := HostByID("telekom")
	data, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"as_of":"2026-11-21"`, `"checked":"2026-11-21"`, `"blocked":[]`, `"confidence":"official"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}

// What gets out is said for each plan, and an old fact is marked.
func TestGetsOut(t *testing.T) {
	for _, tt := range []struct{ id, day, want string }{
		{"railway", "2026-11-28", "Railway: 25, 465, 587, 2525 blocked; plan Free, Trial, Hobby: none; plan Pro: 25, 465, 587, 2525 (as of 2026-08-21)"},
		{"railway", "2027-08-23", "(as of 2026-08-21, older than a year)"},
		{"fly", "2026-11-28", "Fly.io: 25, 465, 587, 2525 not known (as of 2026-08-07)"},
		{"render", "2026-11-28", "Render: 2525 open; 25, 465, 587 blocked; plan free: 2525; plan paid: 465, 587, 2525 (as of 2026-09-01)"},
	} {
		t.Run(tt.id+"_"+tt.day, func(t *testing.T) {
			h, ok := HostByID(tt.id)
			if !ok {
				t.Fatalf("HostByID(%q): got none, want a provider", tt.id)
			}
			day, err := time.Parse(time.DateOnly, tt.day)
			if err != nil {
				t.Fatal(err)
			}
			today = func() time.Time { return day }
			t.Cleanup(func() { today = time.Now })
			if got := h.GetsOut(); !strings.HasSuffix(got, tt.want) {
				t.Errorf("%q, want it to end in %q", got, tt.want)
			}
			if got := strings.Contains(h.Text(), "older than a year"); got != strings.Contains(tt.want, "older") {
				t.Errorf("the text marks it as old: got %v, want %v", got, strings.Contains(tt.want, "older"))
			}
		})
	}
}
