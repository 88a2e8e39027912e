package verify

import "context"

// SPFToPublish is the SPF record that domain should have so that it names the
// service's term ("include:amazonses.com"), "" where DNS has that already. existing
// says that it replaces one, which a domain may have only one of (RFC 7208, 3.2).
// The error is that of a DNS that does not answer.
func SPFToPublish(ctx context.Context, r Resolver, domain, term string) (record string, existing bool, err error) {
	found, err := ReadSPF(ctx, r, domain)
	switch {
	case err != nil && missing(err):
		return "v=spf1 " + term + " ~all", false, nil
	case err != nil, found.Text == "", found.names(term):
		return "", false, err
	}
	return withTerm(found.Text, term), true, nil
}
