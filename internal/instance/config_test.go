package instance

import (
	"fmt"
	"strings"
	"testing"

	"relayhost/internal/postfix"
)

func TestRelocate(t *testing.T) {
	moved := map[string]string{"/etc/postfix/sasl_passwd": "/i/0-sasl_passwd", "/etc/postfix/policy": "/i/1-policy"}
	for value, want := range map[string]string{
		"hash:/etc/postfix/sasl_passwd":                                 "hash:/i/0-sasl_passwd",
		"hash:/etc/postfix/policy, hash:/etc/postfix/sasl_passwd_other": "hash:/i/1-policy, hash:/etc/postfix/sasl_passwd_other",
		"hash:/etc/postfix/policy,hash:/etc/postfix/policy":             "hash:/i/1-policy,hash:/i/1-policy",
		"unionmap:{hash:/etc/postfix/policy}":                           "unionmap:{hash:/i/1-policy}",
		"/etc/postfix/policy":                                           "/etc/postfix/policy",
		"":                                                              "",
	} {
		t.Run(fmt.Sprintf("%.40q", value), func(t *testing.T) {
			if got := relocate(value, moved); got != want {
				t.Errorf("%s became %s, want %s", value, got, want)
			}
		})
	}
}

func TestPrivateConfiguration(t *testing.T) {
	i := &Instance{ConfigDir: "/i/etc", o: Options{Dir: "/i", Name: "x", Params: map[string]string{"smtp_host_lookup": "native"}}}
	i.directories = i.o.directories()
	i.Log.File = i.directories.log + "/mail.log"
	i.o.State.ConfigDir = "/etc/postfix"
	i.moved = map[string]string{"/etc/postfix/sasl_passwd": "/i/etc/0-sasl_passwd"}
	text, err := i.mainCF([]byte("relayhost = [h]:587\nqueue_directory = /var/spool/postfix\ncontent_filter = x:[127.0.0.1]:10025\n" +
		"smtp_sasl_password_maps = hash:${config_directory}/sasl_passwd\ntransport_maps = hash:$config_directory/t\nmulti_instance_wrapper = x\nsoft_bounce = no\n"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := postfix.ParseMain(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"relayhost": "[h]:587", "queue_directory": "/i/spool", "data_directory": "/i/data", "content_filter": "", "soft_bounce": "yes",
		"smtp_sasl_password_maps": "hash:/i/etc/0-sasl_passwd", "maillog_file": "/i/log/mail.log", "smtp_host_lookup": "native",
		"inet_interfaces": "loopback-only", "transport_maps": "hash:/etc/postfix/t",
	} {
		if got, ok := m.Get(name); !ok || got != want {
			t.Errorf("%s = %q (%v), want %q", name, got, ok, want)
		}
	}
	if _, ok := m.Get("multi_instance_wrapper"); ok {
		t.Error("main.cf: got multi_instance_wrapper in it, want none")
	}
	text, err = i.masterCF([]byte("smtp inet n - y - - smtpd\nsmtp unix - - y - - smtp\nlocal unix - n n - - local\n" +
		"maildrop unix - n n - - pipe\n  argv=/usr/bin/maildrop\nrelayhost-x unix - - n - - smtp\n  -o smtp_generic_maps=hash:/etc/postfix/sasl_passwd\n"))
	if err != nil {
		t.Fatal(err)
	}
	master, err := postfix.ParseMaster(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range master.Services() {
		if s.Type == "inet" || s.Chroot == "y" || s.Command == "local" || s.Command == "pipe" {
			t.Errorf("master.cf: got the service %+v, want none of type inet, in a chroot, or of local or pipe", s)
		}
	}
	if s, ok := master.Get("relayhost-x", "unix"); !ok || s.Options[0].Value != "hash:/i/etc/0-sasl_passwd" {
		t.Errorf("master.cf: got relayhost-x %+v (%v), want its first option to be %q", s, ok, "hash:/i/etc/0-sasl_passwd")
	}
	for _, name := range []string{"pickup", "cleanup", "qmgr", "rewrite", "bounce", "tlsmgr"} {
		if !strings.Contains(string(text), "\n"+name+" ") && !strings.HasPrefix(string(text), name+" ") {
			t.Errorf("master.cf: got\n%s\nwant a service %q in it", text, name)
		}
	}
}

func TestDirectories(t *testing.T) {
	if got := (Options{Name: "relayhost"}).directories(); got != (directories{"/etc/postfix-relayhost", "/var/spool/postfix-relayhost", "/var/lib/postfix-relayhost", "/var/lib/postfix-relayhost-log"}) {
		t.Errorf("got %+v, want %v", got, (directories{"/etc/postfix-relayhost", "/var/spool/postfix-relayhost", "/var/lib/postfix-relayhost", "/var/lib/postfix-relayhost-log"}))
	}
}
