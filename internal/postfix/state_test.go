package postfix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"relayhost/internal/host"
)

// tree is a machine of these files.
func tree(t *testing.T, files map[string]string) *host.Reader {
	t.Helper()
	root := t.TempDir()
	for path, text := range files {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &host.Reader{Root: root, Path: "/nowhere"}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{"3.7.11": {3, 7, 11}, "3.12-20260821": {3, 12, 0}, "3.9-RC1": {3, 9, 0}, "3.4\n": {3, 4, 0}} {
		t.Run(text, func(t *testing.T) {
			if got, err := ParseVersion(text); err != nil || got != want {
				t.Errorf("ParseVersion(%q) = %v, %v, want %v", text, got, err, want)
			}
		})
	}
	for _, text := range []string{"", "3", "3.x", "a.b.c", "3.7.11.1", "3.-7"} {
		t.Run(fmt.Sprintf("%q", text), func(t *testing.T) {
			if got, err := ParseVersion(text); err == nil {
				t.Errorf("ParseVersion(%q) = %v, want an error", text, got)
			}
		})
	}
	if v := (Version{3, 10, 1}); !v.AtLeast(3, 9) || v.AtLeast(3, 11) || v.AtLeast(4, 0) || !v.AtLeast(2, 11) {
		t.Errorf("%v at least 3.9, 3.11, 4.0, 2.11: got %v, %v, %v, %v, want true, false, false, true",
			v, v.AtLeast(3, 9), v.AtLeast(3, 11), v.AtLeast(4, 0), v.AtLeast(2, 11))
	}
}

func TestReadWithoutPostfix(t *testing.T) {
	r := tree(t, map[string]string{
		"/proc/sys/kernel/hostname":                     "mx1\n",
		"/etc/hosts":                                    "127.0.0.1 localhost\n192.0.2.1 mx1.example.net mx1 # me\n",
		"/etc/ssl/certs/ca-certificates.crt":            "",
		"/etc/pki/tls/certs/ca-bundle.crt":              "x",
		"/usr/lib/x86_64-linux-gnu/sasl2/libplain.so.2": "",
		"/usr/lib64/sasl2/liblogin.so":                  "",
		"/etc/os-release":                               "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
	})
	s, err := Read(t.Context(), r, "")
	if err != nil || s.Installed {
		t.Fatalf("Read: got installed %v and error %v, want false and no error", s.Installed, err)
	}
	if s.FQDN != "mx1.example.net" || s.Hostname != "mx1" || s.CAFile != "/etc/pki/tls/certs/ca-bundle.crt" || !slices.Equal(s.SASLPlugins, []string{"PLAIN", "LOGIN"}) {
		t.Errorf("Read: got FQDN %q, hostname %q, CA file %q, SASL plugins %q, want %q, %q, %q, %q", s.FQDN, s.Hostname, s.CAFile, s.SASLPlugins,
			"mx1.example.net", "mx1", "/etc/pki/tls/certs/ca-bundle.crt", []string{"PLAIN", "LOGIN"})
	}
	s.Load(r, "/etc/os-release", "/etc/none")
	if _, none := s.Maps["/etc/none"]; none || len(s.Maps["/etc/os-release"]) == 0 || len(s.MapMeta) != 1 {
		t.Errorf("loaded: got %v, want /etc/os-release alone", s.MapMeta)
	}
	fresh := Fresh(s)
	fresh.Load(r, "/etc/os-release")
	if len(fresh.MapMeta) != 1 {
		t.Errorf("loaded into a fresh state: got %v, want one file", fresh.MapMeta)
	}
	if fresh.Version != (Version{3, 5, 25}) || fresh.Params["mydestination"] != "mx1.example.net, localhost.example.net, localhost" || len(fresh.Master.Services()) != 25 {
		t.Errorf("fresh: got version %v, mydestination %q, %d services, want %v, %q, %d", fresh.Version, fresh.Params["mydestination"],
			len(fresh.Master.Services()), Version{3, 5, 25}, "mx1.example.net, localhost.example.net, localhost", 25)
	}
	if service, _ := fresh.Master.Get("smtp", "unix"); service.Chrooted(fresh.Params["compatibility_level"]) {
		t.Error("got a chroot on RHEL, want none")
	}
}

func TestParseTables(t *testing.T) {
	got := ParseTables("hash:/a, proxy:lmdb:/b\tinline:{ {k = v}, {l = w} } /c,regexp:/d", "cdb")
	want := []Table{{"hash", "/a"}, {"lmdb", "/b"}, {"inline", "{ {k = v}, {l = w} }"}, {"cdb", "/c"}, {"regexp", "/d"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ParseTables: got the difference (-want +got)\n%s\nwant none", diff)
	}
	var editable []string
	for _, table := range got {
		if table.Editable() {
			editable = append(editable, table.Path+table.Index())
		}
	}
	if diff := cmp.Diff([]string{"/a/a.db", "/b/b.lmdb", "/c/c.cdb"}, editable); diff != "" {
		t.Errorf("indexes of editable tables: got the difference (-want +got)\n%s\nwant none", diff)
	}
}

func TestPickMapType(t *testing.T) {
	for _, tc := range []struct {
		name, def, types, want, picked string
	}{
		{"the default", "hash", "btree hash texthash", "", "hash"},
		{"the default's package is missing", "lmdb", "cidr texthash static", "", "texthash"},
		{"another compiled one", "hash", "lmdb texthash", "", "lmdb"},
		{"asked for", "hash", "hash lmdb texthash", "lmdb", "lmdb"},
		{"asked for in vain", "hash", "hash texthash", "cdb", ""},
		{"asked for what has no source", "hash", "hash regexp", "regexp", ""},
		{"nothing", "hash", "cidr", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := PickMapType(State{DefaultMap: tc.def, MapTypes: strings.Fields(tc.types)}, tc.want)
			if got != tc.picked || (err == nil) != (tc.picked != "") || err != nil && !errors.Is(err, ErrNoMapType) {
				t.Errorf("got %q, %v, want %q", got, err, tc.picked)
			}
		})
	}
}

// Names and accounts that mail of the host itself may carry, of the files that programs
// ask; sites and people are none.
func TestOwnNames(t *testing.T) {
	r := tree(t, map[string]string{
		"/etc/hosts":       "127.0.0.1 localhost shop.example\n127.0.1.1 web1.provider.example web1.lan web1 www.shop.example # me\n::1 localhost6 web1\n192.0.2.9 other.example web2\n",
		"/etc/resolv.conf": "nameserver 192.0.2.53\nsearch corp.example other.example\n",
		"/etc/mailname":    "example.org\n",
		"/etc/passwd": "jane:x:1000:1000::/home/jane:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nroot:x:0:0:root:/root:/bin/bash\n" +
			"nobody:x:65534:65534::/:/bin/false\n# a comment\nbroken\n_apt:x:42:65534::/:/bin/false\nNagios:x:999:999::/:/bin/false\n",
	})
	got := hostNames(r, State{Hostname: "web1", Params: map[string]string{"mydomain": "corp.internal"}})
	want := []string{"web1.provider.example", "web1.lan", "localhost6", "web1.corp.internal", "web1.corp.example", "example.org"}
	if !slices.Equal(got, want) {
		t.Errorf("names: got %q, want %q", got, want)
	}
	if got, want := accounts(r), []string{"root", "_apt", "nagios", "nobody", "www-data"}; !slices.Equal(got, want) {
		t.Errorf("accounts: got %q, want %q", got, want)
	}
	if got := accounts(tree(t, nil)); got != nil {
		t.Errorf("without /etc/passwd: got %q, want none", got)
	}
}
