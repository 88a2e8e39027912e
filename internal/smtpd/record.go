package smtpd

import (
	"slices"
	"time"
)

// maxCommands bounds the commands that are kept of one session.
const maxCommands = 10_000

// Session is what the server saw of one connection. Times are the server's.
type Session struct {
	ID         int    // from 1, in the order of the connections
	Remote     string // address and port of the client
	Local      string // address and port that it came to
	Implicit   bool   // TLS was to start with the first byte
	TLSVersion string // "TLS 1.3"; "" when the connection was never encrypted
	SNI        string // server name that the client asked for
	TLSError   string // why a handshake failed; "" if none did
	HELO       string // the name in the client's last EHLO or HELO

	Mechanisms    []string // of the AUTH commands, in order
	Username      string   // as given in the last AUTH, right or wrong
	Authenticated bool
	AuthBeforeTLS bool // an AUTH command came on the plain connection
	Injected      int  // bytes that came in the clear after STARTTLS

	Commands []string // verbs as they came, in capitals, the first 10,000
	Messages int      // messages taken

	Recipients int // RCPT commands that were taken

	Refused bool // turned away for too many connections
	Quit    bool // the client said QUIT
	Started time.Time
	Ended   time.Time // zero while it lasts
}

// Count returns how often the client gave a command.
func (s Session) Count(verb string) int {
	n := 0
	for _, c := range s.Commands {
		if c == verb {
			n++
		}
	}
	return n
}

func (s Session) clone() Session {
	s.Mechanisms, s.Commands = slices.Clone(s.Mechanisms), slices.Clone(s.Commands)
	return s
}

// Message is one that was taken.
type Message struct {
	From    string
	To      []string
	Data    []byte  // as it came, dots unstuffed, lines end in CR LF
	Reply   string  // the text of the reply, queue id included
	Session Session // as it was when the message came
	Time    time.Time
}

// Counters count since the start.
type Counters struct {
	Connections int // accepted by the listener
	Open        int // now
	MostOpen    int // at once
	Handshakes  int // TLS handshakes that completed
	Logins      int // AUTH that succeeded
	Refusals    int // AUTH that failed
	Messages    int // taken
}
