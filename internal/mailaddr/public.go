package mailaddr

import (
	"slices"
	"strings"
)

// publicMail are domains in which anybody can have a mailbox: no administrator
// publishes DNS records there. Each entry has the page that names its domains.
//
// "ispdb" is github.com/thunderbird/autoconfig, directory ispdb, at commit
// c6ad79659b5fc321d1593ec4c277815b83e5dec5 (2026-03-12, read 2026-11-28).
var publicMail = []struct {
	source  string
	domains []string
}{
	{"ispdb/126.com.xml, 163.com.xml", []string{"126.com", "163.com"}},
	{"ispdb/aol.com.xml", []string{"aol.com", "aim.com"}},
	{"general knowledge; no public source was found", []string{"fastmail.com"}},
	{"www.warpmail.net/docs/faqparts/General.htm (Fastmail's FAQ, read 2026-11-28)", []string{"fastmail.fm"}},
	{"ispdb/free.fr.xml", []string{"free.fr"}},
	{"ispdb/gmx.com.xml", []string{"gmx.com", "gmx.us"}},
	{"ispdb/gmx.net.xml", []string{"gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.li"}},
	{"ispdb/googlemail.com.xml", []string{"gmail.com", "googlemail.com"}},
	{"ispdb/hotmail.com.xml", []string{"hotmail.com", "live.com", "msn.com", "outlook.com", "windowslive.com"}},
	{"ispdb/libero.it.xml", []string{"libero.it"}},
	{"ispdb/mail.com.xml", []string{"mail.com"}},
	{"ispdb/mail.ru.xml", []string{"mail.ru", "bk.ru", "inbox.ru", "list.ru"}},
	{"ispdb/me.com.xml", []string{"icloud.com", "mac.com", "me.com"}},
	{"ispdb/naver.com.xml", []string{"naver.com"}},
	{"ispdb/orange.fr.xml", []string{"orange.fr"}},
	{"ispdb/posteo.de.xml", []string{"posteo.de"}},
	{"proton.me/support/addresses-and-aliases (read 2026-11-28)", []string{"proton.me", "protonmail.com", "protonmail.ch", "pm.me"}},
	{"ispdb/qq.com.xml", []string{"qq.com"}},
	{"ispdb/seznam.cz.xml", []string{"seznam.cz"}},
	{"ispdb/t-online.de.xml", []string{"t-online.de"}},
	{"ispdb/web.de.xml", []string{"web.de"}},
	{"ispdb/wp.pl.xml", []string{"wp.pl"}},
	{"ispdb/yahoo.com.xml", []string{"yahoo.com", "ymail.com", "rocketmail.com"}},
	{"ispdb/yandex.ru.xml", []string{"yandex.com", "yandex.ru", "ya.ru"}},
	{"ispdb/zoho.com.xml, zoho.eu.xml", []string{"zoho.com", "zohomail.com", "zohomail.eu"}},
}

// severalCountries are names that public mail services have under many country codes
// (ispdb/hotmail.com.xml and ispdb/yahoo.com.xml list them).
var severalCountries = []string{"hotmail.", "live.", "outlook.", "yahoo."}

// IsPublic reports whether domain is that of a public mail service.
func IsPublic(domain string) bool {
	domain = strings.ToLower(domain)
	for _, service := range publicMail {
		if slices.Contains(service.domains, domain) {
			return true
		}
	}
	return slices.ContainsFunc(severalCountries, func(name string) bool {
		country, ok := strings.CutPrefix(domain, name)
		country = strings.TrimPrefix(strings.TrimPrefix(country, "co."), "com.")
		return ok && len(country) == 2
	})
}
