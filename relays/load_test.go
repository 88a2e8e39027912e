package relays

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const corp = `id = "corp"
name = "Our own relay"

[hosts]
default = "relay.corp.example"

[[ports]]
port = 587
tls = "starttls"

[auth]
mechanisms = ["PLAIN", "LOGIN"]
username = { label = "user name", pattern = '^[a-z]+$' }
password = { label = "password" }

[sender]
rule = "any"
null_sender = "accepted"

[[replies]]
id = "corp_quota"
match = '(?i)over quota'
at = "data"
scope = "rate"
retry = "wait"
cause = "the quota is used up"
remedy = "wait"
sample = "5.2.2 Over quota"
source = "wiki"

[source.wiki]
url = "https://wiki.corp.example/mail"
checked = 2026-11-22
confidence = "official"
`

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	r, err := Load(write(t, t.TempDir(), "corp.toml", corp))
	if err != nil {
		t.Fatal(err)
	}
	if host, err := r.Host(""); r.ID != "corp" || host != "relay.corp.example" || err != nil {
		t.Errorf("got %s %s %v, want %q and %q", r.ID, host, err, "corp", "relay.corp.example")
	}
	if got, ok := r.MatchReply("552 5.2.2 Over quota"); !ok || got.ID != "corp_quota" || got.Inherited {
		t.Errorf("got %+v (%v), want corp_quota, not inherited", got, ok)
	}
}

