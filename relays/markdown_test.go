package relays

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Services and mailboxes of a list, in its order.
func split(list []Relay) (services, mailboxes []Relay) {
	for _, r := range list {
		if r.IsMailbox() {
			mailboxes = append(mailboxes, r)
		} else {
			services = append(services, r)
		}
	}
	return services, mailboxes
}

// markdownTable is the table to choose a relay by. pages is the directory of
// the relays' own pages as a link.
func markdownTable(list []Relay, pages string) string {
	day := lastRead(list)
	var b strings.Builder
	h := Head()
	fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n| --- | --- | --- | --- | --- | --- |\n", h.ID, h.Name, h.Free, h.Domain, h.Ports, h.Asks)
	for _, r := range list {
		row := r.row(func(source string) string { return mdMark(r, day, source) })
		fmt.Fprintf(&b, "| [`%s`](%s) | %s | %s | %s | %s | %s |\n", row.ID, path.Join(pages, row.ID+".md"), row.Name, row.Free, row.Domain, row.Ports, cell(row.Asks))
	}
	return b.String()
}

// readmeTable is the short list in the README: the relays of the first tier, and those
// whose free amount has a source.
func readmeTable(list []Relay) string {
	services, mailboxes := split(list)
	short := slices.DeleteFunc(slices.Clone(services), func(r Relay) bool {
		return r.Tier != 1 && (r.Free == nil || r.Free.Source == "recalled")
	})
	return markdownTable(short, "docs/relays") + fmt.Sprintf("\nAll %d services and %d mailbox providers: [docs/relays.md](docs/relays.md), or `relayhost relays`.\n", len(services), len(mailboxes))
}

const generated = "<!-- Generated from relays/catalog/*.toml by: go generate ./relays -->\n\n"

// listPage is docs/relays.md: the list to choose from, and what is the same for
// all of them.
func listPage(list []Relay) string {
	services, mailboxes := split(list)
	var b strings.Builder
	b.WriteString(generated + `# Relays

Each name links to a page with the command, credentials, ports, limits and replies. Each fact has a source in
` + "`relays/catalog/*.toml`" + `, with the date on which it was read. Marks: *(recalled)* is general knowledge,
*(unsure)* means that sources disagree or leave the fact open, and a date such as *(2022-11)* is that of a source
older than a year. To add a relay of your own: [adding-a-relay.md](adding-a-relay.md).

The same list on a server: ` + "`relayhost relays`" + `, with ` + "`--for HOST`" + ` (only ports that a hosting provider leaves open),
` + "`--free`, `--no-domain`, `--mailbox` and `--https`" + ` to narrow it down. HTTPS in the column of ports: ` + "`setup --via https`" + `
can send by the relay's API on port 443 ([https.md](https.md)).

## Services for the mail of programs

`)
	b.WriteString(markdownTable(services, "relays"))
	b.WriteString("\n## Mailbox providers\n\nThe sender must be the account: on a server that only sends, setup rewrites all senders to it. Their limits are meant for the mail of one person.\n\n")
	b.WriteString(markdownTable(mailboxes, "relays"))
	b.WriteString("\n## Replies\n\nReplies that mean the same at most mail servers. A relay's own replies are on its page; relayhost looks for those first.\n")
	file := generic()
	b.WriteString(mdReplies(Relay{Sources: file.Sources}, lastRead(list), file.Replies))
	return b.String()
}

