package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"relayhost/internal/explain"
	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// config holds main.cf and master.cf against what is known to go wrong.
func (r *run) config(context.Context) []Finding {
	if !r.State.Installed {
		return []Finding{{Check: "config", Result: Fail, Detail: "Postfix is not installed", Cause: "postfix_not_installed",
			Remedy: "Install it; setup can do that.", Command: "relayhost setup --install"}}
	}
	var findings []Finding
	for _, sign := range r.inspected {
		if !sign.Holds || sign.Cause == "postfix_down" { // that is the check "service"
			continue
		}
		f := Finding{Check: "config", Result: Fail, Detail: sign.Detail}.known(sign.Cause)
		if c, _ := explain.ByID(sign.Cause); c.Outcome == "works" && c.Phase != "secrets" && sign.Cause != "tls_opportunistic_cleartext" {
			f.Result = Warn
		}
		findings = append(findings, f)
	}
	findings = append(findings, r.sizes()...)
	if len(findings) == 0 {
		return pass("config", "main.cf and master.cf have none of the known faults")
	}
	return findings
}

// sizes compares what this host takes with what the service takes.
func (r *run) sizes() []Finding {
	limit, err := strconv.ParseInt(r.State.Params["message_size_limit"], 10, 64)
	most := r.Relay.Limits.MessageBytes
	if err != nil || most == 0 || limit != 0 && limit <= most {
		return nil
	}
	f := Finding{Check: "config", Result: Warn,
		Detail: fmt.Sprintf("messages of up to %d bytes are taken here, and %s takes %d", limit, r.Relay.Name, most)}.known("message_too_big")
	f.Command = fmt.Sprintf("postconf -e 'message_size_limit = %d' && postfix reload", most)
	return []Finding{f}
}

// mapParams name the tables that the way to the relay goes through.
var mapParams = []string{"smtp_sasl_password_maps", "smtp_tls_policy_maps", "smtp_generic_maps", "transport_maps"}

// maps asks the tables that Postfix asks, as Postfix would.
func (r *run) maps(ctx context.Context) []Finding {
	if !r.State.Installed {
		return skip("maps", "there is no Postfix")
	}
	route := explain.RouteOf(r.State)
	var findings []Finding
	for _, param := range mapParams {
		for _, t := range postfix.ParseTables(route.Param(param), r.State.DefaultMap) {
			findings = append(findings, r.table(param, t)...)
		}
	}
	if len(findings) == 0 {
		findings = r.key(ctx, route)
	}
	if len(findings) == 0 {
		return pass("maps", "compiled, up to date, and readable by root alone where they hold a password")
	}
	return findings
}

// staleAfter is how much newer a source may be than its index: both are written
// by one run, one after the other.
const staleAfter = time.Second

// table checks one table on disk: compiled, not older than its source, closed.
func (r *run) table(param string, t postfix.Table) []Finding {
	secret := param == "smtp_sasl_password_maps"
	source, err := r.Reader.Stat(t.Path)
	if !strings.HasPrefix(t.Path, "/") || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var findings []Finding
	files := []string{}
	if err == nil {
		files = append(files, t.Path)
	}
	if index := t.Index(); index != "" {
		m, ierr := r.Reader.Stat(index)
		switch {
		case errors.Is(ierr, fs.ErrNotExist):
			f := Finding{Check: "maps", Result: Fail, Detail: index + " is missing"}.known("map_db_missing")
			f.Command = "postmap " + t.String()
			return []Finding{f}
		case ierr == nil && err == nil && source.Mtime.Sub(m.Mtime) > staleAfter:
			f := Finding{Check: "maps", Result: Fail, Detail: index + " is older than " + t.Path}.known("map_db_stale")
			f.Command = "postmap " + t.String()
			findings = append(findings, f)
		}
		files = append(files, index)
	}
	for _, file := range files {
		m, err := r.Reader.Stat(file)
		if secret && err == nil && (m.Mode.Perm()&0o077 != 0 || m.UID != 0) {
			f := Finding{Check: "maps", Result: Fail, Detail: fmt.Sprintf("%s has mode %04o and owner %d", file, m.Mode.Perm(), m.UID)}.known("secret_world_readable")
			f.Command = "chown root " + file + " && chmod 600 " + file
			findings = append(findings, f)
		}
	}
	return findings
}

// key asks the password table for the next hop, with postmap(1): what counts is
// what the compiled table says. The answer is compared, never shown.
func (r *run) key(ctx context.Context, route explain.Route) []Finding {
	tables := postfix.ParseTables(route.Param("smtp_sasl_password_maps"), r.State.DefaultMap)
	if len(tables) == 0 || route.NextHop == "" || r.Username == "" && r.Password.IsZero() && len(r.Relay.Auth.Mechanisms) == 0 {
		return nil
	}
	// The order in which smtp(8) looks (smtp_sasl_glue.c): host, next hop.
	keys := []string{strings.ToLower(route.Host), strings.ToLower(route.NextHop)}
	for _, t := range tables {
		out, err := r.Reader.Query(ctx, host.PostmapGet(r.State.ConfigDir, t.String(), keys...))
		if err != nil || out.Code > 1 {
			return []Finding{Finding{Check: "maps", Result: Warn, Detail: "the password map cannot be asked (as root it could)"}.known("map_lookup_error")}
		}
		for line := range strings.Lines(string(out.Stdout)) {
			key, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
			if !ok || !slices.Contains(keys, strings.ToLower(key)) {
				continue
			}
			if source := r.State.Maps[t.Path]; source != nil && !r.Password.IsZero() && value != r.Username+":"+r.Password.Reveal() {
				f := Finding{Check: "maps", Result: Fail, Detail: "what is compiled for " + key + " is not what the source says"}.known("map_db_stale")
				f.Command = "postmap " + t.String()
				return []Finding{f}
			}
			return nil
		}
	}
	id := "map_key_mismatch"
	if r.sourceHasKey(tables, keys) {
		id = "map_db_truncated"
	}
	return []Finding{Finding{Check: "maps", Result: Fail, Detail: "the password map has nothing for " + route.NextHop}.known(id)}
}

