package lab

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/smtpd"
)

// API starts the HTTPS API of a relay in the world, at its real host names on port
// 443. It checks what it gets as the documentation of the API says.
func API(id string, hosts ...string) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) { w.must(w.startAPI(id, hosts)) })
	}
}

// API returns an API that the option [API] has started.
func (s *services) API(id string) *apitest.Service {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.apis[id]
	if !ok {
		s.t.Fatalf("lab: no API %q was started", id)
	}
	return a
}

func (s *services) startAPI(id string, hosts []string) error {
	service := apitest.New(id)
	for _, host := range hosts {
		if err := s.startHTTPS(host, service); err != nil {
			return fmt.Errorf("API %s: %w", id, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apis == nil {
		s.apis = map[string]*apitest.Service{}
	}
	s.apis[id] = service
	return nil
}

// startHTTPS serves handler at host, with a certificate for that name.
func (s *services) startHTTPS(host string, handler http.Handler) error {
	cert, err := s.ca.Issue([]string{host})
	if err != nil {
		return err
	}
	for _, addr := range s.host(host) {
		l, err := s.net.Listen("tcp", net.JoinHostPort(addr.String(), "443"))
		if err != nil {
			return err
		}
		server := apitest.Start(l, smtpd.ServerTLS(cert), handler)
		s.t.Cleanup(func() { _ = server.Close() })
	}
	return nil
}

// What the services of ContainerRoles know of.
const (
	ContainerPath    = "/v2/credentials/lab" // of the endpoint of ECS
	WebIdentityToken = "eyJ.lab.web-identity"
	WebIdentityRole  = "arn:aws:iam::111122223333:role/mail"
)

// ContainerRoles starts what gives containers on AWS their keys: the endpoint of ECS
// (Amazon ECS Developer Guide, task IAM role) and the token service of eu-west-1 (AWS
// Security Token Service API Reference, AssumeRoleWithWebIdentity). The keys are those
// that apitest takes.
func ContainerRoles() Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) {
			end := time.Now().Add(6 * time.Hour).UTC().Format(time.RFC3339)
			w.must(w.startMetadata(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet || r.URL.Path != ContainerPath {
					http.NotFound(rw, r)
					return
				}
				_, _ = fmt.Fprintf(rw, `{"RoleArn":%q,"AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`,
					WebIdentityRole, apitest.AccessKey, apitest.SecretKey, apitest.Session, end)
			}), []string{"169.254.170.2:80"}, nil))
			w.must(w.startHTTPS("sts.eu-west-1.amazonaws.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method != http.MethodPost || r.PostFormValue("Action") != "AssumeRoleWithWebIdentity" || r.PostFormValue("Version") != "2011-06-15" || r.PostFormValue("RoleSessionName") == "":
					rw.WriteHeader(http.StatusBadRequest)
				case r.PostFormValue("WebIdentityToken") != WebIdentityToken || r.PostFormValue("RoleArn") != WebIdentityRole:
					rw.WriteHeader(http.StatusForbidden)
					_, _ = fmt.Fprint(rw, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`)
				default:
					_, _ = fmt.Fprintf(rw, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
						apitest.AccessKey, apitest.SecretKey, apitest.Session, end)
				}
			})))
		})
	}
}

// awsRole are the documents of an EC2 instance's role (Amazon EC2 User Guide,
// Retrieve security credentials from instance metadata). The keys are those that
// apitest takes.
func awsRole(token map[string]string) []metadataRoute {
	const path = "/latest/meta-data/iam/security-credentials/"
	return []metadataRoute{
		{path: path, need: token, refuse: 401, body: "mail-role"},
		{path: path + "mail-role", need: token, refuse: 401, body: fmt.Sprintf(`{
  "Code" : "Success",
  "LastUpdated" : "2026-11-28T10:00:00Z",
  "Type" : "AWS-HMAC",
  "AccessKeyId" : %q,
  "SecretAccessKey" : %q,
  "Token" : %q,
  "Expiration" : %q
}`, apitest.AccessKey, apitest.SecretKey, apitest.Session, time.Now().Add(6*time.Hour).UTC().Format(time.RFC3339))},
	}
}