// relayPage is docs/relays/ID.md. Facts are old by day.
func relayPage(r Relay, day time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s# Postfix through %s\n\n", generated, r.Name)
	mdEnds(r, &b, day)
	mdSetup(r, &b)
	item := func(label, text, source string) {
		if text != "" {
			fmt.Fprintf(&b, "- %s: %s%s\n", label, cell(text), mdMark(r, day, source))
		}
	}
	note := func(label string, n *Note) {
		if n != nil {
			item(label, n.Text, n.Source)
		}
	}
	mdCredentials(r, &b, item, note)
	mdHosts(r, &b, item, note)
	b.WriteString("\n## Sender and DNS\n\n")
	item("sender", cmp.Or(r.Sender.Note, senderWords[r.Sender.Rule]), r.Sender.Source)
	if r.Sender.NullSender != "unknown" {
		item("null sender `<>` (bounces)", r.Sender.NullSender, r.Sender.NullSource)
	}
	if r.DNS.SPF != "" {
		item("SPF", "`"+r.DNS.SPF+"`", r.DNS.Source)
	}
	for _, rec := range r.DNS.DKIM {
		item("DKIM", "`"+rec.String()+"`", cmp.Or(rec.Source, r.DNS.Source))
	}
	for _, rec := range r.DNS.Other {
		item("record", "`"+rec.String()+"`", cmp.Or(rec.Source, r.DNS.Source))
	}
	item("DNS", r.DNS.Note, r.DNS.Source)
	if r.Test != nil {
		item("test", r.Test.how()+"; it does not prove "+r.Test.NotProven, r.Test.Source)
	}
	if len(r.Notes) > 0 {
		b.WriteString("\n## Good to know\n\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "- %s%s\n", cell(n.Text), mdMark(r, day, n.Source))
	}
	b.WriteString("\n## Replies\n")
	if inherited(r.Replies) {
		b.WriteString("\nNo source quotes a reply of this relay; [the generic ones](../relays.md#replies) apply.\n")
	} else {
		b.WriteString(mdReplies(r, day, r.Replies))
	}
	mdAPIReplies(r, &b, day)
	b.WriteString("\n## Sources\n\n" + mdSources(r))
	return b.String()
}

// mdEnds says when the relay ends, and what to do then.
func mdEnds(r Relay, b *strings.Builder, day time.Time) {
	e := r.Ends
	if e == nil {
		return
	}
	b.WriteString("**Ends")
	if !e.Date.IsZero() {
		b.WriteString(" " + e.Date.Format(time.DateOnly))
	}
	fmt.Fprintf(b, ":** %s%s.\n", cell(e.Text), mdMark(r, day, e.Source))
	if len(e.Again) > 0 {
		fmt.Fprintf(b, "To switch it on again, in Exchange Online PowerShell:\n\n```powershell\n%s\n```\n", strings.Join(e.Again, "\n"))
	}
	if e.Instead != "" {
		fmt.Fprintf(b, "\nInstead: %s.\n", e.Instead)
	}
	b.WriteByte('\n')
}

// mdSetup shows the file with the credentials and the command.
func mdSetup(r Relay, b *strings.Builder) {
	if !r.TakesPassword() {
		if r.SignsIn() {
			fmt.Fprintf(b, "This relay takes no password: its login is by OAuth alone. Register an application ([m365.md](../m365.md)), then:\n\n"+
				"```console\nsudo relayhost setup --relay %s --from %[2]s --username %[2]s --sign-in device --client-id 11111111-2222-3333-4444-555555555555 --yes\n```\n", r.ID, r.Auth.Username.Example)
			return
		}
		b.WriteString("This relay takes no password: its login is by OAuth alone, which `relayhost setup` does not support for it. " +
			"Choose another one from [the list](../relays.md).\n")
		return
	}
	user, file := cmp.Or(r.Auth.Username.Fixed, r.Auth.Username.Label), ""
	if len(r.Auth.Mechanisms) > 0 {
		fmt.Fprintf(b, "Save the credentials as `%s.txt`, mode 0600, and run the command:\n\n```ini\nusername=%s\npassword=%s\n```\n\n", r.ID, user, r.Auth.Password.Label)
		file = " --credentials-file " + r.ID + ".txt"
	}
	from := "app@example.com"
	if r.IsMailbox() {
		from = cmp.Or(r.Auth.Username.Example, from)
		if !strings.Contains(from, "@") {
			_, domain, _ := strings.Cut(mainHost(r), ".")
			from += "@" + domain
		}
	}
	region := ""
	if r.NeedsRegion() {
		region = " --region " + r.Hosts.Example
	}
	fmt.Fprintf(b, "```console\nsudo relayhost setup --relay %s%s --from %s%s --yes\n```\n", r.ID, region, from, file)
	b.WriteString("\nIt probes the ports, logs in, shows what will change, and sends a test message through a private Postfix (the rehearsal). Then it applies the change and sends a test message through the server's own Postfix (the live proof); if that fails, it restores everything. " +
		"`relayhost rollback` restores every file byte for byte.\n")
	if r.SignsIn() {
		b.WriteString("\nTo log in by OAuth, without a password: [m365.md](../m365.md).\n")
	}
}

func mdLimits(r Relay, b *strings.Builder, item func(label, text, source string)) {
	b.WriteString("\n## Limits\n\n")
	before := b.Len()
	for _, l := range limitWords {
		item(l.words, l.value(r.Limits), r.Limits.source(l.key))
	}
	for _, n := range r.Limits.Notes {
		item("limit", n.Text, n.Source)
	}
	item("offers", strings.Join(r.EHLO.Offers, ", "), r.EHLO.Source)
	item("does not offer", strings.Join(r.EHLO.Lacks, ", "), r.EHLO.Source)
	if b.Len() == before {
		b.WriteString("No source names a limit.\n")
	}
}

// mainHost is the host to show where there is room for one.
func mainHost(r Relay) string {
	if r.Hosts.Default == "" && r.Hosts.Pattern == "" {
		return r.Hosts.Named[r.Hosts.Example]
	}
	return cmp.Or(r.Hosts.Default, r.Hosts.Pattern)
}

// mdReplies has a heading for each reply, which is what people search for.
func mdReplies(r Relay, day time.Time, replies []Reply) string {
	var b strings.Builder
	for _, reply := range replies {
		fmt.Fprintf(&b, "\n### `%s`\n\n", strings.ReplaceAll(reply.sample(), "`", "'"))
		fmt.Fprintf(&b, "- cause: %s%s\n- remedy: %s%s\n", cell(reply.Cause), mdMark(r, day, reply.Source), cell(reply.Remedy), retryWords[reply.Retry])
		fmt.Fprintf(&b, "- `relayhost explain` calls it `%s`\n", reply.ID)
	}
	return b.String()
}

func mdSources(r Relay) string {
	if inherited(r.Replies) {
		r.Replies = nil // and the sources of what is not shown
	}
	var b strings.Builder
	for _, id := range sourceIDs(r.Facts()) {
		s := r.Sources[id]
		if s.Confidence == "recalled" || s.Confidence == "unsure" && s.URL == "" {
			continue
		}
		words := []string{s.Where, s.Confidence, "read " + s.Checked.Format(time.DateOnly)}
		if s.URL != "" {
			words[0] = strings.TrimSuffix("<"+s.URL+">, "+cell(s.Where), ", ")
		}
		if s.AsOf != "" {
			words = append(words, "as of "+s.AsOf)
		}
		line := "- " + strings.Join(words, "; ") + "\n"
		if !slices.Contains(strings.SplitAfter(b.String(), "\n"), line) {
			b.WriteString(line)
		}
	}
	if b.Len() == 0 {
		return "No public source: general knowledge.\n"
	}
	return b.String()
}

func mdMark(r Relay, day time.Time, source string) string {
	if mark := r.markOn(day, source); mark != "" {
		return " *(" + mark + ")*"
	}
	return ""
}

// cell keeps text from being read as a table border or a tag. Code spans keep
// their angle brackets.
func cell(s string) string {
	s = strings.ReplaceAll(s, "|", "\\|")
	if strings.HasPrefix(s, "`") {
		return s
	}
	return strings.ReplaceAll(s, "<", "&lt;")
}

// docsLabel says what the page is: a list of settings that others keep is not the
// relay's own documentation.
func docsLabel(url string) string {
	if strings.HasPrefix(url, "https://github.com/thunderbird/autoconfig/") {
		return "settings, by Thunderbird's list of providers"
	}
	return "documentation"
}

// mdCredentials says what to log in with, and what it costs.
func mdCredentials(r Relay, b *strings.Builder, item func(label, text, source string), note func(string, *Note)) {
	b.WriteString("\n## Credentials\n\n")
	item("user name", r.Auth.Username.Label, r.Auth.Username.Source)
	item("password", r.Auth.Password.Label, r.Auth.Password.Source)
	item("mechanisms", strings.Join(r.Auth.Mechanisms, ", "), r.Auth.Source)
	for _, link := range []struct{ label, url string }{{"where to find them", r.Auth.Where}, {docsLabel(r.Docs), r.Docs}} {
		if link.url != "" {
			fmt.Fprintf(b, "- %s: <%s>\n", link.label, link.url)
		}
	}
	for _, w := range r.Auth.Wrong {
		item("`setup` recognises a wrong "+map[string]string{"username": "user name", "password": "password"}[w.Field], w.Message, w.Source)
	}
	note("before mail goes out", r.Asks)
	if r.Free != nil {
		text := r.Free.String()
		if month := r.freeAsOf(); month != "" {
			text += ", as of " + month
		}
		item("free", text, r.Free.Source)
	}
}

// mdHosts says where to connect to, and its limits.
func mdHosts(r Relay, b *strings.Builder, item func(label, text, source string), note func(string, *Note)) {
	b.WriteString("\n## Hosts and ports\n\n")
	if r.Hosts.Default != "" || r.Hosts.Pattern != "" {
		item("host", "`"+mainHost(r)+"`", r.Hosts.Source)
	}
	for _, name := range r.Hosts.Regions() {
		item("`--region "+name+"`", "`"+r.Hosts.Named[name]+"`", r.Hosts.source(name))
	}
	for _, p := range r.Ports {
		words := p.TLS.TLSWord()
		if p.Note != "" {
			words += "; " + p.Note
		}
		item(fmt.Sprintf("port %d", p.Port), words, p.Source)
	}
	item("tried in this order", joinPorts(r.PortOrder(), ", "), "")
	if r.HTTPS != nil {
		use := strings.Replace(r.apiUse(), "relayhost setup --via https sends by it", "`relayhost setup --via https` sends by it ([https.md](../https.md))", 1)
		item("HTTPS", r.HTTPS.Text+use, r.HTTPS.Source)
	} else if r.ViaHTTPS() {
		item("HTTPS", "`relayhost setup --via https` sends by the relay's API ([https.md](../https.md))", "")
	}
	mdLimits(r, b, item)
}

// mdAPIReplies is the table of what the API answers.
func mdAPIReplies(r Relay, b *strings.Builder, day time.Time) {
	if r.API == nil || len(r.API.Replies) == 0 {
		return
	}
	b.WriteString("\n## Replies of the API\n\nWhat the API answers to `setup --via https`, and the SMTP reply that it becomes; a 4xx waits, a 5xx bounces ([https.md](../https.md)).\n\n" +
		"| answer | reply | cause | remedy | `explain` |\n| --- | --- | --- | --- | --- |\n")
	for _, reply := range r.API.Replies {
		fmt.Fprintf(b, "| `%s` | %s | %s%s | %s | `%s` |\n", strings.NewReplacer("`", "'", "|", "\\|").Replace(reply.Sample), reply.Reply,
			cell(reply.Cause), mdMark(r, day, reply.Source), cell(reply.Remedy), reply.ID)
	}
}