// Every mistake is told with file, line and key.
func TestLoadNamesTheMistake(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		line           int
		key, message   string
	}{
		{"unknown key", `name = "Our own relay"`, "title = \"x\"\nname = \"x\"", 2, "title", "unknown key"},
		{"unknown table", "[sender]", "[senders]\nx = 1\n[sender]", 16, "senders", "unknown key"},
		{"no TOML", "[hosts]", "[hosts", 4, "", ""},
		{"wrong type", "port = 587", `port = "587"`, 8, "ports.port", "string"},
		{"port too big", "port = 587", "port = 65536", 8, "ports[0].port", "not a port"},
		{"port twice", "[auth]", "[[ports]]\nport = 587\ntls = \"implicit\"\n[auth]", 12, "ports[1].port", "twice"},
		{"TLS mode", `"starttls"`, `"ssl"`, 9, "ports[0].tls", "starttls, implicit, unsure"},
		{"order", `name = "Our own relay"`, "name = \"x\"\norder = [465]", 3, "order[0]", "not under [[ports]]"},
		{"host name", "relay.corp.example", "relay corp", 5, "hosts.default", "not a host name"},
		{"host name of one label", "relay.corp.example", "relay", 5, "hosts.default", "not a host name"},
		{"broken address", "relay.corp.example", "192.0.2.999", 5, "hosts.default", "not a host name"},
		{"no host", `default = "relay.corp.example"`, "", 4, "hosts", "needs default"},
		{"pattern without region", `default = "relay.corp.example"`, "pattern = \"r.corp.example\"\nregion = '^x$'\nexample = \"x\"", 5, "hosts.pattern", "<region>"},
		{"region not anchored", `default = "relay.corp.example"`, "pattern = \"<region>.corp.example\"\nregion = '[a-z]+'\nexample = \"x\"", 6, "hosts.region", "not anchored"},
		{"no example", `default = "relay.corp.example"`, "pattern = \"<region>.corp.example\"\nregion = '^[a-z]+$'", 4, "hosts.example", "is missing"},
		{"wrong example", `default = "relay.corp.example"`, "pattern = \"<region>.corp.example\"\nregion = '^[a-z]+$'\nexample = \"1\"", 7, "hosts.example", "own rule"},
		{"named host", `default = "relay.corp.example"`, `named = { eu = "-x" }`, 5, "hosts.named.eu", "not a host name"},
		{"id", `id = "corp"`, `id = "Corp Relay"`, 1, "id", "want 1 to 32"},
		{"no name", `name = "Our own relay"`, "", 0, "name", "is missing"},
		{"line break", `name = "Our own relay"`, `name = "Our\nown"`, 2, "name", "line break"},
		{"escape sequence", `name = "Our own relay"`, `name = "\u001b[31m"`, 2, "name", "control character"},
		{"mechanism", `"PLAIN", "LOGIN"`, `"plain"`, 12, "auth.mechanisms[0]", "SASL mechanism"},
		{"bad expression", `'^[a-z]+$'`, `'^[a-z+$'`, 13, "auth.username.pattern", "missing closing ]"},
		{"not anchored", `'^[a-z]+$'`, `'^[a-z]+'`, 13, "auth.username.pattern", "not anchored"},
		{"one alternative not anchored", `'^[a-z]+$'`, `'^a$|b$'`, 13, "auth.username.pattern", "not anchored"},
		{"every line anchored is not enough", `'^[a-z]+$'`, `'(?m)^[a-z]+$'`, 13, "auth.username.pattern", "not anchored"},
		{"fixed password", `password = { label = "password" }`, `password = { label = "p", fixed = "x" }`, 14, "auth.password.fixed", "same for every customer"},
		{"sender rule", `rule = "any"`, `rule = "all"`, 17, "sender.rule", "verified, account, any"},
		{"reply id", `"corp_quota"`, `"corp-quota"`, 21, "replies[0].id", "word"},
		{"reply expression", `'(?i)over quota'`, `'over ('`, 22, "replies[0].match", "missing closing )"},
		{"reply matches all", `'(?i)over quota'`, `'x*'`, 22, "replies[0].match", "empty reply"},
		{"reply not for Postfix", `'(?i)over quota'`, `'(?i)over\s+quota'`, 22, "replies[0].match", `\s cannot be part`},
		{"reply anchored", `'(?i)over quota'`, `'(?i)^over quota'`, 22, "replies[0].match", `^ cannot be part`},
		{"reply anchored in a branch", `'(?i)over quota'`, `'over quota(\.|$)'`, 22, "replies[0].match", `$ cannot be part`},
		{"reply not in ASCII", `'(?i)over quota'`, `'over quot.|überzogen'`, 22, "replies[0].match", "not ASCII cannot be part"},
		{"reply with an empty branch", `'(?i)over quota'`, `'over( |)quota'`, 22, "replies[0].match", "|) cannot be part"},
		{"reply with a slash in brackets", `'(?i)over quota'`, `'over[ /]quota'`, 22, "replies[0].match", "[/] cannot be part"},
		{"reply with an escape in brackets", `'(?i)over quota'`, `'over[ \d]quota'`, 22, "replies[0].match", `[\] cannot be part`},
		{"last line", `match = '(?i)over quota'`, "match = '(?i)over quota'\nlast = '\\d'", 23, "replies[0].last", `\d cannot be part`},
		{"last line matches all", `match = '(?i)over quota'`, "match = '(?i)over quota'\nlast = 'x*'", 23, "replies[0].last", "empty line"},
		{"reply and its sample", `'(?i)over quota'`, `'over quota'`, 22, "replies[0].match", "own sample"},
		{"sample with code", `"5.2.2 Over quota"`, `"552 5.2.2 Over quota"`, 28, "replies[0].sample", "reply code"},
		{"scope", `scope = "rate"`, `scope = "mine"`, 24, "replies[0].scope", "account, recipient, rate, service"},
		{"retry", `retry = "wait"`, `retry = "never"`, 25, "replies[0].retry", "fix, wait, slow"},
		{"missing source", `source = "wiki"`, `source = "wikki"`, 29, "replies[0].source", "[source.wikki]"},
		{"source address", `"https://wiki.corp.example/mail"`, `"wiki"`, 32, "source.wiki.url", "not a web address"},
		{"date", "checked = 2026-11-22", "checked = 22.11.2026", 33, "", ""},
		{"date missing", "checked = 2026-11-22\n", "", 31, "source.wiki.checked", "want the date"},
		{"confidence", `confidence = "official"`, `confidence = "sure"`, 34, "source.wiki.confidence", "official, observed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(corp, tt.old) {
				t.Fatalf("corp.toml: got no %q in it, want it there to be replaced", tt.old)
			}
			path := write(t, t.TempDir(), "corp.toml", strings.Replace(corp, tt.old, tt.new, 1))
			_, err := Load(path)
			var fe *FileError
			if !errors.As(err, &fe) {
				t.Fatalf("Load: got the error %v, want a FileError", err)
			}
			if fe.File != path || fe.Line != tt.line || !strings.Contains(fe.Message, tt.message) || tt.key != "" && fe.Key != tt.key {
				t.Errorf("Load: got the error %v of %s, line %d, key %q, want one of %s, line %d, key %q (any if empty), with %q", err, fe.File, fe.Line, fe.Key, path, tt.line, tt.key, tt.message)
			}
		})
	}
}

