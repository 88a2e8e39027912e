package mailaddr

import (
	"slices"
	"strings"
)

// publicMail are domains in which anybody can have a mailbox: no administrator
// publishes DNS records there.
var publicMail = []string{
	"aol.com", "fastmail.com", "gmail.com", "gmx.at", "gmx.ch", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
	"icloud.com", "live.com", "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "orange.fr", "outlook.com", "pm.me",
	"proton.me", "protonmail.com", "qq.com", "rocketmail.com", "t-online.de", "web.de", "wp.pl", "ya.ru", "yahoo.com",
	"yandex.com", "yandex.ru", "ymail.com", "zoho.com", "zohomail.eu", "126.com", "163.com", "free.fr", "libero.it", "seznam.cz",
}

// severalCountries are names that public mail services have under many country codes.
var severalCountries = []string{"hotmail.", "live.", "outlook.", "yahoo."}

// IsPublic reports whether domain is that of a public mail service.
func IsPublic(domain string) bool {
	domain = strings.ToLower(domain)
	return slices.Contains(publicMail, domain) || slices.ContainsFunc(severalCountries, func(name string) bool {
		country, ok := strings.CutPrefix(domain, name)
		return ok && (len(country) == 2 || country == "co.uk" || country == "co.jp" || country == "com.br" || country == "com.au")
	})
}
