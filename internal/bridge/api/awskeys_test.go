package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/apitest"
	"relayhost/internal/bridge/conf"
)

func keysJSON(end time.Time) string {
	return fmt.Sprintf(`{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`, apitest.AccessKey, apitest.SecretKey, apitest.Session, end.UTC().Format(time.RFC3339))
}

// instance is a metadata service that takes version 2 alone.
func instance(t *testing.T, keys func() (int, string), asked *int) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const token = "AQAEALabToken=="
		const path = "/latest/meta-data/iam/security-credentials/"
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/latest/api/token" && r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds") != "":
			_, _ = w.Write([]byte(token))
		case r.Header.Get("X-aws-ec2-metadata-token") != token:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == path:
			_, _ = w.Write([]byte("mail-role\n"))
		case r.URL.Path == path+"mail-role":
			*asked++
			status, body := keys()
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// TestRole: SES by the role of the instance: keys are fetched once, renewed before
// they end, used until they end when the service fails, and fetched again when the
// API refuses them.
func TestRole(t *testing.T) {
	asked, fail, now := 0, false, time.Now()
	s := instance(t, func() (int, string) {
		if fail {
			return 500, ""
		}
		return 200, keysJSON(now.Add(6 * time.Hour))
	}, &asked)
	k := &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSInstance}, Metadata: s.URL, Now: func() time.Time { return now }}
	w := newWorld(t, "ses")
	w.client.Account.Keys = k
	for range 3 {
		if r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]; r.Code != 250 {
			t.Fatalf("reply: got %v, want 250", r)
		}
	}
	if asked != 1 {
		t.Errorf("keys fetched: got %d times, want 1", asked)
	}
	now = now.Add(5*time.Hour + 56*time.Minute)
	if _, err := k.Get(t.Context()); err != nil || asked != 2 {
		t.Errorf("before the end: got %v, fetched %d times, want renewed", err, asked)
	}
	now, fail = now.Add(5*time.Hour+56*time.Minute), true
	if _, err := k.Get(t.Context()); err != nil {
		t.Errorf("service fails before the end: got %v, want the old keys", err)
	}
	now = now.Add(10 * time.Minute)
	if _, err := k.Get(t.Context()); err == nil {
		t.Error("service fails after the end: got no error, want one")
	}
	now, fail, asked = time.Now(), false, 0
	k.Forget()
	first := true
	w.Accept = func(access, session string) (string, bool) {
		ok := !first
		first = false
		return apitest.SecretKey, ok
	}
	if r := w.send(t, message([]byte(simple), "app@example.com", "ops@example.net"))[0]; r.Code != 250 || asked != 2 {
		t.Errorf("refused keys: got %v, fetched %d times, want 250 and 2", r, asked)
	}
}

func TestKeysOfOtherSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := dir + "/" + name
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := write("token", "web-identity-token\n")
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "web-identity-token" || r.URL.Path != "/v1/credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(strings.Replace(keysJSON(time.Now().Add(time.Hour)), `"Code":"Success",`, "", 1)))
	}))
	t.Cleanup(container.Close)
	sts := roundTrip(func(r *http.Request) (*http.Response, error) {
		rec := httptest.NewRecorder()
		_ = r.ParseForm()
		if r.URL.Host != "sts.eu-west-1.amazonaws.com" || r.Form.Get("WebIdentityToken") != "web-identity-token" || r.Form.Get("RoleArn") != "arn:aws:iam::1:role/mail" {
			rec.WriteHeader(http.StatusForbidden)
			_, _ = rec.WriteString(`<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>`)
			return rec.Result(), nil
		}
		_, _ = fmt.Fprintf(rec, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
			apitest.AccessKey, apitest.SecretKey, apitest.Session, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		return rec.Result(), nil
	})
	file := write("credentials", "[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n\n[mail]\naws_access_key_id="+apitest.AccessKey+"\naws_secret_access_key = "+apitest.SecretKey+"\naws_session_token = "+apitest.Session+"\n")
	long := write("long", "[mail]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = x\n"+strings.Repeat("# note\n", 1<<20/7)+"aws_secret_access_key = y\n")
	for _, row := range []struct {
		name string
		keys *api.AWSKeys
		want string // of an error
	}{
		{"container", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSContainer, URL: container.URL + "/v1/credentials", TokenFile: token}}, ""},
		{"container elsewhere", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSContainer, URL: "http://192.0.2.1/x", TokenFile: token}}, "may not come from 192.0.2.1 without TLS"},
		{"web identity", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSWebIdentity, TokenFile: token, RoleARN: "arn:aws:iam::1:role/mail", Region: "eu-west-1"}, STS: &http.Client{Transport: sts}}, ""},
		{"web identity refused", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSWebIdentity, TokenFile: token, RoleARN: "arn:aws:iam::1:role/other", Region: "eu-west-1"}, STS: &http.Client{Transport: sts}}, "AccessDenied: Not authorized"},
		{"file", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSFile, Path: file, Profile: "mail"}}, ""},
		{"no profile", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSFile, Path: file, Profile: "none"}}, `profile "none"`},
		{"long file", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSFile, Path: long, Profile: "mail"}}, long + " has more than 1048576 bytes"},
		{"long token", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSContainer, URL: container.URL + "/v1/credentials", TokenFile: write("long-token", strings.Repeat("x", 64<<10+1))}}, "long-token has more than 65536 bytes"},
		{"no file", &api.AWSKeys{AWSKeys: conf.AWSKeys{Source: conf.AWSFile, Path: dir + "/none"}}, "no such file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, err := row.keys.Get(t.Context())
			if row.want != "" {
				if err == nil || !strings.Contains(err.Error(), row.want) {
					t.Errorf("got %v, want an error with %q", err, row.want)
				}
				return
			}
			if err != nil || got.AccessKeyID != apitest.AccessKey || got.SecretAccessKey != apitest.SecretKey || got.SessionToken != apitest.Session {
				t.Errorf("got %s, %v, want the keys", got.AccessKeyID, err)
			}
		})
	}
	env := map[string]string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/1"}
	if k, ok := conf.AWSFromEnvironment(func(n string) string { return env[n] }, "eu-west-1"); !ok || k.URL != "http://169.254.170.2/v2/credentials/1" || k.Validate() != nil {
		t.Errorf("environment: got %s, %v, want http://169.254.170.2/v2/credentials/1, true, and valid", k.URL, ok)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
