//go:build lab

package cmd_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

// assertAPK reads a package as apk does, which is in no Debian: two streams of
// gzip behind each other, each a tar archive. The first has .PKGINFO with the
// checksum of the second as it is compressed, and does not end as an archive does;
// in the second every file has a checksum of its own. apk reads numbers as octal
// alone, so that a mode with more than the twelve bits of a file is a "package file
// format error" to it (https://github.com/goreleaser/nfpm/issues/1117).
func assertAPK(t *testing.T, data []byte) {
	t.Helper()
	control, rest := gunzip(t, data)
	if len(control) >= 1024 && bytes.Equal(control[len(control)-1024:], make([]byte, 1024)) {
		t.Error("the first stream ends with the end of an archive, want it to go on in the second")
	}
	info := map[string]string{}
	warns := false
	for _, e := range entries(t, control) {
		warns = warns || e.Name == ".pre-deinstall" && e.Mode&0o111 != 0 && bytes.Contains(e.data, []byte("apk removes the program all the same"))
		if e.Name == ".PKGINFO" {
			for line := range strings.Lines(string(e.data)) {
				if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
					info[name] = value
				}
			}
		}
	}
	if !warns {
		t.Error("got no .pre-deinstall that warns where Postfix starts the program, want one")
	}
	if sum := sha256.Sum256(rest); info["datahash"] != hex.EncodeToString(sum[:]) {
		t.Errorf("got the datahash %q, want that of the second stream, %x", info["datahash"], sum)
	}
	if info["pkgname"] != "relayhost" || info["pkgver"] != "1.2.3" || info["arch"] != "x86_64" || info["license"] != "Apache-2.0" || info["pkgdesc"] == "" {
		t.Errorf("got .PKGINFO %v, want pkgname %q, pkgver %q, arch %q, license %q and a pkgdesc", info, "relayhost", "1.2.3", "x86_64", "Apache-2.0")
	}
	files, after := gunzip(t, rest)
	if len(after) != 0 {
		t.Errorf("%d bytes behind the second stream, want 0", len(after))
	}
	names := 0
	for _, e := range entries(t, files) {
		names++
		if e.Mode&^0o7777 != 0 || strings.HasPrefix(e.Name, "/") || e.Uname != "root" || e.Gname != "root" {
			t.Errorf("%s: mode %o of %s:%s, want no %q at its start and %q and %q", e.Name, e.Mode, e.Uname, e.Gname, "/", "root", "root")
		}
		if sum := sha1.Sum(e.data); e.Typeflag == tar.TypeReg && e.PAXRecords["APK-TOOLS.checksum.SHA1"] != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: the checksum is %q, want %q", e.Name, e.PAXRecords["APK-TOOLS.checksum.SHA1"], hex.EncodeToString(sum[:]))
		}
		want := int64(0o755)
		if e.Typeflag == tar.TypeReg && e.Name != "usr/bin/relayhost" {
			want = 0o644
		}
		if e.Mode != want || strings.Contains(e.Name, "systemd") {
			t.Errorf("%s: mode %o, want no %q in it and %o", e.Name, e.Mode, "systemd", want)
		}
	}
	if names < 30 {
		t.Errorf("%d files and folders, want at least 30", names)
	}
}

// gunzip returns what the first stream holds, and the bytes behind it.
func gunzip(t *testing.T, data []byte) (content, rest []byte) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(data))
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	z.Multistream(false)
	if content, err = io.ReadAll(z); err == nil {
		rest, err = io.ReadAll(in)
	}
	if err != nil {
		t.Fatal(err)
	}
	return content, rest
}

type entry struct {
	*tar.Header
	data []byte
}

func entries(t *testing.T, archive []byte) []entry {
	t.Helper()
	var all []entry
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		var data []byte
		if err == nil {
			data, err = io.ReadAll(r)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{h, data})
	}
}
