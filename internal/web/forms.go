package web

import (
	"fmt"
	"strconv"
	"strings"

	"relayhost/relays"
)

// given calls add for each answer of f that setup has a flag for, by the name of the
// flag; routes have none. Empty answers are left out, and so are the domains of --direct,
// of which there may be several.
func (f Form) given(add func(name, value string)) {
	h := f.Routes[0].Hops[0]
	port := ""
	if h.Port != 0 {
		port = strconv.Itoa(h.Port)
	}
	answers := [][2]string{{"relay", h.Relay}, {"region", h.Region}}
	if h.Relay == relays.SmarthostID {
		answers = [][2]string{{"smarthost", h.Host}}
	}
	answers = append(answers, [][2]string{{"port", port}, {"ca-file", h.CAFile}, {"from", f.Routes[0].From}, {"to", f.To}, {"root-to", f.RootTo}}...)
	for _, a := range answers {
		if value := strings.TrimSpace(a[1]); value != "" {
			add(a[0], value)
		}
	}
}

// flags are the words of a setup with the answers of f.
func (f Form) flags() (list []string) {
	add := func(name, value string) { list = append(list, "--"+name, quote(value)) }
	f.given(add)
	if len(f.Direct) > 0 {
		add("direct", strings.Join(f.Direct, ","))
	}
	return list
}

// several reports whether f needs relayhost.toml: it has more than one relay.
func (f Form) several() bool { return len(f.Routes) > 1 || len(f.Routes[0].Hops) > 1 }

// setup is the command that does on the server what the page shows.
func (f Form) setup() string {
	if f.several() {
		return "sudo relayhost setup" // relayhost.toml has the rest
	}
	return "sudo relayhost setup " + strings.Join(f.flags(), " ")
}

// quote makes a word of s for a POSIX shell.
func quote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("@%+=:,./_-", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// yamlString is s as a double-quoted scalar (YAML 1.2, section 7.3.1).
func yamlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteRune('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// ansible is a play with the collection's role (integrations/ansible). The account
// comes from a vault.
func (f Form) ansible() string {
	var b strings.Builder
	b.WriteString("- hosts: all\n  become: true\n  roles:\n    - role: relayhost.mail.relay\n      vars:\n")
	f.given(func(name, value string) {
		fmt.Fprintf(&b, "        relayhost_%s: %s\n", strings.ReplaceAll(name, "-", "_"), yamlString(value))
	})
	if len(f.Direct) > 0 {
		b.WriteString("        relayhost_direct:\n")
		for _, d := range f.Direct {
			fmt.Fprintf(&b, "          - %s\n", yamlString(d))
		}
	}
	if f.needsLogin() {
		b.WriteString("        relayhost_username: \"{{ vault_smtp_username }}\"\n        relayhost_password: \"{{ vault_smtp_password }}\"\n")
	}
	return b.String()
}

// cloudInit is user data that does the setup at the first boot. Credentials do not
// belong in it: every process of the server can read user data.
func (f Form) cloudInit() string {
	credentials, give := "", ""
	if f.needsLogin() {
		credentials = "write_files:\n  - path: /usr/local/sbin/relay-credentials\n    owner: root:root\n    permissions: \"0700\"\n    content: |\n" +
			"      #!/bin/sh\n      # Prints two lines, username=... and password=..., from where your secrets are kept.\n      exit 1\n\n"
		give = "/usr/local/sbin/relay-credentials | "
	}
	words := append([]string{"relayhost", "setup"}, f.flags()...)
	if give != "" {
		words = append(words, "--credentials-file", "-")
	}
	words = append(words, "--install", "--yes")
	return "#cloud-config\n# relayhost itself is in the image, or comes from a package repository of yours.\n" +
		"packages: [postfix, libsasl2-modules, ca-certificates]\n\n" + credentials + "runcmd:\n  - " + yamlString(give+strings.Join(words, " ")) + "\n"
}

// needsLogin reports whether the first relay takes an account.
func (f Form) needsLogin() bool {
	h := f.Routes[0].Hops[0]
	if h.Relay == relays.SmarthostID {
		return h.Login
	}
	r, err := relays.Get(h.Relay)
	return err == nil && len(r.Auth.Mechanisms) > 0
}
