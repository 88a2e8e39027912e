package apitest

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text))
	return h.Sum(nil)
}

var awsAuth = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/([0-9]{8})/([a-z0-9-]+)/ses/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$`)

// aws checks Signature Version 4 (AWS General Reference, Create a signed AWS API
// request).
func aws(s *Service, r *http.Request, body []byte) *problem {
	m := awsAuth.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil {
		return &problem{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	}
	secret, ok := SecretKey, m[1] == AccessKey && r.Header.Get("X-Amz-Security-Token") == Session
	if s.Accept != nil {
		secret, ok = s.Accept(m[1], r.Header.Get("X-Amz-Security-Token"))
	}
	if !ok {
		return &problem{403, "UnrecognizedClientException", "The security token included in the request is invalid."}
	}
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	if err != nil || !near(at) || !strings.HasPrefix(date, m[2]) || !strings.HasPrefix(r.Host, "email."+m[3]+".amazonaws.com") {
		return &problem{403, "InvalidSignatureException", "Signature expired or of another region"}
	}
	signed := strings.Split(m[4], ";")
	if !slices.IsSorted(signed) || !slices.Contains(signed, "host") {
		return &problem{403, "IncompleteSignature", "SignedHeaders"}
	}
	sum := sha256.Sum256(body)
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range signed {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, strings.TrimSpace(value))
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", m[4], hex.EncodeToString(sum[:]))
	hashed := sha256.Sum256([]byte(canonical.String()))
	scope := m[2] + "/" + m[3] + "/ses/aws4_request"
	key := mac(mac(mac(mac([]byte("AWS4"+secret), m[2]), m[3]), "ses"), "aws4_request")
	want := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hashed[:])))
	if want != m[5] {
		return &problem{403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."}
	}
	return nil
}

var ociAuth = regexp.MustCompile(`^Signature version="1",keyId="([^"]+)",algorithm="rsa-sha256",headers="([^"]+)",signature="([^"]+)"$`)

// OCIUser is the user whose signatures are taken: tenancy, user, fingerprint.
const OCIUser = "ocid1.tenancy.oc1..a/ocid1.user.oc1..b/20:3b:97"

// ociSigned checks Oracle's request signatures (OCI documentation, Request
// signatures).
func ociSigned(s *Service, r *http.Request, body []byte) *problem {
	m := ociAuth.FindStringSubmatch(r.Header.Get("Authorization"))
	if m == nil || m[1] != OCIUser {
		return &problem{401, "NotAuthenticated", "The required information to complete authentication was not provided."}
	}
	sum := sha256.Sum256(body)
	at, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil || !near(at) || r.Header.Get("X-Content-Sha256") != base64.StdEncoding.EncodeToString(sum[:]) {
		return &problem{401, "NotAuthenticated", "date or x-content-sha256"}
	}
	var lines []string
	for name := range strings.FieldsSeq(m[2]) {
		value := r.Header.Get(name)
		switch name {
		case "(request-target)":
			value = strings.ToLower(r.Method) + " " + r.URL.RequestURI()
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		lines = append(lines, name+": "+value)
	}
	for _, need := range []string{"date", "(request-target)", "host", "content-length", "content-type", "x-content-sha256"} {
		if !slices.Contains(strings.Fields(m[2]), need) {
			return &problem{401, "NotAuthenticated", need + " is not signed"}
		}
	}
	signature, _ := base64.StdEncoding.DecodeString(m[3])
	hashed := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	public, ok := s.OCIKey.(*rsa.PublicKey)
	if !ok || rsa.VerifyPKCS1v15(public, crypto.SHA256, hashed[:], signature) != nil {
		return &problem{401, "NotAuthenticated", "the signature is wrong"}
	}
	return nil
}

// azure checks the HMAC of Azure Communication Services.
func azure(_ *Service, r *http.Request, body []byte) *problem {
	sum := sha256.Sum256(body)
	hash := base64.StdEncoding.EncodeToString(sum[:])
	date := r.Header.Get("X-Ms-Date")
	at, err := http.ParseTime(date)
	key, _ := base64.StdEncoding.DecodeString(Base64Key)
	want := "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=" +
		base64.StdEncoding.EncodeToString(mac(key, r.Method+"\n"+r.URL.RequestURI()+"\n"+date+";"+r.Host+";"+hash))
	if err != nil || !near(at) || r.Header.Get("X-Ms-Content-Sha256") != hash || r.Header.Get("Authorization") != want {
		return &problem{401, "Denied", "Denied by the resource provider."}
	}
	return nil
}

// tokens takes an access token.
func tokens(s *Service, r *http.Request, _ []byte) *problem {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ok && (s.AcceptToken == nil && token == Token || s.AcceptToken != nil && s.AcceptToken(token)) {
		return nil
	}
	return &problem{401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."}
}

// header takes the key in a header.
func header(name, prefix, want string) func(*Service, *http.Request, []byte) *problem {
	return func(_ *Service, r *http.Request, _ []byte) *problem {
		if r.Header.Get(name) != prefix+want {
			return &problem{401, "unauthorized", "the key is not valid"}
		}
		return nil
	}
}
