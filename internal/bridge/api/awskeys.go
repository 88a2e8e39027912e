//go:build unix

package api

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/secret"
)

// AWSKeys are keys of Amazon Web Services, fetched when they are needed, renewed
// before they end, and kept in memory only.
type AWSKeys struct {
	conf.AWSKeys

	// STS makes requests to the token service, which is verified with the system's
	// roots. Nil: HTTPClient.
	STS *http.Client
	// Metadata is the base address of the instance's metadata service; "" is the
	// real one.
	Metadata string
	Now      func() time.Time

	mu   sync.Mutex
	held aws.Credentials
}

// early is how long before their end keys are renewed, and late how long before it
// they are no longer used when that fails.
const (
	early = 5 * time.Minute
	late  = 30 * time.Second
)

// Get returns keys that hold for a while.
func (k *AWSKeys) Get(ctx context.Context) (aws.Credentials, error) {
	if k.Source == conf.AWSStatic {
		return aws.Credentials{AccessKeyID: k.AccessKey, SecretAccessKey: k.Secret.Reveal()}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if k.Now != nil {
		now = k.Now()
	}
	if k.held.AccessKeyID != "" && (!k.held.CanExpire || now.Add(early).Before(k.held.Expires)) {
		return k.held, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	fresh, err := k.fetch(ctx)
	if err == nil && fresh.CanExpire && !now.Before(fresh.Expires) {
		err = fmt.Errorf("the keys ended at %s", fresh.Expires.UTC().Format(time.RFC3339))
	}
	if err != nil {
		if k.held.AccessKeyID != "" && now.Add(late).Before(k.held.Expires) {
			return k.held, nil
		}
		return aws.Credentials{}, fmt.Errorf("get keys from %s: %w", k.where(), err)
	}
	k.held = fresh
	return fresh, nil
}

// Forget drops keys that the API has refused.
func (k *AWSKeys) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = aws.Credentials{}
}

func (k *AWSKeys) secrets() []secret.Value {
	k.mu.Lock()
	defer k.mu.Unlock()
	return []secret.Value{k.Secret, secret.New(k.held.SecretAccessKey), secret.New(k.held.SessionToken)}
}

func (k *AWSKeys) where() string {
	switch k.Source {
	case conf.AWSInstance:
		return "the role of this instance"
	case conf.AWSContainer:
		return "the role of this container"
	case conf.AWSWebIdentity:
		return "the role " + k.RoleARN
	}
	return k.Path
}

func (k *AWSKeys) fetch(ctx context.Context) (aws.Credentials, error) {
	switch k.Source {
	case conf.AWSInstance:
		return k.fromInstance(ctx)
	case conf.AWSContainer:
		return k.fromContainer(ctx)
	case conf.AWSWebIdentity:
		return k.fromWebIdentity(ctx)
	case conf.AWSFile:
		return k.fromFile()
	}
	return aws.Credentials{}, fmt.Errorf("unknown source %q", k.Source)
}

// plain asks link-local addresses: no proxy, no redirect, seconds.
var plain = &http.Client{
	Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: 2 * time.Second}).DialContext, ResponseHeaderTimeout: 5 * time.Second,
		DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10,
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

const (
	maxKeys = 64 << 10 // bytes of an answer with keys, and of a file with a token
	maxFile = 1 << 20  // bytes of a shared credentials file
)

func ask(client *http.Client, req *http.Request) ([]byte, error) {
	res, err := client.Do(req)
	if err != nil {
		var sent *url.Error
		if errors.As(err, &sent) {
			err = sent.Err
		}
		return nil, fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeys+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", req.URL.Host, err)
	case res.StatusCode != http.StatusOK:
		return body, &statusError{req.URL.Host, res.StatusCode}
	case len(body) > maxKeys:
		return nil, fmt.Errorf("%s: the answer is longer than %d bytes", req.URL.Host, maxKeys)
	}
	return body, nil
}

type statusError struct {
	host   string
	status int
}

func (e *statusError) Error() string { return fmt.Sprintf("%s: HTTP status %d", e.host, e.status) }

// fromInstance asks the instance's metadata service, version 2 (Amazon EC2 User
// Guide, Use the Instance Metadata Service, and Retrieve security credentials from
// instance metadata).
func (k *AWSKeys) fromInstance(ctx context.Context) (aws.Credentials, error) {
	base := k.Metadata
	if base == "" {
		base = "http://169.254.169.254"
	}
	get := func(method, path string, header map[string]string) (string, error) {
		req, err := http.NewRequestWithContext(ctx, method, base+path, nil)
		if err != nil {
			return "", err
		}
		for name, value := range header {
			req.Header.Set(name, value)
		}
		body, err := ask(plain, req)
		return strings.TrimSpace(string(body)), err
	}
	session, err := get(http.MethodPut, "/latest/api/token", map[string]string{"X-aws-ec2-metadata-token-ttl-seconds": "300"})
	if err != nil {
		return aws.Credentials{}, err
	}
	header := map[string]string{"X-aws-ec2-metadata-token": session}
	const path = "/latest/meta-data/iam/security-credentials/"
	role, err := get(http.MethodGet, path, header)
	var status *statusError
	if errors.As(err, &status) && status.status == http.StatusNotFound {
		return aws.Credentials{}, errors.New("no role is attached to this instance")
	}
	if err != nil {
		return aws.Credentials{}, err
	}
	role, _, _ = strings.Cut(role, "\n")
	text, err := get(http.MethodGet, path+url.PathEscape(role), header)
	if err != nil {
		return aws.Credentials{}, err
	}
	return parseKeys([]byte(text))
}

