package api_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/htmlindex"

	"relayhost/internal/bridge/api"
	"relayhost/internal/bridge/apitest"
)

// stringly are the APIs that take the whole message as a string of JSON.
var stringly = []string{"sparkpost", "mandrill", "cloudflare"}

// refusals are the words of a refusal by message and API, from testdata/mail.
func refusals(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/mail/refused.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(f) < 3 || f[0] == "#" {
			continue
		}
		for _, a := range api.All() {
			if f[1] == a.ID || !a.Whole && (f[1] == "json" || f[1] == "*") || f[1] == "*" && slices.Contains(stringly, a.ID) {
				all[f[0]+" "+a.ID] = f[2]
			}
		}
	}
	return all
}

// envelope are the recipients of a message of the corpus.
func envelope(name string, data []byte) []string {
	switch name {
	case "to-undisclosed", "to-none", "to-other":
		return []string{"ops@example.net"}
	case "to-idn":
		return []string{"ops@xn--mller-kva.example"}
	case "to-group":
		return []string{"ops@example.net", "b@example.net"}
	case "to-bcc":
		return []string{"ops@example.net", "hidden@example.net"}
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		return []string{"ops@example.net"}
	}
	var to []string
	for _, h := range []string{"To", "Cc"} {
		list, _ := m.Header.AddressList(h)
		for _, a := range list {
			to = append(to, a.Address)
		}
	}
	return to
}

// TestCorpus: every kind of message arrives byte for byte where the API takes it as
// it is; with the same content where the API wants fields; or the reply says why not.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/mail/*.eml")
	if err != nil || len(files) < 200 {
		t.Fatalf("corpus: got %d messages, %v, want 200 at least", len(files), err)
	}
	refused := refusals(t)
	for _, id := range ids(t) {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, id)
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".eml")
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.HasSuffix(data, []byte("\n")) {
					data = append(data, '\n') // Postfix ends the last line
				}
				t.Run(name, func(t *testing.T) {
					before := len(w.Got())
					m := message(data, "app@example.com", envelope(name, data)...)
					want, _ := io.ReadAll(m.Reader())
					r := w.send(t, m)[0]
					if words, ok := refused[name+" "+id]; ok {
						if r.Code != 554 || !strings.Contains(r.Text, words) || len(w.Got()) != before {
							t.Errorf("reply: got %v, want a refusal with %q", r, words)
						}
						return
					}
					if r.Code != 250 || len(w.Got()) != before+1 {
						t.Fatalf("reply: got %v, want 250", r)
					}
					got := w.Got()[before]
					if got.Fields == nil {
						if !bytes.Equal(got.Raw, want) {
							t.Errorf("message: got %d bytes, want the %d that were sent:\n%.600q", len(got.Raw), len(want), got.Raw)
						}
						return
					}
					compare(t, id, name, got.Fields, want)
				})
			}
		})
	}
}

// leaf is one part of the original, by the standard library alone.
type leaf struct {
	kind, id  string
	raw, text []byte // text in UTF-8, of text parts
}

func leaves(t *testing.T, h map[string][]string, body io.Reader) []leaf {
	t.Helper()
	get := func(name string) string {
		if v := h[name]; len(v) > 0 {
			return v[0]
		}
		return ""
	}
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if kind == "" || err != nil && kind == "" {
		kind, params = "text/plain", map[string]string{}
	}
	if strings.HasPrefix(kind, "multipart/") {
		var all []leaf
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return all
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, leaves(t, p.Header, p)...)
		}
	}
	switch strings.ToLower(get("Content-Transfer-Encoding")) {
	case "base64":
		text, _ := io.ReadAll(body)
		text = bytes.Map(func(r rune) rune {
			if r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, text)
		body = base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text))
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	raw, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	l := leaf{kind: kind, raw: raw, text: raw, id: strings.Trim(get("Content-Id"), "<>")}
	if enc, err := htmlindex.Get(params["charset"]); err == nil && strings.HasPrefix(kind, "text/") {
		l.text, _ = enc.NewDecoder().Bytes(raw)
	}
	return append([]leaf(nil), l)
}

// names of attachments in the corpus that say more than the standard library reads.
var attachmentNames = map[string]string{
	"name-2231": "Grüße.pdf", "name-2231-latin1": "Grüße.pdf", "name-2231-continued": "lang er name.pdf", "name-encoded-word": "Grüße.pdf",
	"name-quotes": `a "b" c.pdf`, "name-utf8-raw": "Grüße.pdf", "mixed-attachment": "report.pdf", "mixed-text-attachment": "log.txt",
	"mixed-only-attachment": "r.pdf", "related-inline": "logo.png", "calendar-attached": "event.ics", "mixed-no-name": "part-1.pdf",
	"name-bidi": "\u202efdp.exe.pdf",
}

