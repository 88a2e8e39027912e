package lint

import "testing"

// lists are tables by path, each with its keys.
type lists map[string]map[string]string

func (l lists) Tables(maps string) []Table {
	var all []Table
	for _, t := range tablesOf("virtual_mailbox_domains", maps, "", 0, false) {
		all = append(all, Table{Type: t.typ, Path: t.path})
	}
	return all
}
func (l lists) Get(string, string) (string, bool)             { return "", false }
func (l lists) Closed(string) bool                            { return false }
func (l lists) Source(path string) (map[string]string, error) { return l[path], nil }

// TestOwnDomain: a domain is this server's by name, by a line of a file and by a key
// of a table, as postconf(5) has it for mydestination.
func TestOwnDomain(t *testing.T) {
	const file, table = "/etc/postfix/domains", "/etc/postfix/mailboxes"
	c := Config{
		Params: map[string]string{
			"mydestination": "here.example, !not.example, not.example, !!twice.example, " + file + " # comment.example", "virtual_alias_domains": "", "virtual_mailbox_domains": "hash:" + table, "myhostname": "mail.here.example",
		},
		Tables:   map[string][]byte{file: []byte("# ours\nfile.example, second.example\n  third.example # fourth.example\n"), table: []byte("table.example x\n")},
		Hostname: "mail", FQDN: "mail.full.example", Lookups: lists{table: {"table.example": "x"}},
	}
	for _, row := range []struct{ domain, want string }{
		{"here.example", "mydestination"}, {"HERE.example", "mydestination"}, {"file.example", "mydestination"}, {"second.example", "mydestination"},
		{"third.example", "mydestination"}, {"table.example", "virtual_mailbox_domains"}, {"elsewhere.example", ""},
		{"not.example", ""}, {"twice.example", "mydestination"}, {"comment.example", ""}, {"fourth.example", ""},
		{"mail.here.example", ""}, {"mail.full.example", ""}, {"example", ""},
	} {
		t.Run(row.domain, func(t *testing.T) {
			got := ""
			for _, f := range c.OwnDomain(row.domain) {
				got += f.Parameter
				if f.Rule != "mydestination_domain" {
					t.Errorf("rule: got %s, want mydestination_domain", f.Rule)
				}
			}
			if got != row.want {
				t.Errorf("parameter: got %q, want %q", got, row.want)
			}
		})
	}
}

// TestOversize: what this server takes is held against what the relay takes.
func TestOversize(t *testing.T) {
	for _, row := range []struct {
		here string
		most int64
		want int
	}{{"10240000", 10485760, 0}, {"20480000", 10485760, 1}, {"0", 10485760, 1}, {"10240000", 0, 0}, {"", 10485760, 0}} {
		t.Run(row.here, func(t *testing.T) {
			c := Config{Params: map[string]string{"message_size_limit": row.here}}
			if got := c.Oversize("X", row.most); len(got) != row.want {
				t.Errorf("got %+v, want %d findings", got, row.want)
			}
		})
	}
}

// TestUnusedName: the name is whole, also that of a parameter of a service.
func TestUnusedName(t *testing.T) {
	const name = "relayhost-shop_destination_concurrency_limit"
	m := unusedParameter.FindStringSubmatch("postconf: warning: /etc/postfix/main.cf: unused parameter: " + name + "=20")
	if m == nil || m[1] != name {
		t.Errorf("got %q, want %q", m, name)
	}
}
