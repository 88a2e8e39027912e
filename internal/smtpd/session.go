package smtpd

import (
	"crypto/subtle"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is go-smtp's view of a connection: it decides, conn words it.
type session struct {
	c    *conn
	from string
	to   []string
}

func newSession(sc *smtp.Conn) (smtp.Session, error) {
	c, ok := sc.Conn().(*conn)
	if !ok {
		return nil, errors.New("not a known connection")
	}
	return &session{c: c}, nil
}

// answer has conn say r, and tells go-smtp whether that is a refusal.
func (s *session) answer(r Reply) error {
	s.c.instead = &r
	if r.Code/100 == 2 {
		return nil
	}
	return &smtp.SMTPError{Code: max(r.Code, 400), Message: "refused"}
}

// Reset forgets the message that was begun.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout has nothing to free.
func (s *session) Logout() error { return nil }

// AuthMechanisms are those of this connection as it is now.
func (s *session) AuthMechanisms() []string { return s.c.server.config().mechanisms(s.c.encrypted) }

// Auth begins an AUTH command (RFC 4954).
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	s.c.note(func(r *Session) { r.Mechanisms = append(r.Mechanisms, mechanism) })
	if !slices.Contains(s.AuthMechanisms(), mechanism) {
		if !s.c.encrypted && slices.Contains(s.c.server.config().mechanisms(true), mechanism) {
			return nil, s.answer(Reply{Code: 530, Enhanced: "5.7.0", Text: "Must issue a STARTTLS command first"})
		}
		return nil, s.answer(Reply{Code: 504, Enhanced: "5.5.4", Text: "Unrecognized authentication type"})
	}
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, username, password string) error {
			return s.logIn(username, password)
		}), nil
	case sasl.Login:
		return &loginServer{logIn: s.logIn}, nil
	case xoauth2:
		if s.c.server.config().Token != nil {
			return &tokenServer{s: s}, nil
		}
	}
	return nil, s.answer(Reply{Code: 535, Enhanced: "5.7.8", Text: "Authentication failed"})
}

// logIn says whether these are the credentials of an account.
func (s *session) logIn(username, password string) error {
	cfg := s.c.server.config()
	s.c.wait(cfg.Delays[StepAuth])
	right := slices.ContainsFunc(cfg.Accounts, func(a Account) bool {
		return a.Username == username && subtle.ConstantTimeCompare([]byte(a.Password.Reveal()), []byte(password)) == 1
	})
	return s.loggedIn(cfg, username, right)
}

// logInWithToken is logIn for a bearer token.
func (s *session) logInWithToken(username, token string) error {
	cfg := s.c.server.config()
	s.c.wait(cfg.Delays[StepAuth])
	refusal := cfg.Token(username, token)
	if refusal == nil {
		return s.loggedIn(cfg, username, true)
	}
	err := s.loggedIn(cfg, username, false)
	if _, told := cfg.Replies[StepAuth]; !told {
		return s.answer(*refusal)
	}
	return err
}

// loggedIn keeps the record of a login and words its outcome.
func (s *session) loggedIn(cfg Config, username string, right bool) error {
	reply, told := cfg.Replies[StepAuth]
	if !told && !right {
		reply, told = Reply{Code: 535, Enhanced: "5.7.8", Text: "Authentication credentials invalid"}, true
	}
	ok := right && (!told || reply.Code/100 == 2)
	s.c.server.mu.Lock()
	s.c.record.Username, s.c.record.Authenticated = username[:min(len(username), 255)], ok
	if ok {
		s.c.user = username
		s.c.server.counters.Logins++
	} else {
		s.c.server.counters.Refusals++
	}
	s.c.server.mu.Unlock()
	if told {
		return s.answer(reply)
	}
	return nil
}

