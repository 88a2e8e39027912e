// Package apitest holds servers that answer as the HTTPS APIs of relays do: they
// check signature, form, size and limits as the documentation of each says (named in
// the file of the API in internal/bridge/api), and keep what they took. Tests and the
// lab run them on loopback and in the lab's world.
package apitest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The credentials that every server takes.
const (
	Key       = "Gehe1m-api-key-0123456789"
	Base64Key = "R2VoZTFtLWFwaS1rZXktMDEyMzQ1Njc4OQ==" // of Azure Communication Services
	AccessKey = "ASIAIOSFODNN7EXAMPLE"
	SecretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	Session   = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"
	Token     = "Gehe1m-access-token"

	MailjetUser = "0123456789abcdef0123456789abcdef" // the API key that Key belongs to
)

// forms are what the keys of some relays begin with.
var forms = map[string]string{"brevo": "xkeysib-", "sendgrid": "SG.", "resend": "re_", "mailersend": "mlsn.", "lettermint": "lm_"}

// KeyOf is the key that the server of an API takes where it takes one.
func KeyOf(id string) string {
	if id == "acs" {
		return Base64Key
	}
	return forms[id] + Key
}

// Got is a message that a server took.
type Got struct {
	Raw    []byte // of an API that takes the message as it is
	From   string
	To     []string // envelope, or all addresses of the fields
	Fields *Fields  // of an API that takes fields
	Key    string   // against duplicates

	Protocol string // of the request, "HTTP/2.0"
}

// Fields are the fields of a message, in one form for all APIs.
type Fields struct {
	From, Subject        string
	To, Cc, Bcc, ReplyTo []string // "name <address>", or the address
	Headers              map[string]string
	Text, HTML           string
	Files                []File
}

// File is an attachment.
type File struct {
	Name, Type, ID string
	Data           []byte
}

// Service is one API. The zero value of Answer is the API's own.
type Service struct {
	ID string
	// OCI has the public key of its user here.
	OCIKey any
	// Accept reports whether AWS keys are good; nil takes the ones above.
	Accept func(accessKey, session string) (secretKey string, ok bool)
	// AcceptToken reports whether an access token is good; nil takes Token.
	AcceptToken func(token string) bool

	mu       sync.Mutex
	got      []Got
	keys     map[string]string // against duplicates, and the id that was given
	requests int
	answer   func(n int, w http.ResponseWriter, r *http.Request) bool
}

// New is the server of the API id.
func New(id string) *Service { return &Service{ID: id, keys: map[string]string{}} }

// Answer has f answer in the API's place; n counts requests from 1. When f returns
// false the API answers.
func (s *Service) Answer(f func(n int, w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// Got are the messages so far, duplicates left out where the API recognises them.
func (s *Service) Got() []Got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Got(nil), s.got...)
}

// Requests is how many requests came.
func (s *Service) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// problem is a refusal in the API's own form.
type problem struct {
	status     int
	code, text string
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	n, answer := s.requests, s.answer
	s.mu.Unlock()
	if answer != nil && answer(n, w, r) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 80<<20))
	if err != nil || r.ContentLength != int64(len(body)) && r.ContentLength != -1 {
		http.Error(w, "the body is not complete", http.StatusBadRequest)
		return
	}
	a, ok := apis[s.ID]
	if !ok {
		http.Error(w, "no such API", http.StatusNotFound)
		return
	}
	if p := a.allow(s, r, body); p != nil {
		a.fail(w, *p)
		return
	}
	if r.URL.Path == a.checkPath {
		s.say(w, a.checkStatus, nil, a.checkBody)
		return
	}
	if r.Method != http.MethodPost || r.URL.RequestURI() != a.path {
		a.fail(w, problem{404, "NotFound", r.Method + " " + r.URL.RequestURI() + " is not part of this API"})
		return
	}
	got, p := a.take(r, body)
	if p != nil {
		a.fail(w, *p)
		return
	}
	got.Protocol = r.Proto
	s.mu.Lock()
	id := fmt.Sprintf("id-%d", len(s.got)+1)
	if old := s.keys[got.Key]; got.Key != "" && old != "" {
		id = old
	} else {
		s.got = append(s.got, got)
		s.keys[got.Key] = id
	}
	s.mu.Unlock()
	a.took(s, w, id, got)
}

func (s *Service) say(w http.ResponseWriter, status int, header map[string]string, body any) {
	for name, value := range header {
		w.Header().Set(name, value)
	}
	if body == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// decode reads JSON strictly: a member that the API does not document is a fault.
func decode(r *http.Request, body []byte, into any) *problem {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		return &problem{415, "unsupported_media_type", "Content-Type is " + kind}
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return &problem{400, "invalid_json", err.Error()}
	}
	return nil
}

// Hang takes the request and answers nothing until the client is gone.
func Hang(_ int, _ http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body) // only then the end of a connection is seen
	<-r.Context().Done()
	panic(http.ErrAbortHandler) // an answer now might still be read by who hangs up
}

// Huge answers 200 with a gigabyte.
func Huge(_ int, w http.ResponseWriter, r *http.Request) bool {
	_, _ = io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusOK)
	block := make([]byte, 1<<20)
	for range 1 << 10 {
		if _, err := w.Write(block); err != nil {
			return true
		}
	}
	return true
}

// near reports whether the date of a request is about now.
func near(at time.Time) bool { return time.Since(at).Abs() < 5*time.Minute }
