//go:build lab

package detect_test

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/detect"
	"relayhost/internal/lab"
)

const (
	noMetadata4 = "ip daddr 169.254.169.254 drop"
	noMetadata6 = "ip6 daddr fe80::a9fe:a9fe drop"
)

// askedAt counts the metadata requests by the address that they went to.
func askedAt(l *lab.Lab) (v4, v6 int) {
	for _, r := range l.World.Metadata().Requests() {
		if strings.HasPrefix(r.To, "[") {
			v6++
		} else {
			v4++
		}
	}
	return v4, v6
}

// TestLabMetadataLinkLocal: the IPv6 address of Hetzner Cloud and OpenStack is
// asked on the interfaces of the host, and only after IPv4 has been silent.
func TestLabMetadataLinkLocal(t *testing.T) {
	t.Parallel()
	const bridges = "for n in 1 2 3 4 5; do ip link add veth$n type veth peer name peer$n && ip link set veth$n up && ip link set peer$n up; done"
	for _, c := range []struct {
		name, id string
		rules    []string
		shell    string
		found    bool
		v6       bool // that it came by IPv6
	}{
		{"both answer", "hetzner", nil, "", true, false},
		{"IPv4 is dead", "hetzner", []string{noMetadata4}, "", true, true},
		{"IPv4 is dead, OpenStack", "ovh", []string{noMetadata4}, "", true, true},
		{"IPv4 is dead, five more interfaces", "hetzner", []string{noMetadata4}, bridges, true, true},
		{"both are dead", "hetzner", []string{noMetadata4, noMetadata6}, "", false, false},
		{"both are dead, five more interfaces", "openstack", []string{noMetadata4, noMetadata6}, bridges, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := lab.New(t, lab.Cloud(c.id))
			for _, rule := range c.rules {
				l.World.Rule(rule)
			}
			if c.shell != "" {
				l.Server.Shell(c.shell)
			}
			l.Server.ResetTraffic()
			facts, res := detected(t, l, "--no-probe")
			machine := lab.CloudOf(c.id)
			if got := facts.Host.InstanceID == machine.InstanceID && facts.Host.Region == machine.Region; got != c.found {
				t.Errorf("got %+v, want instance %q and region %q: %v", facts.Host, machine.InstanceID, machine.Region, c.found)
			}
			if v4, v6 := askedAt(l); (v6 > 0) != c.v6 || c.v6 && v4 > 0 {
				t.Errorf("%d requests over IPv4, %d over IPv6, want at most 0", v4, v6)
			}
			if n := l.Server.Traffic().Attempts(); n > 5 {
				t.Errorf("got %d connections, want at most 5", n)
			}
			if res.Took > late {
				t.Errorf("took %s, want at most %s", res.Took, late)
			}
			t.Logf("%s, %d connections; %s", res.Took, l.Server.Traffic().Attempts(), strings.Join(facts.Host.Evidence, "; "))
		})
	}
}

// TestLabMetadataOnlyOfTheProvider: where DMI names nobody, or somebody else,
// no address of a metadata service is connected to.
func TestLabMetadataOnlyOfTheProvider(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]int{"": 0, "hyperv": 0, "contabo": 0, "brightbox": 0, "aws": 2} {
		t.Run(fmt.Sprintf("DMI %q", id), func(t *testing.T) {
			opts := []lab.Option{lab.Trap(lab.CaptivePortal), lab.NoPostfix()}
			if id != "" {
				opts = append(opts, lab.Cloud(id, nil))
			}
			l := lab.New(t, opts...)
			l.Server.ResetTraffic()
			facts, _ := detected(t, l, "--no-probe")
			_, v6 := askedAt(l)
			if n := l.Server.Traffic().Attempts(); n > want+1 || want == 0 && n > 0 {
				t.Errorf("got %d connections, want at most %d", n, want+1)
			}
			for _, r := range l.World.Metadata().Requests() {
				if want == 0 || strings.Contains(r.To, "fe80") || !strings.Contains(r.To, "169.254.169.254") && !strings.Contains(r.To, "fd00:ec2::254") {
					t.Errorf("got %s was asked, want no %q in it", r.To, "fe80")
				}
			}
			if facts.Host.Region != "" || facts.Port25.Verdict != detect.NotProbed {
				t.Errorf("got %+v, port 25 %s and %d requests over IPv6, want no region and port 25 %s",
					facts.Host, facts.Port25.Verdict, v6, detect.NotProbed)
			}
		})
	}
}
