package lab

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"relayhost/internal/secret"
	"relayhost/internal/smtpd"
	"relayhost/relays"
)

// RelayService is a relay service as it runs in the world.
type RelayService struct {
	*smtpd.Server
	ID    string
	Hosts []RelayHost // the default host first

	// Username and Password are those of the default account, of the form
	// that the service gives out.
	Username, Password string
	// SecretAccessKey is set for SES: what Password was derived from.
	SecretAccessKey string

	ca *CA
}

// RelayHost is one host name of a service and where it answers.
type RelayHost struct {
	Name  string
	Addrs []netip.Addr // IPv4, IPv6
	Ports []relays.Port
}

// Relay starts a service of the catalogue at its host names, on all of its
// ports, with one account. Services whose host names follow a pattern are
// there in the catalogue's example region, and SES in us-east-1 and
// eu-central-1 too. change adjusts the behaviour before the first connection.
func Relay(id string, change ...func(*smtpd.Config)) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) {
			r, err := relays.Get(id)
			w.must(err)
			w.must(w.startRelay(r, catalogHosts(r), change))
		})
	}
}

// RelayAt starts a relay that the catalogue does not know, under the id
// "smarthost", at these host names and ports. Its account is relayuser.
func RelayAt(hosts []string, ports []relays.Port, change ...func(*smtpd.Config)) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) {
			r := relays.Relay{ID: relays.SmarthostID, Ports: ports}
			w.must(w.startRelay(r, hosts, change))
		})
	}
}

// Relay returns a service that the option [Relay] has started.
func (s *services) Relay(id string) *RelayService {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.relays[id]
	if !ok {
		s.t.Fatalf("lab: no relay service %q was started", id)
	}
	return r
}