// fromContainer asks the endpoint of ECS or of the EKS Pod Identity agent (Amazon
// ECS Developer Guide, task IAM role).
func (k *AWSKeys) fromContainer(ctx context.Context) (aws.Credentials, error) {
	if err := conf.ContainerAddress(k.URL); err != nil {
		return aws.Credentials{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.URL, nil)
	if err != nil {
		return aws.Credentials{}, err
	}
	if k.TokenFile != "" {
		token, err := readToken(k.TokenFile)
		if err != nil {
			return aws.Credentials{}, err
		}
		req.Header.Set("Authorization", token)
	}
	client := plain
	if req.URL.Scheme == "https" {
		if client, err = k.sts(); err != nil {
			return aws.Credentials{}, err
		}
	}
	body, err := ask(client, req)
	if err != nil {
		return aws.Credentials{}, err
	}
	return parseKeys(body)
}

// parseKeys reads the JSON of metadata service and container endpoint.
func parseKeys(body []byte) (aws.Credentials, error) {
	var got struct {
		Code, Message, AccessKeyID, SecretAccessKey, Token string
		Expiration                                         time.Time
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return aws.Credentials{}, errors.New("the answer holds no keys")
	}
	if got.Code != "" && got.Code != "Success" {
		return aws.Credentials{}, fmt.Errorf("no keys: %.60s: %.200s", got.Code, got.Message)
	}
	if got.AccessKeyID == "" || got.SecretAccessKey == "" || got.Expiration.IsZero() {
		return aws.Credentials{}, errors.New("the answer holds no keys")
	}
	return aws.Credentials{AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.Token, CanExpire: true, Expires: got.Expiration}, nil
}

func (k *AWSKeys) sts() (*http.Client, error) {
	if k.STS != nil {
		return k.STS, nil
	}
	return HTTPClient(Options{})
}

// fromWebIdentity exchanges the token of a Kubernetes service account for keys (AWS
// Security Token Service API Reference, AssumeRoleWithWebIdentity, version
// 2011-06-15).
func (k *AWSKeys) fromWebIdentity(ctx context.Context) (aws.Credentials, error) {
	token, err := readToken(k.TokenFile)
	if err != nil {
		return aws.Credentials{}, err
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {k.RoleARN},
		"RoleSessionName": {"relayhost"}, "WebIdentityToken": {token},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://sts."+k.Region+".amazonaws.com/", strings.NewReader(form.Encode()))
	if err != nil {
		return aws.Credentials{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client, err := k.sts()
	if err != nil {
		return aws.Credentials{}, err
	}
	body, err := ask(client, req)
	text := func(element string) string { return xmlText(body, element) }
	expires, parsed := time.Parse(time.RFC3339, text("Expiration"))
	switch {
	case err != nil && text("Code") != "":
		return aws.Credentials{}, fmt.Errorf("%w: %.60s: %.200s", err, text("Code"), text("Message"))
	case err != nil:
		return aws.Credentials{}, err
	case parsed != nil || text("AccessKeyId") == "" || text("SecretAccessKey") == "":
		return aws.Credentials{}, errors.New("the answer holds no keys")
	}
	return aws.Credentials{
		AccessKeyID: text("AccessKeyId"), SecretAccessKey: text("SecretAccessKey"), SessionToken: text("SessionToken"),
		CanExpire: true, Expires: expires,
	}, nil
}

// xmlText is the text of the first element of that name, which has no attributes and no
// elements in it; "" for none. encoding/xml would make the program larger by 0.1 MB, for
// the six elements of this one answer.
func xmlText(document []byte, element string) string {
	_, rest, found := strings.Cut(string(document), "<"+element+">")
	text, _, closed := strings.Cut(rest, "</"+element+">")
	if !found || !closed {
		return ""
	}
	return html.UnescapeString(strings.TrimSpace(text))
}

// readToken reads a bearer token that somebody else renews.
func readToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeys+1))
	token := strings.TrimSpace(string(text))
	if err == nil && len(text) > maxKeys {
		return "", fmt.Errorf("%s has more than %d bytes", path, maxKeys)
	}
	if err == nil && (token == "" || strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r >= 0x7f })) {
		err = fmt.Errorf("%s holds no token", path)
	}
	return token, err
}

// fromFile reads a shared credentials file (AWS SDKs and Tools Reference Guide,
// shared config and credentials files). It is read again every few minutes, since
// other programs renew it.
func (k *AWSKeys) fromFile() (aws.Credentials, error) {
	f, err := os.Open(k.Path)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer f.Close()
	profile := k.Profile
	if profile == "" {
		profile = "default"
	}
	got := map[string]string{}
	inside := false
	left := &io.LimitedReader{R: f, N: maxFile + 1}
	scan := bufio.NewScanner(left)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			inside = strings.TrimSpace(strings.Trim(line, "[]")) == profile
		case inside:
			name, value, _ := strings.Cut(line, "=")
			got[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	if left.N <= 0 {
		return aws.Credentials{}, fmt.Errorf("%s has more than %d bytes", k.Path, maxFile)
	}
	if err := scan.Err(); err != nil {
		return aws.Credentials{}, errors.New("it is not in the form of a credentials file")
	}
	if got["aws_access_key_id"] == "" || got["aws_secret_access_key"] == "" {
		return aws.Credentials{}, fmt.Errorf("the profile %q has no aws_access_key_id and aws_secret_access_key", profile)
	}
	now := time.Now()
	if k.Now != nil {
		now = k.Now()
	}
	return aws.Credentials{
		AccessKeyID: got["aws_access_key_id"], SecretAccessKey: got["aws_secret_access_key"], SessionToken: got["aws_session_token"],
		CanExpire: true, Expires: now.Add(2 * early),
	}, nil
}