func (r *run) sourceHasKey(tables []postfix.Table, keys []string) bool {
	for _, t := range tables {
		for line := range strings.Lines(string(r.State.Maps[t.Path])) {
			if f := strings.Fields(line); len(f) > 1 && slices.Contains(keys, strings.ToLower(f[0])) {
				return true
			}
		}
	}
	return false
}

// service checks that Postfix runs and sends what goes out through the entry of
// the relay, which finds its CA file and resolver.
func (r *run) service(context.Context) []Finding {
	if !r.State.Installed {
		return skip("service", "there is no Postfix")
	}
	route := explain.RouteOf(r.State)
	switch {
	case !r.State.Running:
		return []Finding{Finding{Check: "service", Result: Fail, Detail: "Postfix does not run"}.known("postfix_down")}
	case route.NextHop == "":
		return []Finding{{Check: "service", Result: Fail, Detail: "no relay is set: mail goes out directly", Cause: "relayhost_not_set",
			Remedy: "Set one up.", Command: "relayhost setup"}}
	case route.Service.Name == "":
		return []Finding{{Check: "service", Result: Fail, Detail: "default_transport names " + r.State.Params["default_transport"] + ", which master.cf has not",
			Cause: "service_missing", Remedy: "Set up anew, or put default_transport back to smtp.", Command: "relayhost setup"}}
	case r.Host != "" && (!strings.EqualFold(route.Host, r.Host) || route.Port != r.Port):
		return []Finding{Finding{Check: "service", Result: Fail, Detail: fmt.Sprintf("mail goes to %s, not to [%s]:%d", route.NextHop, r.Host, r.Port)}.known("override_elsewhere")}
	}
	if route.Service.Chrooted(r.State.Params["compatibility_level"]) {
		if f := r.jail(); f != nil {
			return f
		}
	}
	return pass("service", fmt.Sprintf("Postfix %d.%d.%d sends by %s to %s", r.State.Version.Major, r.State.Version.Minor, r.State.Version.Patch, route.Service.Name, route.NextHop))
}

// jail compares the resolver's files inside of the queue folder with those
// outside.
func (r *run) jail() []Finding {
	const file = "/etc/resolv.conf"
	outside, err := r.Reader.ReadFile(file)
	if err != nil {
		return nil
	}
	inside, err := r.Reader.ReadFile(filepath.Join(r.State.QueueDir, file))
	if err == nil && string(inside) == string(outside) {
		return nil
	}
	f := Finding{Check: "service", Result: Warn, Detail: "the service is chrooted, and the jail's resolv.conf is not that of this host"}.known("dns_chroot_resolv")
	f.Command = "install -D -m 644 " + file + " " + filepath.Join(r.State.QueueDir, file)
	return []Finding{f}
}

// drift compares what is there with what setup would write.
func (r *run) drift(context.Context) []Finding {
	if r.Plan == nil && r.Limited {
		return skip("drift", "some of the files can be read by root only")
	}
	if r.Plan == nil {
		return skip("drift", "this host was not set up by relayhost")
	}
	var changed []string
	for _, f := range r.Plan.Files {
		if f.Action != plan.Unchanged {
			changed = append(changed, f.Path)
		}
	}
	if len(changed) == 0 {
		return pass("drift", "every file is as setup left it")
	}
	return []Finding{{Check: "drift", Result: Warn, Detail: "changed since the set-up: " + strings.Join(changed, ", "), Cause: "drift",
		Remedy: "See the differences; a new setup puts them back.", Command: "relayhost setup --dry-run"}}
}

// queue tells what waits, and why.
func (r *run) queue(ctx context.Context) []Finding {
	if !r.State.Installed || !r.State.Running {
		return skip("queue", "Postfix does not run")
	}
	messages, err := postfix.ReadQueue(ctx, r.Reader, r.State.ConfigDir)
	if err != nil && !errors.Is(err, postfix.ErrLongQueue) {
		return []Finding{{Check: "queue", Result: Warn, Detail: err.Error(), Cause: "queue_unreadable", Remedy: "Run this as root."}}
	}
	c := explain.Collector{Signs: r.signs}
	if r.Relay.ID != "" {
		c.Relay = &r.Relay
	}
	waiting := 0
	for _, m := range messages {
		if m.Queue == "deferred" || m.Reason() != "" {
			waiting++
		}
		c.AddQueued(m)
	}
	if waiting == 0 {
		return pass("queue", fmt.Sprintf("%d messages, none held up", len(messages)))
	}
	f := Finding{Check: "queue", Result: Warn, Detail: fmt.Sprintf("%d of %d messages wait", waiting, len(messages)), Cause: "queue_deferred"}
	if groups := c.Groups(); len(groups) > 0 {
		f.Detail += ", most lately: " + groups[0].Example
		if groups[0].Cause.ID != "" {
			f = f.because([]explain.Cause{groups[0].Cause})
		}
	}
	f.Remedy = strings.TrimSpace(f.Remedy + " Once the cause is mended, send what waits.")
	f.Command = "postqueue -f"
	return []Finding{f}
}