// Mail begins a message.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	cfg := s.c.server.config()
	switch {
	case s.c.helo == "":
		return s.answer(Reply{Code: 503, Enhanced: "5.5.1", Text: "Send EHLO first"})
	case !cfg.NoAuth && s.c.user == "" && !s.c.encrypted && cfg.TLS != nil && !cfg.NoSTARTTLS:
		return s.answer(Reply{Code: 530, Enhanced: "5.7.0", Text: "Must issue a STARTTLS command first"})
	case !cfg.NoAuth && s.c.user == "":
		return s.answer(Reply{Code: 530, Enhanced: "5.7.0", Text: "Authentication required"})
	case cfg.MessagesPerConnection > 0 && s.c.record.Messages >= cfg.MessagesPerConnection:
		return s.answer(Reply{Code: 421, Enhanced: "4.7.0", Text: "Too many messages on this connection", Close: true})
	case opts.Size > cfg.maxBytes():
		return s.answer(Reply{Code: 552, Enhanced: "5.3.4", Text: "Message size exceeds fixed limit"})
	}
	if cfg.Sender != nil {
		if r := cfg.Sender(from); r != nil {
			return s.answer(*r)
		}
	}
	s.from = from
	return s.answer(Reply{Code: 250, Enhanced: "2.1.0", Text: "Ok"})
}

// Rcpt adds a recipient.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	cfg := s.c.server.config()
	if len(s.to) >= cfg.maxRecipients() || cfg.RecipientsPerConnection > 0 && s.c.record.Recipients >= cfg.RecipientsPerConnection {
		return s.answer(Reply{Code: 452, Enhanced: "4.5.3", Text: "Too many recipients"})
	}
	if cfg.Recipient != nil {
		if r := cfg.Recipient(s.from, to); r != nil {
			return s.answer(*r)
		}
	}
	s.to = append(s.to, to)
	s.c.note(func(rec *Session) { rec.Recipients++ })
	return s.answer(Reply{Code: 250, Enhanced: "2.1.5", Text: "Ok"})
}

// Data reads the message, also when it is refused then.
func (s *session) Data(r io.Reader) error {
	cfg := s.c.server.config()
	data, err := io.ReadAll(io.LimitReader(r, cfg.maxBytes()+1))
	if err != nil {
		return err
	}
	s.c.wait(cfg.Delays[StepMessage])
	if int64(len(data)) > cfg.maxBytes() {
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
		return s.answer(Reply{Code: 552, Enhanced: "5.3.4", Text: "Message size exceeds fixed limit"})
	}
	if reply, ok := cfg.Replies[StepMessage]; ok {
		return s.answer(reply)
	}
	if cfg.Message != nil {
		if reply := cfg.Message(Envelope{From: s.from, To: s.to, Username: s.c.user, Data: data}); reply != nil {
			return s.answer(*reply)
		}
	}
	var now Session
	s.c.note(func(rec *Session) {
		rec.Messages++
		now = rec.clone()
	})
	return s.answer(s.c.server.store(Message{From: s.from, To: s.to, Data: data, Session: now}))
}

// loginServer is the LOGIN mechanism (draft-murchison-sasl-login), of which
// go-sasl has the client only.
type loginServer struct {
	logIn    func(username, password string) error
	username *string
}

// Next takes the user name, then the password.
func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	switch {
	case response == nil:
		return []byte("Username:"), false, nil
	case l.username == nil:
		name := string(response)
		l.username = &name
		return []byte("Password:"), false, nil
	}
	return nil, true, l.logIn(*l.username, string(response))
}

// xoauth2 is the mechanism of a bearer token.
const xoauth2 = "XOAUTH2"

// tokenServer is the XOAUTH2 mechanism (Google: OAuth 2.0 Mechanism). A refusal
// may be worded as a challenge first, which the client answers with nothing.
type tokenServer struct {
	s          *session
	response   []byte
	challenged bool
}

// Next takes "user=NAME^Aauth=Bearer TOKEN^A^A".
func (x *tokenServer) Next(response []byte) ([]byte, bool, error) {
	if response == nil {
		return []byte{}, false, nil
	}
	if !x.challenged {
		x.response = response
	}
	var user, token string
	for field := range strings.SplitSeq(string(x.response), "\x01") {
		if v, ok := strings.CutPrefix(field, "user="); ok {
			user = v
		}
		if v, ok := strings.CutPrefix(field, "auth=Bearer "); ok {
			token = v
		}
	}
	cfg := x.s.c.server.config()
	if cfg.TokenChallenge != "" && !x.challenged && cfg.Token(user, token) != nil {
		x.challenged = true
		return []byte(cfg.TokenChallenge), false, nil
	}
	return nil, true, x.s.logInWithToken(user, token)
}
