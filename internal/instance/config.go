package instance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"relayhost/internal/bridge/conf"
	"relayhost/internal/config"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// makeDirectories makes the directories with the owners that Postfix demands: the queue
// is root's, the data directory mail_owner's, and mail_owner must reach both.
func (i *Instance) makeDirectories() error {
	uid, gid, err := idsOf(i.o.State.MailOwner)
	if err != nil {
		return err
	}
	if i.o.Dir != "" {
		if err := i.h.Mkdir(i.o.Dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	f := i.directories
	if err := i.h.Mkdir(f.config, 0o755); err != nil {
		return err
	}
	if err := i.h.LabelAs(f.config, i.o.State.ConfigDir); err != nil {
		return err
	}
	if err := i.write(marker, nil, 0o644); err != nil {
		return err
	}
	for _, dir := range []string{f.queue, f.data, f.log} {
		mode := os.FileMode(0o755)
		if dir != f.queue {
			mode = 0o700
		}
		if err := i.h.Mkdir(dir, mode); err != nil {
			return err
		}
		model := i.o.State.DataDir // of the log as well: postlogd(8) may write there
		if dir == f.queue {
			model = i.o.State.Params["queue_directory"]
		}
		if err := i.h.LabelAs(dir, model); err != nil {
			return err
		}
	}
	if err := os.Chown(i.h.Real(f.data), uid, gid); err != nil {
		return fmt.Errorf("give the data directory to %s: %w", i.o.State.MailOwner, err)
	}
	return nil
}

// queueDirectories are those below queue_directory with their modes (postfix-files(5)
// of Postfix 3.5 to 3.11): all are mail_owner's but "pid", which is root's.
var queueDirectories = map[string]os.FileMode{
	"active": 0o700, "bounce": 0o700, "corrupt": 0o700, "defer": 0o700, "deferred": 0o700, "flush": 0o700, "hold": 0o700,
	"incoming": 0o700, "private": 0o700, "saved": 0o700, "trace": 0o700, "maildrop": 0o730, "public": 0o710, "pid": 0o755,
}

// makeQueue makes the directories of the queue; where there is no mail, those alone
// that master(8) needs. "postfix check" does that with a hundred processes.
func (i *Instance) makeQueue() error {
	uid, _, err := idsOf(i.o.State.MailOwner)
	if err != nil {
		return err
	}
	group := -1
	if !i.o.Routing {
		g, err := user.LookupGroup(cmp.Or(i.o.State.Params["setgid_group"], "postdrop"))
		if err != nil {
			return fmt.Errorf("group of the queue: %w", err)
		}
		if group, err = strconv.Atoi(g.Gid); err != nil {
			return err
		}
	}
	for name, mode := range queueDirectories {
		shared := name == "maildrop" || name == "public"
		if i.o.Routing && name != "pid" && name != "private" && name != "public" {
			continue
		}
		dir := filepath.Join(i.directories.queue, name)
		// The mode of the call is cut by the umask.
		err := i.h.Mkdir(dir, mode)
		switch {
		case err != nil || name == "pid":
		case shared:
			err = errors.Join(os.Chown(i.h.Real(dir), uid, group), os.Chmod(i.h.Real(dir), mode))
		default:
			err = os.Chown(i.h.Real(dir), uid, -1)
		}
		if queue := i.o.State.Params["queue_directory"]; err == nil && queue != "" {
			err = i.h.LabelAs(dir, filepath.Join(queue, name))
		}
		if err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	return nil
}

// idsOf are the numbers of mail_owner.
func idsOf(mailOwner string) (uid, gid int, err error) {
	u, err := user.Lookup(mailOwner)
	if err != nil {
		return 0, 0, fmt.Errorf("owner of the data directory: %w", err)
	}
	uid, err = strconv.Atoi(u.Uid)
	if err == nil {
		gid, err = strconv.Atoi(u.Gid)
	}
	return uid, gid, err
}

// write puts a file into the configuration directory. Its time is set back: every
// Postfix program sleeps until main.cf is more than a second old.
func (i *Instance) write(name string, data []byte, mode os.FileMode) error {
	return i.h.WriteFile(filepath.Join(i.ConfigDir, name), data, host.Spec{Mode: mode, Mtime: time.Now().Add(-10 * time.Second)})
}

// writeConfig stages the planned files: maps as copies, which are to be compiled, and
// main.cf and master.cf that name the copies.
func (i *Instance) writeConfig() ([]plan.File, error) {
	var main, master []byte
	moved := make(map[string]string)
	i.moved = moved
	var tables []plan.File
	for _, f := range i.o.Plan.Files {
		switch filepath.Base(f.Path) {
		case "main.cf":
			main = f.After
		case "master.cf":
			master = f.After
		default:
			if conf.IsConfig(f.Path) {
				if f.Action != plan.Remove && !i.o.Routing {
					if err := writeBridge(i.h, f); err != nil {
						return nil, err
					}
				}
				continue
			}
			if f.Path != config.Path && f.Action != plan.Remove && !(i.o.Routing && f.Secret) {
				moved[f.Path] = filepath.Join(i.ConfigDir, strconv.Itoa(len(tables))+"-"+filepath.Base(f.Path))
				tables = append(tables, f)
			}
		}
	}
	mainText, err := i.mainCF(main)
	if err != nil {
		return nil, err
	}
	masterText, err := i.masterCF(master)
	if err != nil {
		return nil, err
	}
	if err := i.write("main.cf", mainText, 0o644); err != nil {
		return nil, err
	}
	return tables, i.write("master.cf", masterText, 0o644)
}

// compile makes the copies of tables, and what the table of aliases is compiled to.
func compile(ctx context.Context, i *Instance, tables []plan.File) error {
	for _, f := range tables {
		if err := i.table(ctx, f, i.moved[f.Path]); err != nil {
			return err
		}
	}
	if alias := i.relocate(i.o.Aliases); alias != i.o.Aliases { // a copy; else the server's own table is meant
		return i.run(ctx, "postalias", "-c", i.ConfigDir, alias)
	}
	return nil
}

// table writes the copy of a lookup table and compiles it. The index gets the
// mode of its source (postmap(1)).
func (i *Instance) table(ctx context.Context, f plan.File, path string) error {
	mode := os.FileMode(0o644)
	if f.Secret {
		mode = 0o600
	}
	if err := i.write(filepath.Base(path), f.After, mode); err != nil {
		return err
	}
	if f.Map == "" {
		return nil
	}
	err := i.run(ctx, "postmap", "-c", i.ConfigDir, f.Map+":"+path)
	if err != nil && f.Secret {
		// postmap(1) quotes the lines that it dislikes, passwords and all.
		why := ""
		if strings.Contains(err.Error(), "ermission denied") {
			why = ": permission denied"
		}
		return fmt.Errorf("postmap cannot compile the copy of %s%s", f.Path, why)
	}
	return err
}

// sessionCaches are files that the server's own tlsmgr(8) keeps locked where main.cf
// names them by their full path.
var sessionCaches = []string{"smtp_tls_session_cache_database", "lmtp_tls_session_cache_database", "smtpd_tls_session_cache_database"}

// private are the parameters that differ from the plan's: own directories and log,
// nothing from outside, no way but the relay's, and no bounces.
func (i *Instance) private() map[string]string {
	p := map[string]string{
		"queue_directory": i.directories.queue, "data_directory": i.directories.data,
		"maillog_file": i.Log.File, "maillog_file_prefixes": i.directories.log,
		"syslog_name": syslogName(i.o.Name), "inet_interfaces": "loopback-only",
		"alias_maps": "", "alias_database": "", "local_recipient_maps": "",
		"content_filter": "", "smtpd_milters": "", "non_smtpd_milters": "",
		"authorized_submit_users": "root", "always_bcc": "", "sender_bcc_maps": "", "recipient_bcc_maps": "", "mailbox_command": "",
		"soft_bounce": "yes", "notify_classes": "", "enable_long_queue_ids": "yes",
		"multi_instance_enable": "no", "multi_instance_directories": "",
		"address_verify_map": "", "tls_random_exchange_name": filepath.Join(i.directories.data, "prng_exch"),
	}
	for _, name := range sessionCaches {
		p[name] = ""
	}
	if i.shared {
		p["maillog_file"] = ""
	}
	if i.o.Aliases != "" { // local(8) resolves aliases, and delivers to nobody here
		maps.Copy(p, map[string]string{
			"alias_maps": i.relocate(i.o.Aliases), "allow_mail_to_commands": "", "allow_mail_to_files": "", "forward_path": "",
			"mailbox_transport": "error:5.1.1 no alias leads elsewhere", "mailbox_transport_maps": "", "fallback_transport": "",
			"fallback_transport_maps": "", "luser_relay": "", "mailbox_command_maps": "", "home_mailbox": "",
		})
	}
	for name, value := range i.o.Params {
		p[name] = i.relocate(value)
	}
	return p
}

func (i *Instance) mainCF(text []byte) ([]byte, error) {
	m, err := postfix.ParseMain(text)
	if err != nil {
		return nil, fmt.Errorf("planned main.cf: %w", err)
	}
	for _, name := range m.Names() {
		if value, _ := m.Get(name); i.relocate(value) != value {
			m.Set(name, i.relocate(value))
		}
	}
	// With a log of its own Postfix can hang on its warnings of such keys.
	m.DropOverridden()
	m.Remove("multi_instance_wrapper")
	m.Remove("maillog_file_rotate_suffix")
	p := i.private()
	for _, name := range slices.Sorted(maps.Keys(p)) {
		m.Set(name, p[name])
	}
	return m.Bytes(), nil
}

// relocate makes value mean here what it means in the server's own configuration,
// but for the planned tables: those are the copies.
func (i *Instance) relocate(value string) string {
	for _, form := range []string{"${config_directory}", "$(config_directory)", "$config_directory"} {
		value = strings.ReplaceAll(value, form, i.o.State.ConfigDir)
	}
	return relocate(value, i.moved)
}

// relocate points each "type:path" of value at the copy of path.
func relocate(value string, moved map[string]string) string {
	for from, to := range moved {
		rest := value
		var b strings.Builder
		for {
			n := strings.Index(rest, ":"+from)
			if n < 0 {
				break
			}
			end := n + 1 + len(from)
			b.WriteString(rest[:n+1])
			// The name may go on: sasl_passwd and sasl_passwd_other.
			if end == len(rest) || strings.IndexByte(", \t\r\n}", rest[end]) >= 0 {
				b.WriteString(to)
			} else {
				b.WriteString(from)
			}
			rest = rest[end:]
		}
		value = b.String() + rest
	}
	return value
}

// needed are the programs of Postfix that carry a message from sendmail(1) to
// the relay. None of them listens and none delivers here.
var needed = []string{"pickup", "cleanup", "qmgr", "oqmgr", "tlsmgr", "trivial-rewrite", "bounce", "verify", "flush",
	"proxymap", "smtp", "lmtp", "spawn", "showq", "error", "discard", "anvil", "scache", "postlogd", "tlsproxy"}

// standard are entries that have to be there, whatever the server's master.cf.
const standard = `pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
showq unix n - n - - showq
verify unix - - n - 1 verify
error unix - - n - - error
retry unix - - n - - error
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// routingPrograms and routingEntries are those of an instance that only answers
// where mail would go: proxymap(8) is there for tables that are named by proxy:.
var routingPrograms = []string{"trivial-rewrite", "proxymap", "postlogd"}

// localEntry delivers by aliases (Options.Aliases).
const localEntry = "local unix - n n - - local\n"

const routingEntries = `rewrite unix - - n - - trivial-rewrite
postlog unix-dgram n - n - 1 postlogd
`

// masterCF keeps the needed entries of the planned master.cf, outside of any
// chroot, since the private queue is no jail with resolv.conf and the like.
func (i *Instance) masterCF(text []byte) ([]byte, error) {
	planned, err := postfix.ParseMaster(text)
	if err != nil {
		return nil, fmt.Errorf("planned master.cf: %w", err)
	}
	entries, programs := standard, needed
	switch {
	case i.o.Routing:
		entries, programs = routingEntries, routingPrograms
	case i.o.Aliases != "":
		entries += localEntry
	}
	m, err := postfix.ParseMaster([]byte(entries))
	if err != nil {
		return nil, err
	}
	for _, s := range planned.Services() {
		if s.Type == "inet" || s.Type == "pass" || !slices.Contains(programs, s.Command) || !ours(s) {
			continue
		}
		s.Chroot = "n"
		for n := range s.Options {
			s.Options[n].Value = i.relocate(s.Options[n].Value)
			if slices.Contains(sessionCaches, s.Options[n].Name) {
				s.Options[n].Value = ""
			}
		}
		if i.o.Gate && delivers(s.Command) && !behindGate(gateSocket(i.directories), s) {
			continue
		}
		m.Set(trialSocket(i.o.Plan.Routes, trialEntry(s)))
	}
	return m.Bytes(), nil
}
