//go:build unix

package oauth

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Standing is how a sign-in stands, as far as files tell it without a connection. It
// holds no secret.
type Standing struct {
	Obtained time.Time // of the token that is stored; zero for none
	Ends     time.Time // of the client certificate, or of the secret as somebody has said; zero where it is not known
	Refused  *Refused  // what the provider said last, if it was no
}

// Refused is a request for a token that the provider has refused.
type Refused struct {
	Time   time.Time `json:"time"`
	Host   string    `json:"host"`
	Code   string    `json:"code"`
	Number string    `json:"number,omitempty"`
	Text   string    `json:"text,omitempty"`
}

// Refusal is r as the error that it was.
func (r Refused) Refusal() *Refusal {
	return &Refusal{Host: r.Host, Code: r.Code, Number: r.Number, Text: r.Text}
}

// Standing reads how the sign-in of s stands.
func (s Source) Standing() (Standing, error) {
	t, err := Load(s.Path, s.Client)
	if err != nil {
		return Standing{}, err
	}
	st := Standing{Obtained: t.Obtained, Ends: s.Client.SecretEnds}
	if !s.Client.Certificate.IsZero() {
		if st.Ends, err = certificateEnd(s.Client.Certificate); err != nil {
			return st, err
		}
	}
	text, err := readSmall(s.Path + ".refused")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return st, nil
	case err != nil:
		return st, err
	}
	var r Refused
	if json.Unmarshal(text, &r) == nil { // gone with the next token; times tell nothing where a clock was set
		st.Refused = &r
	}
	return st, nil
}

// maxRefused bounds the record of a refusal, in bytes.
const maxRefused = 4 << 10

func readSmall(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text := make([]byte, maxRefused)
	n, err := f.Read(text)
	if n == 0 && err != nil {
		return nil, err
	}
	return text[:n], nil
}

// noteRefusal records a refusal for status, and nil that there is none any more. It
// is a note: what cannot be written does not stop the mail.
func (s Source) noteRefusal(err error) {
	path := s.Path + ".refused"
	var r *Refusal
	if !errors.As(err, &r) {
		if err == nil {
			_ = os.Remove(path)
		}
		return
	}
	text, err := json.Marshal(Refused{s.now().UTC(), r.Host, r.Code, r.Number, r.Text})
	if err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".refused.*") // 0600
	if err != nil {
		return
	}
	err = handOver(f, path)
	if err == nil {
		_, err = f.Write(append(text, '\n'))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
}
