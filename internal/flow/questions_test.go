package flow

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"relayhost/internal/host"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// routed is a Postfix in which an earlier setup sends senders by tables of its own.
func routed(t *testing.T) postfix.State {
	t.Helper()
	master, err := postfix.ParseMaster(nil)
	if err != nil {
		t.Fatal(err)
	}
	return postfix.State{ConfigDir: "/etc/postfix", DefaultMap: "hash", Master: master,
		Params: map[string]string{
			"sender_dependent_default_transport_maps":         "hash:/etc/postfix/relayhost_by_sender, regexp:/etc/postfix/relayhost_by_subdomain, hash:/etc/postfix/theirs",
			"empty_address_default_transport_maps_lookup_key": "<>",
		},
		Maps: map[string][]byte{
			"/etc/postfix/relayhost_by_sender": []byte("@news.example relayhost-b:[b.example]:587\n@Old.example relayhost-b:[b.example]:587\n" +
				"gone@vip.example relayhost-b:[b.example]:587\nboss@vip.example relayhost-b:[b.example]:587\n<> relayhost-b:[b.example]:587\n"),
			"/etc/postfix/theirs": []byte("@theirs.example smtp:[t.example]\n"),
		}}
}

// patterns are those of that setup for names below domains.
const patterns = `/@.*\.lists\.example$/ relayhost-b:[b.example]:587
/@.*\.gone\.example$/ relayhost-b:[b.example]:587
`

// The senders that an earlier setup has a route for and the plan has not are asked for: the
// rest go by the routes.
func TestFormerSenders(t *testing.T) {
	none := planOf
	none.Routes = planOf.Routes[:1]
	for _, tt := range []struct {
		name string
		plan plan.Plan
		want []string
	}{
		{"some", planOf, []string{"somebody@old.example", "gone@vip.example", "somebody@host.gone.example"}},
		{"all", none, []string{"somebody@news.example", "somebody@old.example", "gone@vip.example", "boss@vip.example", "", "somebody@host.lists.example", "somebody@host.gone.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, r := routed(t), &host.Reader{Root: t.TempDir()}
			if err := errors.Join(os.MkdirAll(r.Real("/etc/postfix"), 0o755), os.WriteFile(r.Real("/etc/postfix/relayhost_by_subdomain"), []byte(patterns), 0o600)); err != nil {
				t.Fatal(err)
			}
			list, _ := questions(t.Context(), r, &s, tt.plan, Asked{From: "app@example.org"})
			var got []string
			for _, q := range list {
				if q.Class == formerMail {
					got = append(got, q.Sender)
				}
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// A sender that loses its route is told with where its mail goes then, is a change that was
// asked for, and is not what sends other mail elsewhere.
func TestFormerSendersTold(t *testing.T) {
	flows := []Flow{
		{Question{Class: ordinary, Sender: anybody, Recipient: elsewhere}, relayed, relayed},
		{Question{Class: formerMail, Param: "sender_dependent_default_transport_maps", Table: "hash:/etc/postfix/relayhost_by_sender", Sender: "somebody@old.example", Recipient: elsewhere}, news, relayed},
		{Question{Class: "senders of the route news", Sender: "somebody@news.example", Recipient: elsewhere}, news, news},
	}
	table := Table{Rows: fold(flows, planOf, Asked{}), Changes: Compare(flows, planOf, Asked{})}
	const want = "senders removed from the routes (somebody@old.example): now to [news.relay.example]:587 (verified TLS, as news), then to [relay.example]:587 (verified TLS, as user)"
	if lines := table.Lines(); len(table.Changes) != 0 || lines[0] != want {
		t.Errorf("got %d unasked changes and\n%s\nwant none, and first\n%s", len(table.Changes), strings.Join(lines, "\n"), want)
	}
	if by := chooser(flows, relayed); by != "" {
		t.Errorf("what sends other mail there: got %q, want nothing", by)
	}
}