// subjects that the standard library does not read.
var subjects = map[string]string{"head-split-gb": "中文标题测试"}

// addressHeaders are the headers whose names have what means something in a list of
// addresses.
var addressHeaders = map[string]string{
	"head-addresses Sender":                      `"B, C" <b@example.com>`,
	"head-addresses Disposition-Notification-To": `"\"D\", E" <e@example.com>, f@example.com`,
}

func compare(t *testing.T, id, name string, got *apitest.Fields, original []byte) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(original))
	if err != nil {
		t.Fatal(err)
	}
	words := &mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
		charset, _, _ = strings.Cut(charset, "*")
		enc, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return enc.NewDecoder().Reader(r), nil
	}}
	want := func(header string) string {
		v, err := words.DecodeHeader(m.Header.Get(header))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(v), " ")
	}
	subject := subjects[name]
	if subject == "" {
		subject = want("Subject")
	}
	if s := strings.Join(strings.Fields(got.Subject), " "); s != subject {
		t.Errorf("subject: got %q, want %q", s, subject)
	}
	for header, list := range map[string][]string{"From": {got.From}, "To": got.To, "Cc": got.Cc, "Reply-To": got.ReplyTo} {
		parsed, _ := m.Header.AddressList(header)
		if name == "to-twice" && header == "Cc" && id == "sendgrid" {
			parsed = nil // who stands in To already
		}
		var wanted []string
		for _, a := range parsed {
			if a.Name == "" || header == "From" && id == "acs" {
				wanted = append(wanted, a.Address)
			} else {
				wanted = append(wanted, a.Name+" <"+a.Address+">")
			}
		}
		if !slices.Equal(list, wanted) {
			t.Errorf("%s: got %q, want %q", header, list, wanted)
		}
	}
	for header, values := range m.Header {
		switch header {
		case "From", "To", "Cc", "Reply-To", "Subject", "Date", "Received", "Return-Path", "Delivered-To", "X-Original-To", "Mime-Version":
			continue
		case "Message-Id":
			if id == "mailersend" || id == "mailjet" {
				continue
			}
		case "X-Mailer", "User-Agent", "Authentication-Results", "Received-Spf":
			if id == "mailjet" {
				continue
			}
		}
		if strings.HasPrefix(header, "Content-") {
			continue
		}
		found := ""
		for k, v := range got.Headers {
			if strings.EqualFold(k, header) {
				found = v
			}
		}
		if len(values) > 1 && len(got.Headers) > 0 {
			if last := values[len(values)-1]; !strings.Contains(found, last) { // a list of headers, which this form shows once
				t.Errorf("header %s: got %q, want %q in it", header, found, last)
			}
			continue
		}
		wanted := want(header)
		if w, ok := addressHeaders[name+" "+header]; ok {
			wanted = w
		}
		if a, b := strings.Join(strings.Fields(found), " "), wanted; a != b {
			t.Errorf("header %s: got %q, want %q", header, a, b)
		}
	}
	compareParts(t, id, name, got, leaves(t, m.Header, m.Body))
}

func compareParts(t *testing.T, id, name string, got *apitest.Fields, original []leaf) {
	t.Helper()
	text, html, files := got.Text, got.HTML, slices.Clone(got.Files)
	if name == "plain-flowed-delsp" {
		want := "words are cut and joined.\r\n> quoted\r\nnext\r\n"
		if text != want {
			t.Errorf("text: got %q, want %q", text, want)
		}
		return
	}
	for _, l := range original {
		if i := slices.IndexFunc(files, func(f apitest.File) bool { return bytes.Equal(f.Data, l.raw) && f.ID == l.id }); i >= 0 {
			f := files[i]
			files = slices.Delete(files, i, i+1)
			kind, _, _ := strings.Cut(f.Type, ";")
			if id != "brevo" && id != "mailersend" && kind != l.kind {
				t.Errorf("attachment %s: got type %q, want %q", f.Name, f.Type, l.kind)
			}
			if want := attachmentNames[name]; want != "" && f.Name != want {
				t.Errorf("attachment: got name %q, want %q", f.Name, want)
			}
			continue
		}
		if len(l.raw) == 0 && strings.HasPrefix(l.kind, "text/") {
			continue // an empty line stands for it, where an API wants one
		}
		switch string(l.text) {
		case text:
			text = ""
		case html:
			html = ""
		default:
			t.Errorf("part of type %s: got text %.200q and html %.200q, want %.200q as one of them", l.kind, got.Text, got.HTML, l.text)
		}
	}
	if strings.TrimSpace(text+html) != "" || len(files) > 0 {
		t.Errorf("parts that were not sent: got text %q, html %q, %d files, want none", text, html, len(files))
	}
	if l := fmt.Sprint(len(got.Files)); strings.HasPrefix(name, "calendar") && l == "0" {
		t.Error("calendar: got no file, want one or more")
	}
}
