package postfix

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAtInstance(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"postfix start", "postfix -c /etc/postfix-out start"},
		{"postfix stop; postfix start", "postfix -c /etc/postfix-out stop; postfix -c /etc/postfix-out start"},
		{"postconf -e 'maillog_file = /var/log/mail.log' && postfix stop && postfix start", "postconf -c /etc/postfix-out -e 'maillog_file = /var/log/mail.log' && postfix -c /etc/postfix-out stop && postfix -c /etc/postfix-out start"},
		{"df -h $(postconf -h queue_directory)", "df -h $(postconf -c /etc/postfix-out -h queue_directory)"},
		{"sudo postmap hash:/etc/postfix/a", "sudo postmap -c /etc/postfix-out hash:/etc/postfix/a"},
		{"postconf -n | grep -E '(hash|btree):'", "postconf -c /etc/postfix-out -n | grep -E '(hash|btree):'"},
		{"postconf -M | grep '^smtp '; ls | sort", "postconf -c /etc/postfix-out -M | grep '^smtp '; ls | sort"},
		{"echo x | sendmail root", "echo x | sendmail -C /etc/postfix-out root"},
		{"hold what waits first: postsuper -h ALL; then leave it", "hold what waits first: postsuper -c /etc/postfix-out -h ALL; then leave it"},
		{"Fix the line.\n  postfix check", "Fix the line.\n  postfix -c /etc/postfix-out check"},
		{"relayhost setup --port 465", "relayhost setup --config-dir /etc/postfix-out --port 465"},
		{"run it again: sudo relayhost verify", "run it again: sudo relayhost verify --config-dir /etc/postfix-out"},
		{"\"relayhost setup\", then relayhost verify.", "\"relayhost setup --config-dir /etc/postfix-out\", then relayhost verify --config-dir /etc/postfix-out."},
		{"relayhost verify --config-dir /etc/x; then relayhost status", "relayhost verify --config-dir /etc/x; then relayhost status --config-dir /etc/postfix-out"},
		{"relayhost setup, or relayhost verify --config-dir=/etc/x", "relayhost setup --config-dir /etc/postfix-out, or relayhost verify --config-dir=/etc/x"},
		{"--config-dir DIR is the directory of main.cf: see relayhost status", "--config-dir DIR is the directory of main.cf: see relayhost status --config-dir /etc/postfix-out"},
		{"postconf -n -c /etc/x && postfix reload", "postconf -n -c /etc/x && postfix -c /etc/postfix-out reload"},
		{"postqueue -p | tail -c 100", "postqueue -c /etc/postfix-out -p | tail -c 100"},
		// These stay.
		{"run relayhost rollback without --config-dir", "run relayhost rollback without --config-dir"}, {"postqueue -p -c /etc/x", "postqueue -p -c /etc/x"},
		{"relayhost setup --port 465 --config-dir /etc/x", "relayhost setup --port 465 --config-dir /etc/x"},
		{"", ""}, {"postfix -c /etc/postfix-out start", "postfix -c /etc/postfix-out start"}, {"relayhost verify --config-dir /etc/x", "relayhost verify --config-dir /etc/x"},
		{"systemctl start postfix@out", "systemctl start postfix@out"}, {"apt-get install postfix-pcre", "apt-get install postfix-pcre"}, {"see: postconf(5)", "see: postconf(5)"},
		{"queue: postqueue: fatal: Queue report unavailable", "queue: postqueue: fatal: Queue report unavailable"}, // which it has logged
		{"relayhost detect", "relayhost detect"}, {"the parameter relayhost", "the parameter relayhost"}, {"postfix-out/smtp: no", "postfix-out/smtp: no"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got := AtInstance(tt.text, "/etc/postfix-out")
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if again := AtInstance(got, "/etc/postfix-out"); again != got {
				t.Errorf("twice: got %q, want %q", again, got)
			}
			for _, dir := range []string{"", "/etc/postfix", "/etc/postfix/"} {
				if got := AtInstance(tt.text, dir); got != tt.text {
					t.Errorf("in %q: got %q, want %q", dir, got, tt.text)
				}
			}
		})
	}
	if got, want := AtInstance("postfix start", "/srv/it's mail"), `postfix -c '/srv/it'\''s mail' start`; got != want {
		t.Errorf("a directory with a quote and a blank: got %s, want %s", got, want)
	}
}

// TestInstanceDir: an instance has one name, by whatever path it is reached.
func TestInstanceDir(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "postfix-out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("postfix-out", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, tt := range []struct{ dir, want string }{
		{"postfix-out", dir + "/postfix-out"},
		{dir + "/postfix-out/", dir + "/postfix-out"},
		{dir + "/link", dir + "/postfix-out"},
		{"./link/../link", dir + "/postfix-out"},
		{dir + "/none/../gone", dir + "/gone"},
		{"/etc/postfix/", DefaultConfigDir},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			if got, err := InstanceDir(tt.dir); got != tt.want || err != nil {
				t.Errorf("got %s and the error %v, want %s", got, err, tt.want)
			}
		})
	}
}
