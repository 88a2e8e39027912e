//go:build lab

package cmd_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"

	"relayhost/internal/smtpd"
)

// serveLMTP takes mail by LMTP (RFC 2033), each recipient with a reply of its own.
func (w *serverWorld) serveLMTP(r caseReceiver, l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = w.lmtpSession(r, conn) // the client sees what fails
		}()
	}
}

func (w *serverWorld) lmtpSession(r caseReceiver, conn net.Conn) error {
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = io.WriteString(conn, line+"\r\n") }
	say("220 " + r.Name + " LMTP")
	var from string
	var to []string
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); strings.ToUpper(verb) {
		case "LHLO":
			say("250-" + r.Name)
			say("250 PIPELINING")
		case "MAIL":
			from, to = between(rest), nil
			say("250 ok")
		case "RCPT":
			if r.Refuse != "" {
				say(r.Refuse)
				continue
			}
			to = append(to, between(rest))
			say("250 ok")
		case "DATA":
			if len(to) == 0 {
				say("554 no valid recipients")
				continue
			}
			say("354 go on")
			var data bytes.Buffer
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return err
				}
				if line == ".\r\n" {
					break
				}
				data.WriteString(line)
			}
			w.saveLMTP(r, smtpd.Envelope{From: from, To: to, Data: data.Bytes()}, say)
		case "QUIT":
			say("221 bye")
			return nil
		default:
			say("250 ok")
		}
	}
}

// saveLMTP keeps a message, or passes it on as a content filter, and says so once for
// each recipient.
func (w *serverWorld) saveLMTP(r caseReceiver, m smtpd.Envelope, say func(string)) {
	reply := "250 saved"
	if r.Reinject > 0 {
		if failed := w.reinject(r, m); failed != nil {
			reply = "451 " + failed.Text
		}
	} else {
		w.mu.Lock()
		w.lmtp = append(w.lmtp, received{r.Name, m.From, m.To, m.Data})
		w.mu.Unlock()
	}
	for range m.To {
		say(reply)
	}
}

// socketmap answers "name key" as a daemon with tables does (socketmap_table(5)):
// netstrings both ways.
func (w *serverWorld) socketmap(answers map[string]string) {
	l := w.listen("unix:/run/tables.socket")
	serve := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			var n int
			if _, err := fmt.Fscanf(in, "%d:", &n); err != nil || n > 4096 {
				return
			}
			text := make([]byte, n+1) // and a comma
			if _, err := io.ReadFull(in, text); err != nil {
				return
			}
			reply := "NOTFOUND "
			if value, ok := answers[string(text[:n])]; ok {
				reply = "OK " + value
			}
			fmt.Fprintf(conn, "%d:%s,", len(reply), reply)
		}
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serve(conn)
		}
	}()
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

// srs is postsrsd's protocol (tcp_table(5)) on its two ports: senders that are
// not of this server are rewritten to fwd.example.
func (w *serverWorld) srs() {
	for port, rewrite := range map[int]func(string) (string, bool){
		10001: func(key string) (string, bool) {
			user, domain, ok := strings.Cut(key, "@")
			if !ok || strings.HasSuffix(domain, "example.org") || strings.HasPrefix(user, "SRS0=") {
				return "", false
			}
			return "SRS0=abcd=TT=" + domain + "=" + user + "@fwd.example", true
		},
		10002: func(string) (string, bool) { return "", false },
	} {
		l := w.listen(fmt.Sprintf("127.0.0.1:%d", port))
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					for in := bufio.NewScanner(conn); in.Scan(); {
						key, _ := strings.CutPrefix(in.Text(), "get ")
						if value, ok := rewrite(key); ok {
							fmt.Fprintf(conn, "200 %s\n", value)
							continue
						}
						fmt.Fprint(conn, "500 no\n")
					}
				}()
			}
		}()
	}
}
