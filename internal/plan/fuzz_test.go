package plan_test

import (
	"fmt"
	"testing"

	"relayhost/internal/config"
	"relayhost/internal/diff"
	"relayhost/internal/plan"
	"relayhost/internal/postfix"
)

// FuzzBuild: whatever main.cf says, a plan is refused for a reason or leaves
// the lines of others alone and is unchanged on its own result.
func FuzzBuild(f *testing.F) {
	for _, seed := range []string{
		"relayhost = [old]:25\nsmtp_sasl_password_maps = static:a:b\n", "transport_maps = hash:/x,\n # c\n\n  regexp:/y",
		"smtp_use_tls =\r\nsmtp_tls_policy_maps=inline:{ {a = b} }\r\n", "relay_domains = a.test !b.test hash:/c\nmydestination=\n",
		"relayhost-ses_destination_concurrency_limit = 3\nrelayhost-x_y = 1\n", "smtp_generic_maps = $a ${b?c}\nmyorigin = /etc/mailname",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, main string) {
		if _, err := postfix.ParseMain([]byte(main)); err != nil {
			return
		}
		for name, o := range map[string]config.Config{"one relay": options(), "routes": routeCases(t)["subdomains"], "by sender": routeCases(t)["by-sender"]} {
			s := debian(t).with(mainPath, main)
			p, err := plan.Build(plan.Server{State: s.state(t), Force: true}, o)
			if err != nil {
				t.Fatalf("%s, %q: got the error %v, want none", name, main, err)
			}
			s.apply(p)
			again, err := plan.Build(plan.Server{State: s.state(t), Force: true}, o)
			if err != nil {
				t.Fatalf("%s, %q, again: got the error %v, want none", name, main, err)
			}
			for _, file := range again.Files {
				if file.Action != plan.Unchanged {
					t.Errorf("%s, %q: a second plan of %s: got\n%s\nwant it unchanged", name, main, file.Path, diff.File(file))
				}
			}
		}
	})
}

// BenchmarkRoutes plans for many routes with an account each, on a new host and
// again on one that has them; the cost of one must not grow with their number.
func BenchmarkRoutes(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		o := routed(hop(b, "ses", 587, "ses"), manyAccounts(b, n)...)
		s := debian(b)
		fresh := s.state(b)
		p, err := plan.Build(plan.Server{State: fresh}, o)
		if err != nil {
			b.Fatal(err)
		}
		s.apply(p)
		for name, st := range map[string]postfix.State{"new": fresh, "again": s.state(b)} {
			b.Run(fmt.Sprint(name, "/", n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := plan.Build(plan.Server{State: st, NoCredentials: name == "again"}, o); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/route")
			})
		}
	}
}
