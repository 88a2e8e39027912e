//go:build lab

package cmd_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestLabServersRandom sets up a relay on servers whose routing is a random
// combination of what the cases of [TestLabServers] have: each message that left
// before leaves after, by the same way unless that was the default one; or setup
// refuses and changes nothing. LAB_SEED gives another first seed.
func TestLabServersRandom(t *testing.T) {
	t.Parallel()
	seed, n := uint64(20261128), 4
	if fullTable() {
		n = 100
	}
	if text := os.Getenv("LAB_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("LAB_SEED: want no error, got %v", err)
		}
	}
	for i := range n {
		seed := seed + uint64(i)
		t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
			t.Parallel()
			g := newGenerator(seed)
			g.build()
			r := &caseRun{T: t, c: &g.c, random: true}
			defer func() {
				if t.Failed() {
					t.Logf("verdict: %s LAB_SEED=%d, made by:\n%s", r.verdict(), seed, g.script.String())
				}
			}()
			r.play(g.script.String(), "")
		})
	}
}

// generator makes a random server and the messages that go through it.
type generator struct {
	*rand.Rand
	c      serverCase
	script strings.Builder
	main   []string
	master strings.Builder
	passwd []string
	tables int
	hops   map[string]bool
}

func newGenerator(seed uint64) *generator {
	return &generator{
		Rand: rand.New(rand.NewPCG(seed, 0)), hops: map[string]bool{},
		c: serverCase{
			Relay:  &caseRelay{Hosts: []string{"smtp.example.net"}, User: "user"},
			Setups: []caseStep{{Args: []string{"--smarthost", "smtp.example.net", "--port", "587", "--from", "me@example.org", "--to", "somebody@gmail.com"}, Exit: []int{0, 1, 3, 64}}},
			Verify: &caseStep{Exit: []int{0, 3}},
		},
	}
}

// one chooses.
func (g *generator) one(choices ...string) string { return choices[g.IntN(len(choices))] }

// mail adds a message that has to come by the same way, or after by the relay.
func (g *generator) mail(from, to, after string) {
	g.c.Mail = append(g.c.Mail, caseMail{From: from, To: to, After: after})
}

// table writes a table of one of the types and returns its name.
func (g *generator) table(lines ...string) string {
	g.tables++
	path := fmt.Sprintf("/etc/postfix/table%d", g.tables)
	typ := g.one("hash", "texthash", "btree")
	fmt.Fprintf(&g.script, "cat > %s <<'T'\n%s\nT\n", path, strings.Join(lines, "\n"))
	if typ != "texthash" {
		fmt.Fprintf(&g.script, "postmap %s:%s\n", typ, path)
	}
	return typ + ":" + path
}

// hop is a next hop: the relay itself, another one with or without a login, a
// server on this machine.
func (g *generator) hop() string {
	var r caseReceiver
	hop := g.one("[smtp.example.net]:587", "[smtp.other.example]:587", "[mail.corp.example]", "[127.0.0.1]:2600")
	switch hop {
	case "[smtp.example.net]:587":
		g.passwd = append(g.passwd, hop+" user:"+markedPassword)
		return hop
	case "[smtp.other.example]:587":
		r = caseReceiver{Name: "smtp.other.example", Address: "192.0.2.210:587", TLS: "starttls", User: "other"}
		g.passwd = append(g.passwd, hop+" other:"+markedPassword)
	case "[mail.corp.example]":
		r = caseReceiver{Name: "mail.corp.example", Address: "192.0.2.211:25", TLS: "starttls"}
	default:
		r = caseReceiver{Name: "local-server", Address: "127.0.0.1:2600", TLS: "starttls", Self: true}
	}
	if !g.hops[hop] {
		g.hops[hop] = true
		g.c.Receivers = append(g.c.Receivers, r)
	}
	return hop
}

// service adds an smtp(8) of its own.
func (g *generator) service(name string) string {
	fmt.Fprintf(&g.master, "%s unix - - n - - smtp\n  -o smtp_helo_name=%s.example.org\n", name, name)
	return name
}

func (g *generator) set(name, value string) { g.main = append(g.main, "'"+name+" = "+value+"'") }