// catalogHosts are the names that a service is started at.
func catalogHosts(r relays.Relay) []string {
	var hosts []string
	for _, region := range slices.Concat([]string{"", r.Hosts.Example}, moreRegions[r.ID], r.Hosts.Regions()) {
		if region == "" && r.NeedsRegion() {
			continue
		}
		if host, err := r.Host(region); err == nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

var moreRegions = map[string][]string{"ses": {"us-east-1", "eu-central-1"}}

// startRelay opens every port of every host.
func (s *services) startRelay(r relays.Relay, hosts []string, change []func(*smtpd.Config)) error {
	cert, err := s.ca.Issue(hosts)
	if err != nil {
		return err
	}
	service := &RelayService{ID: r.ID, ca: s.ca}
	cfg := relayConfig(r)
	cfg.Name, cfg.TLS = hosts[0], smtpd.ServerTLS(cert)
	cfg.Accounts = service.accounts(r, hosts)
	for _, f := range change {
		f(&cfg)
	}
	service.Server = smtpd.New(cfg)
	s.t.Cleanup(func() { _ = service.Close() })
	for _, name := range hosts {
		h := RelayHost{Name: name, Addrs: s.host(name), Ports: r.Ports}
		for _, addr := range h.Addrs {
			for _, p := range r.Ports {
				l, err := s.net.Listen("tcp", net.JoinHostPort(addr.String(), strconv.Itoa(p.Port)))
				if err != nil {
					return fmt.Errorf("relay %s: %w", r.ID, err)
				}
				service.Start(l, p.TLS == relays.Implicit)
			}
		}
		service.Hosts = append(service.Hosts, h)
	}
	if domain, ok := strings.CutPrefix(r.DNS.SPF, "include:"); ok && !strings.ContainsAny(domain, "< ") {
		s.DNS.Set(domain, "TXT", "v=spf1 ip4:198.51.100.0/24 ip6:2001:db8:25::/64 -all")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relays[r.ID] = service
	return nil
}

// relayConfig is what the catalogue says about the service's behaviour.
func relayConfig(r relays.Relay) smtpd.Config {
	cfg := smtpd.Config{
		// The embedded server cannot check a digest: a client that prefers
		// those would fail here and log in at the real service.
		Mechanisms: slices.DeleteFunc(slices.Clone(r.Auth.Mechanisms), func(m string) bool {
			return strings.HasSuffix(m, "-MD5")
		}),
		MaxBytes:              r.Limits.MessageBytes,
		MaxRecipients:         r.Limits.Recipients,
		MaxConnections:        r.Limits.Connections,
		MessagesPerConnection: r.Limits.MessagesPerConnection,

		RecipientsPerConnection: r.Limits.RecipientsPerSession,
	}
	for _, word := range r.EHLO.Offers {
		if word != "SIZE" {
			cfg.Extensions = append(cfg.Extensions, word)
		}
	}
	if h, ok := habits[r.ID]; ok {
		cfg.AuthWithoutTLS, cfg.Accepted = h.authFirst, h.accepted
		if h.extensions != nil {
			cfg.Extensions = h.extensions
		}
	}
	return cfg
}

// habit is how a service differs in what the catalogue does not tell.
type habit struct {
	extensions []string // nil: the usual ones
	authFirst  bool     // offers AUTH before STARTTLS
	accepted   func(n int) smtpd.Reply
}

// habits: AUTH before STARTTLS of SendGrid as in github.com/sendgrid/docs issue
// 2191 (2016-09-21), of Mailgun as in pastebin.com/TkYJJTpt (2018-08-16); SES was
// seen without PIPELINING. The reply to a message is documented by Cloudflare
// (developers.cloudflare.com, email-service/api/send-emails/smtp), those of the
// others are recalled.
var habits = map[string]habit{
	"ses": {
		extensions: []string{"8BITMIME"},
		accepted:   said("Ok 0100018c5f2b%04x-3c1e9d7a-8f4b-4c2d-9e6f-1a2b3c4d5e6f-000000"),
	},
	"sendgrid": {
		authFirst: true,
		accepted:  said("Ok: queued as kPqr7XwTQ9yL2mN8vB%04x"),
	},
	"mailgun": {
		authFirst: true,
		accepted:  said("Great success %d"),
	},
	"postmark":   {accepted: said("2.0.0 Ok: queued as 4c%06x-0a7b-4e19-b1f6-2d3c4b5a6978")},
	"cloudflare": {accepted: said("2.0.0 Ok <%04xjZTWt0pQO4p2LG7ByfkeSYUvT@example.com>")},
	"brevo":      {accepted: said("2.0.0 OK: queued as <2026112201%04d.4711@smtp-relay.brevo.com>")},
}

func said(format string) func(int) smtpd.Reply {
	return func(n int) smtpd.Reply { return smtpd.Reply{Code: 250, Text: fmt.Sprintf(format, n)} }
}

// accounts makes the default account, and for SES one password a region.
func (r *RelayService) accounts(relay relays.Relay, hosts []string) []smtpd.Account {
	a, ok := defaultAccounts[r.ID]
	if user := relay.Auth.Username; !ok && user.Example != "" {
		a, ok = [2]string{user.Example, relay.Auth.Password.Example}, true
	}
	if !ok {
		a = [2]string{"relayuser", "correct-horse-battery-staple"}
	}
	r.Username, r.Password = a[0], a[1]
	if r.ID != "ses" {
		return []smtpd.Account{{Username: r.Username, Password: secret.New(r.Password)}}
	}
	r.SecretAccessKey = r.Password
	r.Password = ""
	var all []smtpd.Account
	for _, host := range hosts {
		_, region, _ := relays.ByHost([]relays.Relay{relay}, host)
		password := relays.SESPassword(r.SecretAccessKey, region)
		if r.Password == "" {
			r.Password = password // of the first host
		}
		all = append(all, smtpd.Account{Username: r.Username, Password: secret.New(password)})
	}
	return all
}

// defaultAccounts are user name and password of one customer each, made up by
// the rules of the service, where its file in the catalogue has no example. SES has the secret access key that AWS uses in its
// documentation.
var defaultAccounts = map[string][2]string{
	"ses":          {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
	"sendgrid":     {"apikey", "SG." + strings.Repeat("a1B2c3D4e5F", 2) + "." + strings.Repeat("Zy9-Xw8_Vu7", 3) + "0123456789"},
	"mailgun":      {"postmaster@mg.example.com", "0123456789abcdef0123456789abcdef-01234567-89abcdef"},
	"postmark":     {"7c1f9a52-3b0e-4d68-9a17-5e2c8b4f6d01", "7c1f9a52-3b0e-4d68-9a17-5e2c8b4f6d01"},
	"brevo":        {"8a1b2c001@smtp-brevo.com", "xsmtpsib-" + strings.Repeat("0123456789abcdef", 4) + "-AbCdEfGh12345678"},
	"m365":         {"mailer@example.com", "Correct-Horse-7"},
	"acs":          {"acs-example.11111111-2222-4333-8444-555555555555.66666666-7777-4888-9999-aaaaaaaaaaaa", "abc8Q~defghijklmnopqrstuvwxyz01234567890"},
	"gmail-relay":  {"mailer@example.com", "abcdefghijklmnop"},
	"gmail":        {"mailer@gmail.com", "abcdefghijklmnop"},
	"yahoo":        {"mailer@yahoo.com", "abcdefghijklmnop"},
	"ovh":          {"mailer@example.com", "Correct-Horse-7"},
	"mailjet":      {"0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"},
	"sparkpost":    {"SMTP_Injection", "0123456789abcdef0123456789abcdef01234567"},
	"smtp2go":      {"example.com", "CorrectHorse77"},
	"resend":       {"resend", "re_AbCdEfGh_0123456789abcdefghijkl"},
	"mailersend":   {"MS_aB3dE6@example.com", "mssp.aB3dE6f.z3m5jgr0dpo4dpyo.Gh1Jk2L"},
	"mailtrap":     {"api", "0123456789abcdef0123456789abcdef"},
	"scaleway":     {"11111111-2222-4333-8444-555555555555", "66666666-7777-4888-9999-aaaaaaaaaaaa"},
	"zeptomail":    {"emailapikey", strings.Repeat("wSsVR60x", 12) + "Qg=="},
	"elasticemail": {"mailer@example.com", strings.Repeat("0123456789AB", 3)},
	"oci":          {"ocid1.user.oc1..aaaaaaaaexampleuser@ocid1.tenancy.oc1..aaaaaaaaexampletenancy.ab.com", "x$7Gk#2pQ!(9zTw"},
	"alibaba":      {"mailer@mail.example.com", "CorrectHorse77"},
	"mandrill":     {"example", "AbCdEfGhIjKlMnOpQr_012"},
}
