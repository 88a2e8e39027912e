package lab

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"relayhost/internal/bridge/apitest"
	"relayhost/internal/smtpd"
)

// API starts the HTTPS API of a relay in the world, at its real host name on port
// 443. It checks what it gets as the documentation of the API says.
func API(id, host string) Option {
	return func(c *config) {
		c.services = append(c.services, func(w *World) { w.must(w.startAPI(id, host)) })
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

func (s *services) startAPI(id, host string) error {
	cert, err := s.ca.Issue([]string{host})
	if err != nil {
		return err
	}
	service := apitest.New(id)
	config := smtpd.ServerTLS(cert)
	config.NextProtos = []string{"h2", "http/1.1"}
	server := &http.Server{Handler: service, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(&bytes.Buffer{}, "", 0)}
	s.t.Cleanup(func() { _ = server.Close() })
	for _, addr := range s.host(host) {
		l, err := s.net.Listen("tcp", net.JoinHostPort(addr.String(), "443"))
		if err != nil {
			return fmt.Errorf("API %s: %w", id, err)
		}
		go func() { _ = server.ServeTLS(l, "", "") }()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.apis == nil {
		s.apis = map[string]*apitest.Service{}
	}
	s.apis[id] = service
	return nil
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