// pieces are what a server can have. Each is there by chance.
var pieces = []func(*generator){
	func(g *generator) { g.set("relayhost", g.hop()) },
	func(g *generator) {
		to := g.one("smtp:", "relay:", g.service("slow")+":") + g.one("", g.hop())
		if g.IntN(3) == 0 {
			g.set("transport_maps", "inline:{{ yahoo.com = "+to+" }}")
		} else {
			g.set("transport_maps", g.table("yahoo.com "+to, "friend@gmail.com smtp:"))
			g.mail("", "friend@gmail.com", "same")
		}
		g.mail("", "somebody@yahoo.com", "same")
	},
	func(g *generator) {
		g.set("sender_dependent_relayhost_maps", g.table("@one.example "+g.hop()))
		g.mail("x@one.example", "somebody@gmail.com", "same")
	},
	func(g *generator) {
		g.set("sender_dependent_default_transport_maps", g.table("@two.example "+g.service("two")+":"+g.one("", g.hop()), "only@three.example smtp:"))
		g.mail("x@two.example", "somebody@gmail.com", "same")
		g.mail("only@three.example", "somebody@gmail.com", "same")
	},
	func(g *generator) {
		g.set("relay_domains", g.one("customer.example", g.table("customer.example OK")))
		g.mail("", "u@customer.example", "same|relay") // a relayhost was its default way, too
	},
	func(g *generator) {
		g.set("virtual_mailbox_domains", "own.example")
		g.set("virtual_mailbox_maps", "static:x")
		g.set("virtual_transport", "lmtp:inet:127.0.0.1:2424")
		g.c.Receivers = append(g.c.Receivers, caseReceiver{Name: "lmtp", Address: "127.0.0.1:2424", LMTP: true})
		g.mail("", "u@own.example", "same")
	},
	func(g *generator) {
		g.set("virtual_alias_domains", "alias.example")
		g.set("virtual_alias_maps", g.table("info@alias.example box@outlook.com", "here@alias.example root"))
		g.mail("", "here@alias.example", "same")
		g.mail("", "info@alias.example", "relay")
	},
	func(g *generator) {
		g.set("content_filter", "filter:[127.0.0.1]:10024")
		g.c.Receivers = append(g.c.Receivers, caseReceiver{Name: "filter", Address: "127.0.0.1:10024", Reinject: 10025})
		g.master.WriteString("filter unix - - n - 2 smtp\n  -o smtp_tls_security_level=none\n  -o smtp_tls_wrappermode=no\n  -o smtp_generic_maps=\n" +
			"127.0.0.1:10025 inet n - n - - smtpd\n  -o content_filter=\n  -o smtpd_recipient_restrictions=permit_mynetworks,reject\n  -o mynetworks=127.0.0.0/8\n")
	},
	func(g *generator) { g.set("default_transport", g.one("smtp", "relay", g.service("ours"))) },
	func(g *generator) { g.set("sender_canonical_maps", g.table("root noreply@example.org")) },
	func(g *generator) { g.set("smtp_generic_maps", g.table("@srv.example.org host@example.org")) },
	func(g *generator) {
		g.set("mydestination", "$myhostname, example.org, localhost")
		g.mail("", "root@example.org", "same")
	},
	func(g *generator) { g.script.WriteString("postconf -P 'smtp/unix/smtp_helo_name=out.example.org'\n") },
	func(g *generator) { g.set("smtp_tls_session_cache_database", "btree:${data_directory}/smtp_scache") },
}

// build puts a server together.
func (g *generator) build() {
	g.mail("", "somebody@gmail.com", "relay")
	g.mail("", "root", "same")
	for _, i := range g.Perm(len(pieces))[:2+g.IntN(5)] {
		pieces[i](g)
	}
	g.set("smtp_tls_security_level", g.one("may", "may", "encrypt"))
	if len(g.passwd) > 0 {
		g.set("smtp_sasl_auth_enable", "yes")
		g.set("smtp_sasl_security_options", "noanonymous")
		g.set("smtp_sasl_password_maps", g.table(g.passwd...))
	}
	fmt.Fprintf(&g.script, "postconf -e %s\n", strings.Join(g.main, " "))
	fmt.Fprintf(&g.script, "cat >> /etc/postfix/master.cf <<'C'\n%sC\n", g.master.String())
}