func TestLoadReportsAllMistakes(t *testing.T) {
	text := strings.NewReplacer("port = 587", "port = 0", `"starttls"`, `"x"`, `"any"`, `"x"`).Replace(corp)
	_, err := Parse("corp.toml", []byte(text))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Fatalf("Parse of three mistakes: got the error %v, want one of three lines", err)
	}
	if want := "corp.toml:8: ports[0].port: 0 is not a port (1 to 65535)\ncorp.toml:9: ports[0].tls:"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Parse of three mistakes: got\n%v\nwant it to begin with\n%s", err, want)
	}
}

func TestLoadRefusesWhatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{
		"directory": dir,
		"device":    "/dev/zero",
		"none":      filepath.Join(dir, "none.toml"),
		"large":     write(t, dir, "large.toml", corp+strings.Repeat("# filler\n", maxFile/8)),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("Load (%s): got the error %v, want one with %q", name, err, path)
			}
		})
	}
}

func TestLoadDirAndMerge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "relays.d [x]")
	if got, err := LoadDir(dir); err != nil || len(got) != 0 {
		t.Errorf("LoadDir without the directory: got %v and the error %v, want no relay and no error", got, err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "corp.toml", corp)
	write(t, dir, "ses.toml", strings.Replace(corp, `"corp"`, `"ses"`, 1))
	write(t, dir, "notes.txt", "not a catalogue file")
	own, err := LoadDir(dir)
	if err != nil || len(own) != 2 {
		t.Fatalf("LoadDir: got %d relays and the error %v, want 2 and no error", len(own), err)
	}
	all := Merge(catalog(t), own)
	ses, err := Find(all, "ses")
	if len(all) != len(ids)+1 || err != nil || ses.Name != "Our own relay" {
		t.Errorf("%d services, ses is %q (%v), want %d and %q", len(all), ses.Name, err, len(ids)+1, "Our own relay")
	}
	if len(catalog(t)) != len(ids) || catalog(t)[0].Name != "Amazon SES" {
		t.Errorf("built-in catalogue after Merge: got %d relays, the first %q, want %d and %q", len(catalog(t)), catalog(t)[0].Name, len(ids), "Amazon SES")
	}
	write(t, dir, "zz.toml", corp)
	if _, err := LoadDir(dir); err == nil || !strings.Contains(err.Error(), "is taken by") {
		t.Errorf("the same id twice: got the error %v, want one with %q", err, "is taken by")
	}
}

// A catalogue of 1,000 files of one's own works.
func TestManyOwnFiles(t *testing.T) {
	dir := t.TempDir()
	for i := range 1000 {
		write(t, dir, fmt.Sprintf("own-%d.toml", i), strings.Replace(corp, `"corp"`, fmt.Sprintf(`"own-%d"`, i), 1))
	}
	start := time.Now()
	own, err := LoadDir(dir)
	if err != nil || len(own) != 1000 {
		t.Fatalf("got %d files, %v, want 1000", len(own), err)
	}
	all := Merge(catalog(t), own)
	if r, err := Find(all, "own-999"); err != nil || r.Name != "Our own relay" || len(all) != len(ids)+1000 {
		t.Errorf("%d relays, %s, %v, want %d and %q", len(all), r.Name, err, len(ids)+1000, "Our own relay")
	}
	fits(t, Table(all))
	t.Logf("1,000 files of one's own in %v", time.Since(start).Round(time.Millisecond))
}
