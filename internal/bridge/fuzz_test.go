package bridge_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"relayhost/internal/bridge"
	"relayhost/internal/bridge/conf"
	"relayhost/internal/smtpprobe"
)

// sink takes everything and keeps what it was handed.
type sink struct {
	commands []bridge.Command
	messages int
}

func (s *sink) Extensions() []string { return []string{"8BITMIME"} }

func (s *sink) Envelope(_ context.Context, commands []bridge.Command) ([]smtpprobe.Reply, error) {
	var replies []smtpprobe.Reply
	for _, c := range commands {
		code := 250
		if c.Verb == bridge.Data {
			code = 354
		}
		replies = append(replies, smtpprobe.Reply{Code: code, Lines: []string{"ok"}})
	}
	s.commands = append(s.commands, commands...)
	return replies, nil
}

func (s *sink) Message(_ context.Context, r io.Reader) ([]smtpprobe.Reply, error) {
	_, err := io.Copy(io.Discard, r)
	s.messages++
	return []smtpprobe.Reply{{Code: 250, Lines: []string{"2.0.0 taken"}}}, err
}

func (s *sink) Reset() {}
func (s *sink) Close() {}

// FuzzDialogue: whatever comes in, the dialogue ends, no command that is handed on
// holds a line end, and every reply is one.
func FuzzDialogue(f *testing.F) {
	for _, seed := range []string{
		"LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n",
		"MAIL FROM:<\"a>b\"@c> SIZE=1\r\nRCPT TO:<>\r\n", "DATA\r\n..\r\n.\r\n", "RSET\nNOOP\n\n", "MAIL FROM:<a\\@b\r\n", "\x00\xff\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		ours, theirs := socketPair(t)
		defer ours.Close()
		hop := &sink{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = bridge.Serve(context.Background(), theirs, "bridge.example", func(context.Context) (bridge.Hop, error) { return hop, nil })
			_ = theirs.Close()
		}()
		_ = ours.SetDeadline(time.Now().Add(10 * time.Second))
		go func() {
			_, _ = ours.Write(input)
			if c, ok := ours.(interface{ CloseWrite() error }); ok {
				_ = c.CloseWrite()
			}
		}()
		out, err := io.ReadAll(ours)
		if err != nil {
			t.Fatalf("read the replies: got %v, want no error", err)
		}
		<-done
		for line := range bytes.Lines(out) {
			if len(line) < 6 || line[3] != ' ' && line[3] != '-' || !bytes.HasSuffix(line, []byte("\r\n")) {
				t.Errorf("reply: got %q, want 6 bytes or more, with a space or hyphen as the fourth and CRLF at the end", line)
			}
		}
		for _, c := range hop.commands {
			if strings.ContainsAny(c.String(), "\r\n\x00") {
				t.Errorf("command to the relay: got %q, want no CR, LF or NUL in it", c)
			}
		}
	})
}

// FuzzConfig: no text makes the parser panic, and no error quotes the text.
func FuzzConfig(f *testing.F) {
	f.Add("version = 1\nhost = \"h\"\nport = 587\ntls = \"starttls\"\nusername = \"u\"\npassword = \"Gehe1mPa55\"\nca_file = \"/x\"\n")
	f.Add("version = 1\nvia = \"https\"\nca_file = \"/x\"\n[api]\nid = \"resend\"\napi_key = \"Gehe1mPa55\"\n")
	f.Add("version = 1\n[oauth]\nclient_secret = \"Gehe1mPa55\"\nx = ")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := conf.Parse([]byte(text))
		if err != nil {
			if strings.Contains(err.Error(), "Gehe1mPa55") {
				t.Error("error: got the secret in it, want none of it")
			}
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatalf("Marshal of what Parse gave: got %v, want no error", err)
		}
		if _, err := conf.Parse(again); err != nil {
			t.Errorf("Parse of what Marshal gave: got %v, want no error", err)
		}
	})
}
