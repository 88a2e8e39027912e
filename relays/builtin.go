// Code generated from catalog/*.toml and replies.toml by go generate ./relays; DO NOT EDIT.

package relays

import "time"

// builtIn makes the relays of catalog/.
func builtIn() []Relay {
	return []Relay{
		relayses(),
		relaybrevo(),
		relaymailgun(),
		relaypostmark(),
		relaysendgrid(),
		relayalibaba(),
		relayacs(),
		relaycloudflare(),
		relayelasticemail(),
		relaygmail(),
		relaygmail_relay(),
		relaymandrill(),
		relaymailersend(),
		relaymailjet(),
		relaymailtrap(),
		relaym365_hve(),
		relaym365(),
		relayoci(),
		relayovh(),
		relayresend(),
		relayscaleway(),
		relaysmtp2go(),
		relaysparkpost(),
		relayyahoo(),
		relayzeptomail(),
		relaya1(),
		relayahasend(),
		relayaol(),
		relayatt(),
		relaybell(),
		relaybluewin(),
		relaybt(),
		relaydomainfactory(),
		relaydondominio(),
		relayearthlink(),
		relayemailit(),
		relayfastmail(),
		relayforwardemail(),
		relayfree_fr(),
		relaygandi(),
		relaygmx(),
		relaygodaddy(),
		relayhetzner_mail(),
		relayhostinger(),
		relayicloud(),
		relayinfobip(),
		relayinfomaniak(),
		relayionos(),
		relaykpn(),
		relaylaposte(),
		relaylettermint(),
		relaylibero(),
		relaymail_com(),
		relaymailru(),
		relaymailboxorg(),
		relaymailchannels(),
		relaymaileroo(),
		relaymigadu(),
		relaynetease(),
		relayo2_pl(),
		relayonecom(),
		relayonet(),
		relayorange(),
		relayoutlook(),
		relayplunk(),
		relaypobox(),
		relayposteo(),
		relayproton(),
		relayproximus(),
		relaypurelymail(),
		relayqq(),
		relayrackspace(),
		relaysapo(),
		relayseznam(),
		relaysfr(),
		relaysky(),
		relaystrato(),
		relaysweego(),
		relayt_online(),
		relaytelstra(),
		relaytencent(),
		relaytim(),
		relayuol(),
		relayusesend(),
		relayvirgilio(),
		relayvirginmedia(),
		relayvodafone_de(),
		relaywebde(),
		relaywebsupport(),
		relaywp_pl(),
		relaycomcast_mail(),
		relayxtra(),
		relayyandex(),
		relayziggo(),
		relayzoho(),
	}
}

// builtInReplies makes the replies of replies.toml.
func builtInReplies() replyFile {
	return replyFile{
		Replies: []Reply{Reply{
			ID:     "auth_454_temporary",
			Code:   454,
			Match:  "(?i)Temporary authentication failure",
			At:     "auth",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "a fault at the relay while logging in",
			Remedy: "wait: Postfix retries automatically",
			Sample: "4.7.0 Temporary authentication failure: Connection lost to authentication server",
			Source: "rfc-auth",
		}, Reply{
			ID:     "auth_535_generic",
			Code:   535,
			Match:  "(?i)(authentication (credentials invalid|failed|unsuccessful)|invalid (login|credentials|username or password)|username and password not accepted)",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the relay does not accept this user name and password",
			Remedy: "check the credentials; Postfix keeps the mail and tries again, which may lock the account",
			Sample: "5.7.8 Authentication credentials invalid",
			Source: "rfc-auth",
		}, Reply{
			ID:     "auth_not_enabled",
			Code:   530,
			Match:  "(?i)authentication (is )?required",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without a login; in Postfix: the key in the password table is not the next hop, or no SASL mechanism is in common",
			Remedy: "set user name and password in the program that sends; in Postfix make the key in the password table equal the next hop, [host]:port, and install the SASL plug-ins",
			Sample: "5.7.0 Authentication required",
			Source: "rfc-auth",
		}, Reply{
			ID:     "starttls_required",
			Code:   530,
			Match:  "(?i)must issue a STARTTLS command first",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without TLS",
			Remedy: "TLS level secure for this next hop, with the distribution's CA file",
			Sample: "5.7.0 Must issue a STARTTLS command first",
			Source: "rfc-tls",
		}, Reply{
			ID:     "relay_access_denied",
			Code:   554,
			Match:  "(?i)relay(ing)? (access )?(is )?denied",
			At:     "rcpt",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the relay knows neither a login nor the address of this server",
			Remedy: "check the credentials, or have this server's address allowed at the relay",
			Sample: "5.7.1 <to@dest.test>: Relay access denied",
			Source: "relay-denied",
		}, Reply{
			ID:     "root_at_hostname",
			Code:   553,
			Match:  "(?i)(sender address rejected|sender address (is )?not allowed|not owned by user)",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the relay rejects mail from this sender",
			Remedy: "rewrite local senders to an address that the relay knows (--from)",
			Sample: "5.7.1 Sender address rejected: not owned by user",
			Source: "sender-rejected",
		}, Reply{
			ID:     "helo_localhost",
			Code:   550,
			Match:  "(?i)(helo command rejected|(helo|ehlo) [^ ]+ rejected)",
			At:     "ehlo",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the relay rejects the HELO name of this server",
			Remedy: "set myhostname, or smtp_helo_name, to a full name that resolves",
			Sample: "5.7.1 HELO localhost rejected",
			Source: "helo",
		}, Reply{
			ID:     "throttled_454",
			Code:   421,
			Match:  "(?i)too many (concurrent )?(smtp )?(connections|sessions|messages)",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "more at once than the relay accepts",
			Remedy: "fewer connections and a delay between deliveries to this relay",
			Sample: "Too many concurrent SMTP connections",
			Source: "ses-table",
		}, Reply{
			ID:     "message_too_big",
			Code:   552,
			Match:  "(?i)message (is too (long|large)|size exceeds|exceeds)",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the message is larger than the relay takes",
			Remedy: "lower message_size_limit so that programs are told at once",
			Sample: "5.3.4 Message size exceeds fixed limit",
			Source: "ses-table",
		}, Reply{
			ID:     "no_such_recipient",
			Code:   550,
			Match:  "(?i)(5\\.1\\.1|user unknown|no such user|unknown recipient)",
			At:     "rcpt",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "there is no such recipient",
			Remedy: "correct the recipient's address",
			Sample: "5.1.1 User unknown",
			Source: "rfc-codes",
		}},
		API: API{
			Replies: []APIReply{APIReply{
				ID:     "api_redirect",
				Status: 3,
				Reply:  "451 4.4.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "something else than the API answers, as a login page does",
				Remedy: "check which proxy or network is in between",
				Sample: "307",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_unauthorized",
				Status: 401,
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the key",
				Remedy: "create a new key at the relay and give it to setup",
				Sample: "401",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_payment",
				Status: 402,
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account has no credit left",
				Remedy: "add credit at the relay; the mail waits",
				Sample: "402",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_forbidden",
				Status: 403,
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account or the key may not send this",
				Remedy: "settle at the relay what its text says",
				Sample: "403",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_no_such_path",
				Status: 404,
				Reply:  "451 4.3.5",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the request names something that does not exist at the relay",
				Remedy: "check region, domain and account in the setup",
				Sample: "404",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_method",
				Status: 405,
				Reply:  "451 4.3.5",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not know this request",
				Remedy: "check region, domain and account in the setup",
				Sample: "405",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_proxy_login",
				Status: 407,
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the proxy wants a login",
				Remedy: "name a proxy that needs none, or allow this server there",
				Sample: "407",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_request_timeout",
				Status: 408,
				Reply:  "451 4.4.2",
				Scope:  "service",
				Retry:  "wait",
				Cause:  "the API did not get the request in time",
				Remedy: "wait: Postfix retries automatically",
				Sample: "408",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_too_large",
				Status: 413,
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "413",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_too_many",
				Status: 429,
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "429",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_unknown_refusal",
				Status: 4,
				Reply:  "451 4.5.0",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "a refusal that no rule is known for: mail waits, so that none is lost while somebody reads it",
				Remedy: "fix what the text names",
				Sample: "422 an unknown text",
				Source: "rfc-http",
			}, APIReply{
				ID:     "api_server_fault",
				Status: 5,
				Reply:  "451 4.3.0",
				Scope:  "service",
				Retry:  "wait",
				Cause:  "a fault at the relay",
				Remedy: "wait: Postfix retries automatically",
				Sample: "503",
				Source: "rfc-http",
			}},
		},
		Sources: map[string]Source{
			"helo": Source{
				URL:        "https://github.com/gogs/gogs/pull/973",
				Where:      "also chatmail/core 1847",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"relay-denied": Source{
				URL:        "https://github.com/docker-mailserver/docker-mailserver/issues/19",
				Where:      "also simple-login/app 229",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"rfc-auth": Source{
				URL:        "https://www.rfc-editor.org/rfc/rfc4954.html",
				Where:      "section 6",
				AsOf:       "2007-07",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"rfc-codes": Source{
				URL:        "https://www.rfc-editor.org/rfc/rfc3463.html",
				Where:      "section 3.2",
				AsOf:       "2003-01",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"rfc-http": Source{
				URL:        "https://www.rfc-editor.org/rfc/rfc9110",
				Where:      "section 15; 429: RFC 6585, section 4",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"rfc-tls": Source{
				URL:        "https://www.rfc-editor.org/rfc/rfc3207.html",
				Where:      "section 4",
				AsOf:       "2002-02",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"sender-rejected": Source{
				URL:        "https://github.com/rockstor/rockstor-core/issues/970",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"ses-table": Source{
				URL:        "https://github.com/awsdocs/amazon-ses-developer-guide",
				Where:      "commit 444a4c5, doc-source/, table of SMTP replies",
				AsOf:       "2022-10-28",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
		},
	}
}

// date is a day of the files, which have no time zone.
func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.Local)
}

func relayses() Relay {
	return Relay{
		ID:   "ses",
		Name: "Amazon SES",
		Tier: 1,
		Docs: "https://docs.aws.amazon.com/ses/latest/dg/postfix.html",
		Asks: &Note{
			Text:   "a request for production access: in the sandbox only verified recipients are reached",
			Source: "ses-ae",
		},
		HTTPS: &Note{
			Text:   "API v2, SendEmail accepts the message as it is",
			Source: "ses-ae",
		},
		Notes: []Note{Note{
			Text:   "no messages are free: the tier of 3,000 a month was closed to new customers on 2026-07-21, and the 62,000 a month that tutorials promise ended in 2023",
			Source: "aws-blog",
		}, Note{
			Text:   "credentials are valid in one region and account only",
			Source: "ses-dg",
		}, Note{
			Text:   "some regions have no SMTP endpoint: a name that does not resolve means that",
			Source: "ses-mm2",
		}, Note{
			Text:   "hosts under mail-manager-smtp.amazonaws.com and user names that begin with inp- belong to Mail Manager, which may accept mail and discard it",
			Source: "ses-mm",
		}, Note{
			Text:   "TLS is mandatory on every port",
			Source: "ses-dg",
		}, Note{
			Text:   "the simulator has bounce@, complaint@, ooto@ and suppressionlist@ for other outcomes of a message",
			Source: "ses-dg",
		}},
		Hosts: Hosts{
			Pattern: "email-smtp.<region>.amazonaws.com",
			Region:  "^[a-z]{2,4}(-[a-z]+)+-[0-9]$",
			Example: "eu-west-1",
			Accept:  "^(vpce-[0-9a-z]+-[0-9a-z]+(-[a-z0-9-]+)?\\.)?email-smtp(-fips)?\\.(?P<region>[a-z]{2,4}(-[a-z]+)+-[0-9])\\.(vpce\\.amazonaws\\.com|amazonaws\\.com(\\.cn)?|amazonaws\\.eu|api\\.aws)$",
			Source:  "ses-dg",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ses-dg",
		}, Port{
			Port:   2587,
			TLS:    "starttls",
			Source: "ses-dg",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Note:   "throttled from EC2",
			Source: "ses-dg",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ses-dg",
		}, Port{
			Port:   2465,
			TLS:    "implicit",
			Source: "ses-dg",
		}},
		Auth: Auth{
			Mechanisms: []string{"LOGIN", "PLAIN"},
			Username: Credential{
				Label:   "access key id of the SMTP user (AKIA...)",
				Pattern: "^AKIA[A-Z0-9]{16}$",
				Source:  "ses-dg",
			},
			Password: Credential{
				Label:   "SMTP password of that user, 44 characters, for one region",
				Pattern: "^B[A-P][A-Za-z0-9+/]{42}$",
				Source:  "ses-dg",
			},
			Derive: "ses",
			Where:  "https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^[A-Za-z0-9/+]{40}$",
				Message: "this is the secret access key of an IAM user, not an SMTP password: give it as secret_access_key= in place of password=, and setup derives the SMTP password from it",
				Refuse:  true,
				Source:  "ses-ex",
			}, Wrong{
				Field:   "password",
				Pattern: "^A[g-v][A-Za-z0-9+/]{42}$",
				Message: "an SMTP password of the old form (before 2019-01-10) works at a lower rate or not at all: make new SMTP credentials",
				Source:  "ses-dg",
			}, Wrong{
				Field:   "username",
				Pattern: "^ASIA[A-Z0-9]{16}$",
				Message: "a temporary access key: SES accepts no temporary credentials over SMTP, make SMTP credentials of an IAM user",
				Refuse:  true,
				Source:  "ses-dg",
			}, Wrong{
				Field:   "username",
				Pattern: "^inp-.*$",
				Message: "a Mail Manager ingress user, which is another product: make SMTP credentials in SES",
				Refuse:  true,
				Source:  "ses-mm",
			}},
			Source: "ses-dg",
		},
		EHLO: EHLO{
			Lacks:  []string{"SMTPUTF8"},
			Source: "ses-model",
		},
		Limits: Limits{
			MessageBytes: 41943040,
			Recipients:   50,
			Notes: []Note{Note{
				Text:   "message size counts after base64; over 10 MB the bandwidth is throttled",
				Source: "ses-ae",
			}, Note{
				Text:   "in the sandbox 200 recipients in 24 hours, 1 a second, and only verified ones or the simulator",
				Source: "ses-ae",
			}, Note{
				Text:   "quotas count recipients, per account and region; no number is published for production",
				Source: "ses-ae",
			}, Note{
				Text:   "the number of connections is limited; the limit is not published",
				Source: "ses-dg",
			}, Note{
				Text:   "a connection should be closed and reopened after some messages",
				Source: "ses-dg",
			}},
			Source: "ses-ae",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "refused",
			Domain:     "address",
			Note:       "an address or domain verified in the same region; From, Sender, Return-Path and the envelope sender are checked",
			Source:     "ses-dg",
			NullSource: "dms-2403",
		},
		DNS: DNS{
			SPF: "include:amazonses.com",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "<token>._domainkey",
				Value: "<token>.dkim.amazonses.com",
			}},
			Other: []Record{Record{
				Type:  "MX",
				Name:  "<mail-from subdomain>",
				Value: "10 feedback-smtp.<region>.amazonses.com",
			}},
			Note:   "the include belongs on the MAIL FROM subdomain, beside its one MX; with SES's own MAIL FROM domain none is needed",
			Source: "ses-dg",
		},
		Test: &Test{
			Recipient: "success@simulator.amazonses.com",
			NotProven: "that a real recipient gets the mail, and that the account is out of the sandbox: the simulator is open to sandbox accounts too",
			Source:    "ses-dg",
		},
		Replies: []Reply{Reply{
			ID:     "ses_credentials_invalid",
			Code:   535,
			Match:  "(?i)Authentication Credentials Invalid",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "wrong user name or password, the IAM secret used as the SMTP password, or a password made for another region",
			Remedy: "give the IAM secret as secret_access_key= so that the password is derived for this region, or make new SMTP credentials in this region",
			Sample: "Authentication Credentials Invalid",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_not_subscribed",
			Code:   535,
			Match:  "(?i)Account not subscribed to SES",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the AWS account of this key has not signed up for SES",
			Remedy: "open SES in the AWS console once for this account",
			Sample: "Account not subscribed to SES",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_auth_required",
			Code:   530,
			Match:  "(?i)Authentication required",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without a login; in Postfix: the key in the password table is not the next hop, or no SASL mechanism is in common",
			Remedy: "set user name and password in the program that sends; in Postfix make the key in the password table equal the next hop, [host]:port, and install the SASL plug-ins",
			Sample: "Authentication required",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_unverified_identity",
			Code:   554,
			Match:  "(?i)Email address is not verified\\. The following identit",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not verified in this region; in the sandbox the recipients must be verified as well",
			Remedy: "compare the addresses in the reply with From and To: verify the sender's domain in this region, or ask for production access",
			Sample: "Message rejected: Email address is not verified. The following identities failed the check in region US-EAST-1: app@example.test",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_iam_denied",
			Code:   554,
			Match:  "(?i)is not authorized to perform .?ses:Send",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the policy of the IAM user, or of the identity, does not allow sending",
			Remedy: "allow ses:SendRawEmail on the identity for this IAM user",
			Sample: "Access denied: User arn:aws:iam::123456789012:user/smtp is not authorized to perform ses:SendRawEmail on resource arn:aws:ses:eu-west-1:123456789012:identity/example.com",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_rate",
			Code:   454,
			Match:  "(?i)Throttling failure: Maximum sending rate exceeded",
			At:     "data",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "more messages a second than the account may send",
			Remedy: "fewer connections at once and a delay between deliveries, or ask AWS for a higher rate",
			Sample: "Throttling failure: Maximum sending rate exceeded",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_daily_quota",
			Code:   454,
			Match:  "(?i)Throttling failure: Daily message quota exceeded",
			At:     "data",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "the quota of 24 hours is used up (200 in the sandbox)",
			Remedy: "wait, or ask AWS for a higher quota",
			Sample: "Throttling failure: Daily message quota exceeded",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_old_password_rate",
			Code:   454,
			Match:  "(?i)Maximum SigV2 SMTP sending rate exceeded",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the SMTP password is of the old form, which has a rate of its own",
			Remedy: "make new SMTP credentials",
			Sample: "Throttling failure: Maximum SigV2 SMTP sending rate exceeded",
			Source: "ses-dg-code",
		}, Reply{
			ID:     "ses_auth_temporary",
			Code:   454,
			Match:  "(?i)Temporary authentication failure",
			At:     "auth",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "a fault at SES while logging in",
			Remedy: "wait: Postfix retries automatically",
			Sample: "Temporary authentication failure",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_service_temporary",
			Code:   454,
			Match:  "(?i)Temporary service failure",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "a fault at SES; with 451 it can be the message too",
			Remedy: "wait; if one message keeps failing with 451, look at that message",
			Sample: "Temporary service failure",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_idle_timeout",
			Code:   451,
			Match:  "(?i)Timeout waiting for data from client",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "the connection was idle for too long",
			Remedy: "keep idle connections for a shorter time",
			Sample: "Timeout waiting for data from client",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_too_many_connections",
			Code:   421,
			Match:  "(?i)Too many concurrent SMTP connections",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "too many connections at once",
			Remedy: "lower the number of connections to this relay",
			Sample: "Too many concurrent SMTP connections",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_too_large",
			Code:   552,
			Match:  "(?i)Message is too long",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the message is larger than SES accepts",
			Remedy: "lower message_size_limit so that programs are told at once",
			Sample: "Message is too long.",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_sender_syntax",
			Code:   553,
			Match:  "(?i)Invalid email address",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender's address is not well formed",
			Remedy: "rewrite local senders to a verified address (--from)",
			Sample: "<root@host> Invalid email address",
			Source: "ses-dg",
		}, Reply{
			ID:     "ses_paused",
			Code:   554,
			Match:  "(?i)(sending paused for this account|email sending for the account is paused)",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "AWS has paused sending for this account",
			Remedy: "answer the review that AWS has sent to the address of the account",
			Sample: "Sending paused for this account. For more information, please check the inbox of the email address associated with your AWS account",
			Source: "recalled",
		}, Reply{
			ID:     "ses_mail_from_unverified",
			Code:   554,
			Match:  "(?i)Mail ?FROM domain (is )?not verified",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the custom MAIL FROM domain has no valid MX, and SES is set to reject in that case",
			Remedy: "publish the one MX record of the MAIL FROM subdomain",
			Sample: "Mail FROM domain is not verified",
			Source: "ses-dg-code",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "ses_api_unverified",
				Code:   "MessageRejected",
				Match:  "(?i)not verified",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender is not verified in this region, or the account is in the sandbox and the recipient is not verified",
				Remedy: "verify the domain in the region of the setup, or ask for production access",
				Sample: "400 MessageRejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: app@example.com",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_rejected_paused",
				Code:   "MessageRejected",
				Match:  "(?i)paused|suspend",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account may not send: suspended, paused or not yet activated",
				Remedy: "settle it with the relay's support; the mail waits",
				Sample: "400 MessageRejected: Sending paused for this account",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_rejected",
				Code:   "MessageRejected",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 MessageRejected: Transaction failed: Missing end boundary",
				Source: "unsure-api",
			}, APIReply{
				ID:     "ses_api_mail_from",
				Code:   "MailFromDomainNotVerifiedException",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the custom MAIL FROM domain has no valid MX record",
				Remedy: "correct the MX record of the MAIL FROM domain, or let SES use its own where it fails",
				Sample: "400 MailFromDomainNotVerifiedException: The sending domain is not verified",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_suspended",
				Code:   "AccountSuspendedException",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account's ability to send is permanently restricted",
				Remedy: "write to AWS Support, or set up another relay",
				Sample: "400 AccountSuspendedException: The account's ability to send email has been permanently restricted",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_paused",
				Code:   "SendingPausedException",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "sending is paused for the account",
				Remedy: "resolve what the SES console reports and resume sending there",
				Sample: "400 SendingPausedException: Email sending is disabled for the account",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_not_found",
				Code:   "NotFoundException",
				Reply:  "451 4.3.5",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the configuration set or identity does not exist in this region",
				Remedy: "check region, domain and account in the setup",
				Sample: "404 NotFoundException: Configuration set does not exist",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_too_many",
				Code:   "TooManyRequestsException",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "429 TooManyRequestsException: Too many requests",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_throttling",
				Code:   "ThrottlingException",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "400 ThrottlingException: Maximum sending rate exceeded",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_limit",
				Code:   "LimitExceededException",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "a quota of the account is used up",
				Remedy: "wait, or ask for a higher sending quota in the SES console",
				Sample: "400 LimitExceededException: Daily message quota exceeded",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_too_large",
				Code:   "BadRequestException",
				Match:  "(?i)length|size|too (long|large)",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "400 BadRequestException: Message length is more than 41943040 bytes long",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_address",
				Code:   "BadRequestException",
				Match:  "(?i)missing final '@domain'|local address contains|domain (contains|starts|ends)|illegal address|invalid.*(recipient|address)",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 BadRequestException: Missing final '@domain'",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_denied",
				Code:   "AccessDeniedException",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the role or user has no permission to send by SES",
				Remedy: "attach a policy that allows ses:SendEmail and ses:SendRawEmail",
				Sample: "403 AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/mail/i-0 is not authorized to perform: ses:SendRawEmail",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_unknown_key",
				Code:   "UnrecognizedClientException",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "AWS does not know the access key, or it is of another partition",
				Remedy: "give setup a key that exists; with a role, check that the host still has it",
				Sample: "403 UnrecognizedClientException: The security token included in the request is invalid.",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_signature",
				Code:   "InvalidSignatureException",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the secret access key is wrong, or the clock of this server is off by more than five minutes",
				Remedy: "check the clock, then give setup the secret access key (not the SMTP password)",
				Sample: "403 InvalidSignatureException: The request signature we calculated does not match the signature you provided.",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_signature_form",
				Code:   "SignatureDoesNotMatch",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the secret access key is wrong, or the clock of this server is off by more than five minutes",
				Remedy: "check the clock, then give setup the secret access key (not the SMTP password)",
				Sample: "403 SignatureDoesNotMatch: The request signature we calculated does not match the signature you provided.",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_token_id",
				Code:   "InvalidClientTokenId",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "AWS does not know the access key",
				Remedy: "give setup a key that exists; with a role, check that the host still has it",
				Sample: "403 InvalidClientTokenId: The security token included in the request is invalid.",
				Source: "api-errors",
			}, APIReply{
				ID:     "ses_api_expired",
				Code:   "ExpiredTokenException",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the temporary keys have expired and no new ones could be fetched",
				Remedy: "check that the host still has its role and can reach the metadata service",
				Sample: "403 ExpiredTokenException: The security token included in the request is expired",
				Source: "api-errors",
			}},
		},
		Sources: map[string]Source{
			"api-errors": Source{
				URL:        "https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html",
				Where:      "Errors; codes of signatures: Common Errors; texts by the SDKs' models",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"aws-blog": Source{
				Where:      "AWS blog post, read as api-evangelist commit e0c7ed6",
				AsOf:       "2026-07-21",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"dms-2403": Source{
				URL:        "https://github.com/docker-mailserver/docker-mailserver/issues/2403",
				Where:      "log of a Postfix whose bounce met: 501 Invalid MAIL FROM address provided",
				AsOf:       "2022-02-10",
				Checked:    date(2026, 11, 22),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"ses-ae": Source{
				URL:        "https://github.com/api-evangelist/amazon-ses",
				Where:      "commit e0c7ed6, a reading of the AWS pages",
				AsOf:       "2026-08-13",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"ses-dg": Source{
				URL:        "https://github.com/awsdocs/amazon-ses-developer-guide",
				Where:      "commit 444a4c5, doc-source/",
				AsOf:       "2022-10-28",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"ses-dg-code": Source{
				URL:        "https://github.com/awsdocs/amazon-ses-developer-guide",
				Where:      "commit 444a4c5, doc-source/; the text is official, its code is not known",
				AsOf:       "2022-10-28",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"ses-ex": Source{
				URL:        "https://github.com/awsdocs/aws-doc-sdk-examples",
				Where:      "commit 08d023f, python/example_code/ses/ses_generate_smtp_credentials.py, undated",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"ses-mm": Source{
				URL:        "https://github.com/api-evangelist/amazon-ses",
				Where:      "blogs/, AWS post of 2025-12-30, and the note of a public project",
				AsOf:       "2025-12-30",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"ses-mm2": Source{
				URL:        "https://aws.amazon.com/blogs/messaging-and-targeting/using-amazon-mail-manager-smtp-to-send-email-using-amazon-simple-email-service/",
				AsOf:       "2026-06-03",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"ses-model": Source{
				Where:      "the service's model, read as api-evangelist/amazon-ses",
				AsOf:       "2026-08-22",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaybrevo() Relay {
	return Relay{
		ID:   "brevo",
		Name: "Brevo (Sendinblue)",
		Tier: 1,
		Docs: "https://developers.brevo.com/docs/smtp-integration",
		Free: &Free{
			Messages: 300,
			Per:      "day",
			Source:   "bv-price",
		},
		HTTPS: &Note{
			Text:   "API v3, JSON",
			Source: "bv-doc",
		},
		Notes: []Note{Note{
			Text:   "IP blocking is on for SMTP keys of new accounts: add the server's addresses, IPv4 and IPv6",
			Source: "bv-525",
		}, Note{
			Text:   "the documentation calls 587 and 2525 unencrypted; STARTTLS works there and must be forced",
			Source: "bv-doc",
		}, Note{
			Text:   "keys that leak to GitHub are disabled at once",
			Source: "bv-525",
		}},
		Hosts: Hosts{
			Default: "smtp-relay.brevo.com",
			Old:     []string{"smtp-relay.sendinblue.com"},
			Source:  "bv-key",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Note:   "documented as unencrypted; STARTTLS works",
			Source: "bv-doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Note:   "STARTTLS inferred from 587",
			Source: "unsure",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "bv-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN", "CRAM-MD5"},
			Username: Credential{
				Label:   "SMTP login: ...@smtp-brevo.com, or the account's address in old accounts",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "bv-key",
			},
			Password: Credential{
				Label:   "SMTP key (xsmtpsib-...)",
				Pattern: "^xsmtpsib-[0-9a-f]{64}-[A-Za-z0-9]{16}$",
				Source:  "bv-key",
			},
			Where: "https://app.brevo.com/settings/keys/smtp",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^xkeysib-.*$",
				Message: "this is an API key (xkeysib-): SMTP wants an SMTP key, which begins with xsmtpsib-",
				Refuse:  true,
				Source:  "bv-doc",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "20 MB a message",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Domain:     "address",
			Note:       "a validated sender or an authenticated domain",
			Source:     "bv-api",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "brevo1._domainkey",
				Value: "b1.<domain-with-dashes>.dkim.brevo.com",
			}, Record{
				Type:  "CNAME",
				Name:  "brevo2._domainkey",
				Value: "b2.<domain-with-dashes>.dkim.brevo.com",
			}},
			Other: []Record{Record{
				Type:  "TXT",
				Name:  "@",
				Value: "brevo-code:<32 hex digits>",
			}, Record{
				Type:   "TXT",
				Name:   "_dmarc",
				Value:  "v=DMARC1; p=<policy>; rua=mailto:rua@dmarc.brevo.com",
				Source: "bv-api",
			}},
			Note:   "Brevo asks for no SPF include; include:spf.brevo.com and include:sendinblue.com are seen; older domains have TXT mail._domainkey",
			Source: "bv-dkim",
		},
		Replies: []Reply{Reply{
			ID:     "brevo_unauthorized_ip",
			Code:   525,
			Match:  "(?i)Unauthorized IP address",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "IP blocking for SMTP keys is on, and this server's address is not on the list; the key itself may be right",
			Remedy: "Settings, Security, Authorized IPs: add the server's address (IPv4 and IPv6), or switch blocking off for SMTP keys",
			Sample: "5.7.1 Unauthorized IP address",
			Source: "bv-525",
		}, Reply{
			ID:     "brevo_auth_failed",
			Code:   535,
			Match:  "(?i)Authentication failed",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "wrong SMTP key or login, or an API key in its place",
			Remedy: "make a new SMTP key (xsmtpsib-) and copy the login that stands beside it",
			Sample: "5.7.8 Authentication failed",
			Source: "bv-525",
		}, Reply{
			ID:     "brevo_invalid_login",
			Code:   535,
			Match:  "(?i)Invalid login or password",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "wrong SMTP key or login, or an API key in its place",
			Remedy: "make a new SMTP key (xsmtpsib-) and copy the login that stands beside it",
			Sample: "5.7.0 Invalid login or password",
			Source: "bv-535",
		}, Reply{
			ID:     "brevo_auth_required",
			Code:   502,
			Match:  "(?i)Please authenticate first",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without a login, or something between said EHLO again after it",
			Remedy: "set user name and password in the program that sends; in Postfix make the key in the password table equal the next hop, [host]:port",
			Sample: "5.7.0 Please authenticate first",
			Source: "bv-ehlo",
		}, Reply{
			ID:     "brevo_not_activated",
			Code:   502,
			Match:  "(?i)SMTP account is not (yet )?activated",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the login is right, but the account is not activated for SMTP",
			Remedy: "ask Brevo's support to activate transactional mail",
			Sample: "5.7.0 Your SMTP account is not yet activated. Please contact us at contact@... to request activation",
			Source: "bv-act",
		}},
		API: &API{
			WaitHeader: "X-Sib-Ratelimit-Reset",
			Replies: []APIReply{APIReply{
				ID:     "brevo_api_key",
				Code:   "unauthorized",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API key is wrong or deleted, or this server's address is not among the authorised IPs",
				Remedy: "create an API key (xkeysib-...), and allow this server's address under Security, Authorised IPs",
				Sample: "401 unauthorized: Key not found",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_permission",
				Code:   "permission_denied",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account is not activated for transactional mail, or the key may not send",
				Remedy: "ask Brevo's support to activate it",
				Sample: "403 permission_denied: Your SMTP account is not yet activated",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_validation",
				Code:   "account_under_validation",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account is under validation",
				Remedy: "wait for Brevo, or write to its support",
				Sample: "403 account_under_validation: Your account is under validation",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_credits",
				Code:   "not_enough_credits",
				Reply:  "451 4.7.28",
				Scope:  "account",
				Retry:  "wait",
				Cause:  "the credits of the day or of the plan are used up",
				Remedy: "wait until they are renewed, or upgrade",
				Sample: "402 not_enough_credits: You have insufficient credits",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_sender",
				Code:   "invalid_parameter",
				Match:  "(?i)sender",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender is not verified at Brevo",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "400 invalid_parameter: sender is invalid",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_address",
				Code:   "invalid_parameter",
				Match:  "(?i)email|[^a-z](to|cc|bcc)[^a-z]",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 invalid_parameter: email is not valid in to",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_invalid",
				Code:   "invalid_parameter",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 invalid_parameter: attachment is invalid",
				Source: "unsure-api",
			}, APIReply{
				ID:     "brevo_api_missing",
				Code:   "missing_parameter",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 missing_parameter: subject is missing",
				Source: "unsure-api",
			}},
			Source: "unsure-api",
		},
		Sources: map[string]Source{
			"bv-525": Source{
				Where:      "ten project notes in public repositories that quote the reply",
				AsOf:       "2026-05-30 to 2026-08",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"bv-535": Source{
				URL:        "https://github.com/marcpope/borgbackupserver/issues/16",
				AsOf:       "2026-02-28",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"bv-act": Source{
				URL:        "https://github.com/WPManageNinja/fluent-smtp/issues/157",
				Where:      "also supabase/agent-skills 133",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"bv-api": Source{
				URL:        "https://developers.brevo.com/docs/domain-authentication-and-verification",
				AsOf:       "2024-04-09",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"bv-dkim": Source{
				Where:      "ten public files with Brevo DNS records",
				AsOf:       "2026",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"bv-doc": Source{
				URL:        "https://developers.brevo.com/docs/smtp-integration",
				Where:      "undated copy, 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"bv-ehlo": Source{
				URL:        "https://github.com/frappe/frappe/issues/38806",
				Where:      "also 38558",
				AsOf:       "2026-04-13 to 2026-04-22",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"bv-key": Source{
				Where:      "ten public files with Brevo settings, values not stored",
				AsOf:       "2026",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"bv-price": Source{
				URL:        "https://github.com/api-evangelist/brevo",
				Where:      "commit 7c9e7fa, plans/brevo-plans-pricing.yml",
				AsOf:       "2026-07-23",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure": Source{
				Where:      "sources disagree, or none states it",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaymailgun() Relay {
	return Relay{
		ID:   "mailgun",
		Name: "Mailgun",
		Tier: 1,
		Docs: "https://documentation.mailgun.com/docs/mailgun/user-manual/smtp-protocol/smtp-relay.md",
		HTTPS: &Note{
			Text:   "messages.mime accepts the message as it is",
			Source: "mg-api",
		},
		Notes: []Note{Note{
			Text:   "SMTP credentials belong to one region: on the host of the other they look like a wrong password",
			Source: "mg-repo",
		}, Note{
			Text:   "421 is also the reply to mail that can never pass, and Postfix then keeps it for five days",
			Source: "mg-421",
		}, Note{
			Text:   "TLS is optional on 25, 587 and 2525: it must be forced",
			Source: "mg-smtp",
		}, Note{
			Text:   "the relay's addresses change often: allow it by name in a firewall",
			Source: "mg-repo",
		}},
		Hosts: Hosts{
			Default: "smtp.mailgun.org",
			Named: map[string]string{
				"eu": "smtp.eu.mailgun.org",
				"us": "smtp.mailgun.org",
			},
			Source: "mg-repo",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "mg-smtp",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Note:   "named for Google Compute Engine",
			Source: "mg-smtp",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "mg-smtp",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "mg-smtp",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "SMTP login: the full address, usually postmaster@ the sending domain",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "mg-smtp",
			},
			Password: Credential{
				Label:   "SMTP password of that login (not of the control panel, not the API key)",
				Pattern: "^\\S{5,}$",
				Source:  "mg-smtp",
			},
			Where: "https://app.mailgun.com/mg/sending/domains",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^(key|pubkey)-.*$",
				Message: "this is an API key: reset the password of the SMTP login under Domain settings, SMTP credentials",
				Refuse:  true,
				Source:  "mg-repo",
			}, Wrong{
				Field:   "username",
				Pattern: "^api$",
				Message: "this is the user name of the HTTP API: for SMTP it is the full login, usually postmaster@ the sending domain",
				Refuse:  true,
				Source:  "mg-repo",
			}},
			Source: "mg-ehlo",
		},
		EHLO: EHLO{
			Offers: []string{"SIZE", "8BITMIME", "ENHANCEDSTATUSCODES", "SMTPUTF8"},
			Source: "mg-ehlo",
		},
		Limits: Limits{
			MessageBytes: 26214400,
			Recipients:   1000,
			Notes: []Note{Note{
				Text:   "25 MB is the stated size; EHLO offered SIZE 52428800 in 2018",
				Source: "mg-ehlo",
			}, Note{
				Text:   "1000 recipients is the number of the HTTP API",
				Source: "mg-api",
			}, Note{
				Text:   "a domain that is not verified may send 300 messages a day",
				Source: "mg-dom",
			}, Note{
				Text:   "a sandbox domain reaches at most 5 recipients, each authorised before",
				Source: "mg-repo",
			}},
			Source: "mg-repo",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at the domain of the login, which is verified by DNS; a new account is activated by mail and telephone first",
			Source:     "mg-repo",
		},
		DNS: DNS{
			SPF: "include:mailgun.org",
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "<selector>._domainkey",
			}},
			Other: []Record{Record{
				Type:  "CNAME",
				Name:  "email",
				Value: "mailgun.org",
			}},
			Note:   "the DKIM selector is shown in the control panel; the tracking CNAME tells the region (mailgun.org or eu.mailgun.org)",
			Source: "mg-dom",
		},
		Test: &Test{
			Header:    "X-Mailgun-Drop-Message: yes",
			NotProven: "that the message reaches anybody: Mailgun accepts it and discards it",
			Source:    "mg-gist",
		},
		Replies: []Reply{Reply{
			ID:     "mailgun_sandbox",
			Code:   421,
			Match:  "(?i)is not allowed to send: Sandbox subdomains are for test purposes only",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain is a sandbox, and the recipient is not authorised; the code is 421, but waiting does not help",
			Remedy: "add a domain of your own, or authorise the recipient in the account's settings",
			Sample: "Domain app7957.mailgun.org is not allowed to send: Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients in Account Settings.",
			Source: "mg-421",
		}, Reply{
			ID:     "mailgun_not_activated",
			Code:   421,
			Match:  "(?i)is not allowed to send: Please activate your Mailgun account",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the account is not activated",
			Remedy: "follow the link in Mailgun's mail and confirm the telephone number",
			Sample: "Domain example.com is not allowed to send: Please activate your Mailgun account",
			Source: "mg-act",
		}, Reply{
			ID:     "mailgun_free_account",
			Code:   421,
			Match:  "(?i)is not allowed to send: Free accounts are for test purposes only",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the plan allows authorised recipients only",
			Remedy: "upgrade the plan, or authorise the recipient",
			Sample: "Domain example.com is not allowed to send: Free accounts are for test purposes only. Please upgrade or add the address to authorized recipients",
			Source: "mg-api",
		}, Reply{
			ID:     "mailgun_domain_unverified",
			Code:   421,
			Match:  "(?i)is not allowed to send: The domain is unverified",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain's DNS records are missing",
			Remedy: "publish the records that Mailgun shows for the domain, then have it verified",
			Sample: "Domain example.com is not allowed to send: The domain is unverified and requires DNS configuration",
			Source: "mg-api",
		}, Reply{
			ID:     "mailgun_limit",
			Code:   421,
			Match:  "(?i)(request|bytes|recipient) limit exceeded, try again",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "a limit of the plan is used up",
			Remedy: "wait until the date in the reply, or upgrade",
			Sample: "Domain example.com is not allowed to send: recipient limit exceeded, try again after Thu, 01 Jan 2026 00:00:00 GMT",
			Source: "mg-api",
		}, Reply{
			ID:     "mailgun_sandbox_old",
			Code:   554,
			Match:  "(?i)Sandbox subdomains are for test purposes only.*in domain settings",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain is a sandbox, and the recipient is not authorised",
			Remedy: "add a domain of your own, or authorise the recipient in the account's settings",
			Sample: "Sandbox subdomains are for test purposes only. Please add your own domain or add the address to authorized recipients in domain settings.",
			Source: "mg-554",
		}, Reply{
			ID:     "mailgun_relaying_denied",
			Code:   550,
			Match:  "(?i)Relaying denied",
			At:     "rcpt",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without a login, or with that of another domain",
			Remedy: "check the key in the password table, the domain of the user name, and the region",
			Sample: "5.7.1 Relaying denied",
			Source: "mg-relden",
		}, Reply{
			ID:     "mailgun_auth_failed",
			Code:   535,
			Match:  "(?i)Authentication failed",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "wrong password, or a login of the other region",
			Remedy: "reset the password of the SMTP login; try --region eu or us",
			Sample: "5.7.0 Authentication failed",
			Source: "recalled",
		}},
		API: &API{
			WaitHeader: "X-Ratelimit-Reset",
			Replies: []APIReply{APIReply{
				ID:     "mailgun_api_address",
				Status: 400,
				Match:  "(?i)parameter is not a valid address",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 to parameter is not a valid address. please check documentation",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailgun_api_not_allowed",
				Status: 400,
				Match:  "(?i)free accounts|sandbox|not allowed to send|unverified|disabled|authorized recipients",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the domain is a sandbox, not verified, or disabled",
				Remedy: "verify a domain of your own, or add the recipient to the authorized ones",
				Sample: "400 Free accounts are for test purposes only. Please upgrade or add the address to authorized recipients in Account Settings.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailgun_api_too_large",
				Status: 400,
				Match:  "(?i)too large|maximum size",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "400 Message is too large",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailgun_api_limit",
				Status: 400,
				Match:  "(?i)limit|exceeded",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "the account has sent all that its plan allows for now",
				Remedy: "wait until the quota is renewed, or upgrade the plan",
				Sample: "400 Domain example.com exceeded its hourly limit",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailgun_api_mime",
				Status: 400,
				Match:  "(?i)mime|malformed",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 malformed MIME message",
				Source: "unsure-api",
			}},
			Source: "unsure-api",
		},
		Sources: map[string]Source{
			"mg-421": Source{
				URL:        "https://github.com/swapmyvote/swapmyvote/issues/891",
				Where:      "also 415",
				AsOf:       "2020-11-15 to 2024-06-27",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mg-554": Source{
				URL:        "https://github.com/swapmyvote/swapmyvote/issues/332",
				Where:      "also 182; not seen since",
				AsOf:       "2019-12-09",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mg-act": Source{
				URL:        "https://github.com/Monstarrrr/rebutify/issues/162",
				AsOf:       "2024-06-11",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mg-api": Source{
				URL:        "https://github.com/mailgun/documentation",
				Where:      "commit 32f4121, source/; the text is official for the HTTP API, the SMTP code is inferred",
				AsOf:       "2024-07-23",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"mg-dom": Source{
				URL:        "https://documentation.mailgun.com/docs/mailgun/user-manual/domains/domains-verify.md",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"mg-ehlo": Source{
				URL:        "https://pastebin.com/TkYJJTpt",
				Where:      "SMTP transcript",
				AsOf:       "2018-08-16",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mg-gist": Source{
				URL:        "https://gist.github.com/emzo/6178900ed5a606dbcba886f443db2e87",
				Where:      "the header set by an SMTP client",
				AsOf:       "2016-06-17",
				Checked:    date(2026, 11, 22),
				Confidence: "observed",
			},
			"mg-relden": Source{
				URL:        "https://github.com/axllent/mailpit/issues/337",
				Where:      "also n8n-io/n8n 13269",
				AsOf:       "2024-07-24 to 2025-02-15",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mg-repo": Source{
				URL:        "https://github.com/mailgun/documentation",
				Where:      "commit 32f4121, source/",
				AsOf:       "2024-07-23",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"mg-smtp": Source{
				URL:        "https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-smtp.md",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaypostmark() Relay {
	return Relay{
		ID:   "postmark",
		Name: "Postmark",
		Tier: 1,
		Docs: "https://postmarkapp.com/support/article/811-what-are-the-smtp-details-api-tokens-i-should-be-using",
		Free: &Free{
			Messages: 100,
			Per:      "month",
			Source:   "pm-ae",
		},
		HTTPS: &Note{
			Text:   "Email API, JSON",
			Source: "pm-ae",
		},
		Notes: []Note{Note{
			Text:   "no port with implicit TLS: a time-out on 465 is normal",
			Source: "pm-sup",
		}, Note{
			Text:   "mail that SMTP has taken may still be refused inside: see the activity page",
			Source: "pm-apierr",
		}, Note{
			Text:   "the token of a sandbox server accepts every message and delivers none",
			Source: "pm-ae",
		}, Note{
			Text:   "broadcasts through the transactional host are against the terms",
			Source: "pm-sup",
		}, Note{
			Text:   "the header X-PM-Message-Stream chooses the stream of a server token; an SMTP token is bound to one stream",
			Source: "pm-sup",
		}},
		Hosts: Hosts{
			Default: "smtp.postmarkapp.com",
			Named: map[string]string{
				"broadcast":     "smtp-broadcasts.postmarkapp.com",
				"transactional": "smtp.postmarkapp.com",
			},
			Source: "pm-sup",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "pm-sup",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "pm-sup",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "pm-sup",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN", "CRAM-MD5"},
			Username: Credential{
				Label:   "server API token (Postmark, Servers, API Tokens), in both fields",
				Pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
				Source:  "pm-sup",
			},
			Password: Credential{
				Label:   "the same server API token",
				Pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
				Source:  "pm-sup",
			},
			Same:  true,
			Where: "https://account.postmarkapp.com/servers",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^POSTMARK_API_TEST$",
				Message: "this is the test token of the API: its mail is never delivered",
				Refuse:  true,
				Source:  "pm-ae",
			}, Wrong{
				Field:   "password",
				Pattern: "^POSTMARK_API_TEST$",
				Message: "this is the test token of the API: its mail is never delivered",
				Refuse:  true,
				Source:  "pm-ae",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			MessageBytes: 10485760,
			Recipients:   50,
			Connections:  10,
			Notes: []Note{Note{
				Text:   "10 MB holds the attachments too; 5 MB for one body part",
				Source: "pm-ae",
			}, Note{
				Text:   "10 connections is advice, not enforced",
				Source: "pm-ae",
			}},
			Source: "pm-ae",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Domain:     "address",
			Note:       "a confirmed Sender Signature or verified domain, not of a public mail service; while the account is pending only recipients in the sender's own domain",
			Source:     "pm-ae",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type:   "TXT",
				Name:   "<timestamp>pm._domainkey",
				Source: "recalled",
			}},
			Other: []Record{Record{
				Type:   "CNAME",
				Name:   "pm-bounces",
				Value:  "pm.mtasv.net",
				Source: "recalled",
			}},
			Note:   "the return path is aligned by its CNAME; include:spf.mtasv.net is the old include; where Postmark's own texts differ, the values in the dashboard hold",
			Source: "pm-dns",
		},
		Replies: []Reply{Reply{
			ID:     "postmark_token",
			Code:   535,
			Match:  "(?i)Authentication failed",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "a wrong token, an account token, or the SMTP token of a stream that is gone",
			Remedy: "copy the server API token into both fields",
			Sample: "5.7.8 Authentication failed",
			Source: "recalled",
		}, Reply{
			ID:     "postmark_server_key",
			Match:  "(?i)ServerAPI key required",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the token is not a server API token",
			Remedy: "copy the server API token into both fields; an account token does not send",
			Sample: "ServerAPI key required",
			Source: "pm-key",
		}, Reply{
			ID:     "postmark_suppressed",
			Match:  "(?i)SMTP API Error",
			At:     "after",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the recipient is suppressed (bounce, complaint, unsubscribed): SMTP took the mail, and Postmark refused it inside",
			Remedy: "reactivate the recipient on the activity page",
			Sample: "SMTP API Error",
			Source: "pm-apierr",
		}, Reply{
			ID:     "postmark_sender_signature",
			Match:  "(?i)Sender Signature",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the From address is no confirmed Sender Signature",
			Remedy: "confirm the signature or verify the domain",
			Sample: "Sender Signature not found",
			Source: "pm-api",
		}, Reply{
			ID:     "postmark_pending",
			Match:  "(?i)(pending approval|Account is Pending)",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the account waits for approval; until then recipients must be in the domain of the sender",
			Remedy: "ask for approval in the account",
			Sample: "Account is Pending",
			Source: "pm-api",
		}, Reply{
			ID:     "postmark_credits",
			Match:  "(?i)Not allowed to send",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the messages of the plan are used up",
			Remedy: "upgrade the plan",
			Sample: "Not allowed to send",
			Source: "pm-api",
		}, Reply{
			ID:     "postmark_inactive_recipient",
			Match:  "(?i)(inactive recipient|marked as inactive)",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the recipient is suppressed",
			Remedy: "reactivate the recipient on the activity page",
			Sample: "Inactive recipient",
			Source: "pm-api",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "postmark_api_token",
				Code:   "10",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the server token is missing, wrong, or that of the account",
				Remedy: "give setup the Server API token of the server that sends",
				Sample: "401 10: No Account or Server API tokens were supplied in the HTTP headers",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_maintenance",
				Code:   "100",
				Reply:  "451 4.3.2",
				Scope:  "service",
				Retry:  "wait",
				Cause:  "a fault at the relay",
				Remedy: "wait: Postfix retries automatically",
				Sample: "503 100: The Postmark API is offline for maintenance",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_address",
				Code:   "300",
				Match:  "(?i)illegal|address|recipient|'to'",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "422 300: Error parsing 'To': Illegal email domain",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_invalid",
				Code:   "300",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 300: Invalid email request: no body",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_sender_missing",
				Code:   "400",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender is no Sender Signature, and its domain is not verified",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "422 400: The 'From' address you supplied is not a Sender Signature on your account.",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_sender_unconfirmed",
				Code:   "401",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the Sender Signature has not been confirmed",
				Remedy: "open the link in the mail that Postmark sent to that address",
				Sample: "422 401: The 'From' address you supplied is a Sender Signature that has not been confirmed.",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_json",
				Code:   "402",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 402: Invalid JSON",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_incompatible",
				Code:   "403",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 403: Incompatible JSON",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_credits",
				Code:   "405",
				Reply:  "451 4.7.28",
				Scope:  "account",
				Retry:  "wait",
				Cause:  "the account has no credits left, or is not approved yet",
				Remedy: "add credits at Postmark, or ask for approval",
				Sample: "422 405: Not allowed to send: out of credits",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_inactive",
				Code:   "406",
				Reply:  "550 5.7.1",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the recipient is inactive at Postmark after a bounce or a complaint",
				Remedy: "reactivate the address under Suppressions of the message stream if it is to get mail again",
				Sample: "422 406: You tried to send to recipient(s) that have been marked as inactive.",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_json_form",
				Code:   "411",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the attachment is of a type that Postmark does not take",
				Remedy: "send the file in another form, as in a ZIP archive",
				Sample: "422 411: Forbidden attachment type",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_pending",
				Code:   "412",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account is pending approval and sends within its own domain only",
				Remedy: "ask Postmark for approval",
				Sample: "422 412: While your account is pending approval, all recipient addresses must share the same domain as the 'From' address.",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_may_not_send",
				Code:   "413",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account may not send: suspended, paused or not yet activated",
				Remedy: "settle it with the relay's support; the mail waits",
				Sample: "422 413: Your account is not allowed to send",
				Source: "pm-api-errors",
			}, APIReply{
				ID:     "postmark_api_rate",
				Code:   "429",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "429 429: Rate limit exceeded",
				Source: "pm-api-errors",
			}},
		},
		Sources: map[string]Source{
			"pm-ae": Source{
				URL:        "https://github.com/api-evangelist/postmark",
				Where:      "commit ea1881d, a reading of postmarkapp.com",
				AsOf:       "2026-08-13",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"pm-api": Source{
				URL:        "https://github.com/api-evangelist/postmark",
				Where:      "commit ea1881d; the text is the HTTP API's, how SMTP puts it is not known",
				AsOf:       "2026-08-13",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"pm-api-errors": Source{
				URL:        "https://postmarkapp.com/developer/api/overview",
				Where:      "API error codes",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"pm-apierr": Source{
				URL:        "https://postmarkapp.com/developer/webhooks/smtp-api-error",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"pm-dns": Source{
				URL:        "https://github.com/ActiveCampaign/postmark-skills",
				Where:      "commit 73ea6bf, postmark-email-best-practices/references/deliverability.md",
				AsOf:       "2026-02-28",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"pm-key": Source{
				URL:        "https://postmarkapp.com/support/article/common-smtp-connection-errors",
				Where:      "named by a failure report; how SMTP puts it is not known",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"pm-sup": Source{
				URL:        "https://postmarkapp.com/support/article/811-what-are-the-smtp-details-api-tokens-i-should-be-using",
				Where:      "undated copy, 2025 or later",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
		},
	}
}

func relaysendgrid() Relay {
	return Relay{
		ID:   "sendgrid",
		Name: "Twilio SendGrid",
		Tier: 1,
		Docs: "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api.md",
		HTTPS: &Note{
			Text:   "Mail Send API v3, JSON",
			Source: "sg-repo",
		},
		Notes: []Note{Note{
			Text:   "AUTH was offered before STARTTLS, and TLS is optional on 25, 587 and 2525: it must be forced",
			Source: "sg-2191",
		}, Note{
			Text:   "the IP access list of the account holds for SMTP too",
			Source: "sg-repo",
		}, Note{
			Text:   "keys of EU subusers fail on the global host, and the reverse",
			Source: "sg-eu",
		}, Note{
			Text:   "lines must stay below 1000 characters",
			Source: "sg-repo",
		}, Note{
			Text:   "accounts made since 2025-03-25 have a trial of 60 days with 100 messages a day; after it sending stops, by API and SMTP",
			Source: "sg-trial",
		}},
		Hosts: Hosts{
			Default: "smtp.sendgrid.net",
			Named: map[string]string{
				"eu":     "smtp.eu.sendgrid.net",
				"global": "smtp.sendgrid.net",
			},
			Source: "sg-doc",
			Sources: map[string]string{
				"eu": "recalled",
			},
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "sg-doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Note:   "for networks that block 587",
			Source: "sg-doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "sg-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "sg-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word apikey",
				Pattern: "^apikey$",
				Fixed:   "apikey",
				Source:  "sg-doc",
			},
			Password: Credential{
				Label:   "API key with the permission Mail Send (SG....)",
				Pattern: "^SG\\.[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}$",
				Source:  "recalled",
			},
			Where: "https://app.sendgrid.com/settings/api_keys",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^SG\\..*$",
				Message: "this is the API key: it is the password, and the user name is the word apikey",
				Refuse:  true,
				Source:  "sg-doc",
			}, Wrong{
				Field:   "password",
				Pattern: "^apikey$",
				Message: "this is the user name: the password is the API key, which begins with SG.",
				Refuse:  true,
				Source:  "sg-doc",
			}, Wrong{
				Field:   "password",
				Pattern: "(?s)^.*\\s.*$",
				Message: "there is a blank or line break inside the key: copy it again in one piece",
				Refuse:  true,
				Source:  "sg-repo",
			}},
			Source: "sg-2191",
		},
		EHLO: EHLO{
			Offers: []string{"8BITMIME", "PIPELINING", "SIZE"},
			Source: "sg-2191",
		},
		Limits: Limits{
			MessageBytes:          20971520,
			Recipients:            1000,
			Connections:           10000,
			MessagesPerConnection: 5000,
			HeaderBytes:           4096000,
			Notes: []Note{Note{
				Text:   "20 MB is the guide's number; EHLO offered SIZE 31457280 in 2016",
				Source: "sg-2191",
			}, Note{
				Text:   "1000 recipients are advised; 10,000 is the hard limit by X-SMTPAPI",
				Source: "sg-repo",
			}, Note{
				Text:   "SendGrid advises header_size_limit = 4096000, because Postfix cuts a longer X-SMTPAPI header",
				Source: "sg-repo",
			}},
			Source: "sg-doc",
			Sources: map[string]string{
				"header_bytes":  "sg-repo",
				"message_bytes": "sg-repo",
			},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Domain:     "address",
			Note:       "a verified Sender Identity: an authenticated domain or a single sender; the From header is what counts",
			Source:     "sg-repo",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type:   "CNAME",
				Name:   "s1._domainkey",
				Value:  "s1.domainkey.u<id>.wl<nnn>.sendgrid.net",
				Source: "recalled",
			}, Record{
				Type:   "CNAME",
				Name:   "s2._domainkey",
				Value:  "s2.domainkey.u<id>.wl<nnn>.sendgrid.net",
				Source: "recalled",
			}},
			Other: []Record{Record{
				Type:   "CNAME",
				Name:   "em<digits>",
				Value:  "u<id>.wl<nnn>.sendgrid.net",
				Source: "recalled",
			}},
			Note:   "the three CNAMEs are enough; include:sendgrid.net is for old setups only; the usual mistake is a doubled name, em123.example.com.example.com",
			Source: "sg-repo",
		},
		Replies: []Reply{Reply{
			ID:     "sendgrid_key_invalid",
			Code:   535,
			Match:  "(?i)The provided authorization grant is invalid",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the API key is wrong, deleted or lacks a permission; the end of the trial may say the same",
			Remedy: "make an API key with the permission Mail Send; the user name is the word apikey",
			Sample: "Authentication failed: The provided authorization grant is invalid, expired, or revoked",
			Source: "sg-3947",
		}, Reply{
			ID:     "sendgrid_username",
			Code:   535,
			Match:  "(?i)Authentication failed: Bad username / password",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the user name is not the word apikey",
			Remedy: "set the user name to the word apikey and the password to the API key",
			Sample: "Authentication failed: Bad username / password",
			Source: "recalled",
		}, Reply{
			ID:     "sendgrid_sender_identity",
			Code:   550,
			Match:  "(?i)from address does not match a verified Sender Identity",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the From address is not a verified Sender Identity",
			Remedy: "authenticate the domain at SendGrid, or send from an address that is verified",
			Sample: "The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved. Visit https://sendgrid.com/docs/...",
			Source: "sg-9188",
		}, Reply{
			ID:     "sendgrid_sender_not_authorized",
			Code:   403,
			Match:  "(?i)You are not authorized to send from that email address",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the From address is not a verified Sender Identity",
			Remedy: "authenticate the domain at SendGrid, or send from an address that is verified",
			Sample: "You are not authorized to send from that email address",
			Source: "sg-repo",
		}, Reply{
			ID:     "sendgrid_auth_required",
			Code:   550,
			Match:  "(?i)Unauthenticated senders not allowed",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without a login; in Postfix: the key in the password table is not the next hop, or no SASL mechanism is in common",
			Remedy: "set user name and password in the program that sends; in Postfix make the key in the password table equal the next hop, [host]:port, and install the SASL plug-ins",
			Sample: "Unauthenticated senders not allowed",
			Source: "sg-repo",
		}, Reply{
			ID:     "sendgrid_credits",
			Code:   451,
			Match:  "(?i)Authentication failed: Maximum credits exceeded",
			At:     "auth",
			Scope:  "account",
			Retry:  "wait",
			Cause:  "the credits of the plan or of the trial are used up; the key itself is right",
			Remedy: "wait until they are renewed, or upgrade; after the end of the trial only an upgrade helps. Do not change the key",
			Sample: "Authentication failed: Maximum credits exceeded",
			Source: "sg-repo",
		}, Reply{
			ID:     "sendgrid_messaging_limits",
			Code:   451,
			Match:  "(?i)You've exceeded your messaging limits",
			Scope:  "account",
			Retry:  "wait",
			Cause:  "the plan's number of messages is used up",
			Remedy: "wait until it is renewed, or upgrade",
			Sample: "You've exceeded your messaging limits",
			Source: "sg-limits",
		}, Reply{
			ID:     "sendgrid_ip_not_allowed",
			Code:   451,
			Match:  "(?i)Authentication failed: Could not authenticate",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "this server's address is not on the account's IP access list, or the account is suspended; the code is 451, but waiting does not help",
			Remedy: "add the address under Settings, IP Access Management, or ask SendGrid's support",
			Sample: "Authentication failed: Could not authenticate",
			Source: "sg-2191",
		}, Reply{
			ID:     "sendgrid_hourly_recipients",
			Code:   452,
			Match:  "(?i)Too many recipients received this hour",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "too many recipients in this hour; it may come from the recipient's server",
			Remedy: "send more slowly",
			Sample: "Too many recipients received this hour (throttled)",
			Source: "sg-repo",
		}, Reply{
			ID:     "sendgrid_recipient_deferred",
			Code:   421,
			Match:  "(?i)Message from .+ temporarily deferred",
			Scope:  "recipient",
			Retry:  "wait",
			Cause:  "the recipient's server defers mail from SendGrid's address",
			Remedy: "wait; the activity feed tells more",
			Sample: "Message from (198.51.100.7) temporarily deferred",
			Source: "sg-repo",
		}},
		API: &API{
			WaitHeader: "X-Ratelimit-Reset",
			Replies: []APIReply{APIReply{
				ID:     "sendgrid_api_identity",
				Status: 400,
				Match:  "(?i)verified sender|from address|authenticated domain",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the From address is not a verified Sender Identity",
				Remedy: "authenticate the domain at SendGrid, or send from an address that is verified",
				Sample: "400 from: The from address does not match a verified Sender Identity.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sendgrid_api_forbidden",
				Status: 403,
				Match:  "(?i)verified sender|from address|forbidden",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the key lacks the permission Mail Send, or From is no verified Sender Identity",
				Remedy: "create a key with the permission Mail Send, and verify the sender",
				Sample: "403 access forbidden",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sendgrid_api_credits",
				Status: 401,
				Match:  "(?i)maximum credits exceeded",
				Reply:  "451 4.7.28",
				Scope:  "account",
				Retry:  "wait",
				Cause:  "the credits of the plan or of the trial are used up; the key itself is right",
				Remedy: "wait until they are renewed, or upgrade. Do not change the key",
				Sample: "401 Maximum credits exceeded",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sendgrid_api_address",
				Status: 400,
				Match:  "(?i)does not contain a valid address|valid email address",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 Does not contain a valid address.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sendgrid_api_twice",
				Status: 400,
				Match:  "(?i)more than once|should be unique",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "an address is named twice in To, Cc and Bcc",
				Remedy: "name each recipient once",
				Sample: "400 Each email address in the personalization block should be unique between to, cc, and bcc. We found the address more than once",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sendgrid_api_too_large",
				Status: 400,
				Match:  "(?i)exceeds|too large|maximum",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "400 The message exceeds 30MB",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sendgrid_api_content",
				Status: 400,
				Match:  "(?i)content|attachment|header|subject",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 The content value must be a string at least one character in length.",
				Source: "unsure-api",
			}},
			Source: "unsure-api",
		},
		Sources: map[string]Source{
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"sg-2191": Source{
				URL:        "https://github.com/sendgrid/docs/issues/2191",
				AsOf:       "2016-09-21, comment of 2018-06-06",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"sg-3947": Source{
				URL:        "https://github.com/sendgrid/docs/issues/3947",
				AsOf:       "2018-09-25",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"sg-9188": Source{
				URL:        "https://github.com/chatwoot/chatwoot/issues/9188",
				Where:      "also chatwoot 2541 and sahat/hackathon-starter 1083",
				AsOf:       "2020-10-05 to 2024-04-03",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"sg-doc": Source{
				URL:        "https://www.twilio.com/docs/sendgrid/for-developers/sending-email/integrating-with-the-smtp-api.md",
				Where:      "undated copy, in the layout after 2024",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"sg-eu": Source{
				URL:        "https://twilio.com/docs/sendgrid/api-reference/subusers-api/create-subuser",
				AsOf:       "2026-06-30",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"sg-limits": Source{
				URL:        "https://github.com/WA-WF-Bot/WA-WF-Bot-Public/issues/282",
				Where:      "also mautic/mautic 8721",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"sg-repo": Source{
				URL:        "https://github.com/sendgrid/docs",
				Where:      "commit c3eb3fe, content/docs/",
				AsOf:       "2021-06-11",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"sg-trial": Source{
				URL:        "https://support.sendgrid.com/hc/en-us/articles/35270136965403",
				AsOf:       "2025-03-25",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relayalibaba() Relay {
	return Relay{
		ID:   "alibaba",
		Name: "Alibaba Cloud Direct Mail",
		Tier: 2,
		Docs: "https://help.aliyun.com/en/direct-mail/user-guide/send-emails-using-smtp",
		Notes: []Note{Note{
			Text:   "436 is permanent: the sender must be rewritten",
			Source: "al-err",
		}, Note{
			Text:   "the host must be that of the region of the console",
			Source: "al-err",
		}},
		Hosts: Hosts{
			Example: "singapore",
			Named: map[string]string{
				"frankfurt":   "smtpdm-eu-central-1.aliyuncs.com",
				"hangzhou":    "smtpdm.aliyun.com",
				"singapore":   "smtpdm-ap-southeast-1.aliyuncs.com",
				"us-virginia": "smtpdm-us-east-1.aliyuncs.com",
			},
			Old:    []string{"smtpdm-ap-southeast-1.aliyun.com", "smtpdm-ap-southeast-2.aliyun.com"},
			Source: "al-ep",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "al-ep",
		}, Port{
			Port:   80,
			TLS:    "starttls",
			Note:   "STARTTLS is offered on 80 and 25",
			Source: "al-ep",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Note:   "blocked on ECS by default",
			Source: "al-ep",
		}},
		Order: []int{465, 80},
		Auth: Auth{
			Mechanisms: []string{"LOGIN"},
			Username: Credential{
				Label:   "the sender address itself",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "al-smtp",
			},
			Password: Credential{
				Label:   "SMTP password set for that address",
				Pattern: "^\\S{6,}$",
				Source:  "al-smtp",
			},
			Source: "al-smtp",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "the number of recipients is limited; the limit is not published",
				Source: "al-err",
			}},
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "the envelope sender must be the address that logs in: all senders are rewritten",
			Source:     "al-err",
		},
		DNS: DNS{
			SPF: "include:spf1.dm.aliyun.com",
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "aliyun-<region>._domainkey",
			}},
			Other: []Record{Record{
				Type:  "MX",
				Name:  "@",
				Value: "mx01.dm.aliyun.com",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "alibaba_auth_failed",
			Code:   535,
			Match:  "(?i)Authentication failure",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "wrong password or address, or the host of another region",
			Remedy: "use the host of the region in which the address was set up",
			Sample: "Authentication failure",
			Source: "al-err",
		}, Reply{
			ID:     "alibaba_sender_mismatch",
			Code:   436,
			Match:  "(?i)MAIL FROM.? doesn.t conform with authentication",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the envelope sender is not the address that logged in; the code is 436, but waiting does not help",
			Remedy: "rewrite local senders to that address (--from)",
			Sample: "\"MAIL FROM\" doesn't conform with authentication",
			Source: "al-err",
		}, Reply{
			ID:     "alibaba_recipients",
			Code:   556,
			Match:  "(?i)The number of RCPTs is over size",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "too many recipients in one message",
			Remedy: "lower the number of recipients a message to this relay",
			Sample: "The number of RCPTs is over size",
			Source: "al-err",
		}, Reply{
			ID:     "alibaba_too_large",
			Code:   557,
			Match:  "(?i)The length of DATA content is achieved the maximum threshold",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the message is larger than the service accepts",
			Remedy: "lower message_size_limit so that programs are told at once",
			Sample: "The length of DATA content is achieved the maximum threshold",
			Source: "al-err",
		}, Reply{
			ID:     "alibaba_invalid_recipient",
			Code:   559,
			Match:  "(?i)Invalid rcptto",
			At:     "rcpt",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the recipient is on the list of invalid addresses",
			Remedy: "check the address",
			Sample: "Invalid rcptto",
			Source: "al-err",
		}},
		Sources: map[string]Source{
			"al-ep": Source{
				URL:        "https://www.alibabacloud.com/help/pt-br/direct-mail/smtp-endpoints",
				AsOf:       "2026-06-27",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"al-err": Source{
				URL:        "https://alibabacloud.com/help/tc/direct-mail/user-guide/summary-of-common-email-return-codes-and-solutions",
				AsOf:       "2025-02-08",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"al-smtp": Source{
				URL:        "https://help.aliyun.com/en/direct-mail/user-guide/send-emails-using-smtp",
				Where:      "undated copy, 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
		},
	}
}

func relayacs() Relay {
	return Relay{
		ID:   "acs",
		Name: "Azure Communication Services Email",
		Tier: 2,
		Docs: "https://learn.microsoft.com/en-us/Azure/communication-services/concepts/email/sdk-features",
		HTTPS: &Note{
			Text:   "Email REST API, JSON",
			Source: "recalled",
		},
		Notes: []Note{Note{
			Text:   "TLS 1.2 or newer is required",
			Source: "acs-auth",
		}, Note{
			Text:   "client secrets expire, after 24 months at most",
			Source: "recalled",
		}, Note{
			Text:   "the user name may have | between its parts; the form with dots needs no quoting",
			Source: "acs-auth",
		}, Note{
			Text:   "100 messages an hour is soon reached by mail of cron",
			Source: "acs-lim",
		}, Note{
			Text:   "a user name of its own can be set as a resource since 2025",
			Source: "acs-user",
		}},
		Hosts: Hosts{
			Default: "smtp.azurecomm.net",
			Source:  "acs-auth",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "acs-auth",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "acs-auth",
		}},
		Auth: Auth{
			Mechanisms: []string{"LOGIN", "PLAIN", "XOAUTH2"},
			Username: Credential{
				Label:   "SMTP username, or <resource>.<Entra application id>.<tenant id>",
				Pattern: "^[^\\s:]+$",
				Source:  "acs-auth",
			},
			Password: Credential{
				Label:   "client secret (its value) of the Entra application",
				Pattern: "^\\S{16,}$",
				Source:  "acs-auth",
			},
			Where: "https://learn.microsoft.com/azure/communication-services/quickstarts/email/send-email-smtp/smtp-authentication",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
				Message: "this looks like the id of the secret: the password is its value, shown once when the secret is made",
				Refuse:  true,
				Source:  "acs-auth",
			}},
			Source: "unsure",
		},
		Limits: Limits{
			PerMinute: 30,
			PerHour:   100,
			Notes: []Note{Note{
				Text:   "30 messages a minute and 100 an hour are for a new subscription; more by a support request",
				Source: "acs-lim",
			}, Note{
				Text:   "5 a minute and 10 an hour for a domain that Azure manages",
				Source: "recalled",
			}, Note{
				Text:   "10 MB and 50 recipients a message",
				Source: "recalled",
			}},
			Source: "acs-lim",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "a MailFrom address of a verified domain that is linked to the resource",
			Source:     "acs-auth",
		},
		DNS: DNS{
			SPF: "include:spf.protection.outlook.com",
			DKIM: []Record{Record{
				Type:   "CNAME",
				Name:   "selector1-azurecomm-prod-net._domainkey",
				Source: "recalled",
			}, Record{
				Type:   "CNAME",
				Name:   "selector2-azurecomm-prod-net._domainkey",
				Source: "recalled",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "acs_auth_failed",
			Code:   535,
			Match:  "(?i)Authentication unsuccessful",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the secret has expired, the role is missing, or the tenant is another",
			Remedy: "make a new client secret; the application needs a role with CommunicationServices/Read and EmailServices/write",
			Sample: "5.7.3 Authentication unsuccessful",
			Source: "recalled",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "acs_api_domain",
				Code:   "DomainNotLinked",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender's domain is not linked to the Communication Services resource",
				Remedy: "link the email domain to the resource in the Azure portal",
				Sample: "404 DomainNotLinked: The specified sender domain has not been linked.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "acs_api_user_name",
				Code:   "InvalidSenderUserName",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender is no MailFrom address of the domain",
				Remedy: "add the MailFrom address to the domain in the Azure portal",
				Sample: "400 InvalidSenderUserName: Invalid sender username.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "acs_api_suppressed",
				Code:   "EmailDroppedAllRecipientsSuppressed",
				Reply:  "550 5.7.1",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the recipient is on the relay's suppression list",
				Remedy: "remove the address from the list at the relay if it is to get mail again",
				Sample: "400 EmailDroppedAllRecipientsSuppressed: Message dropped because all recipients were suppressed",
				Source: "unsure-api",
			}, APIReply{
				ID:     "acs_api_recipient",
				Status: 400,
				Match:  "(?i)recipient",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 BadRequest: Invalid recipient address",
				Source: "unsure-api",
			}, APIReply{
				ID:     "acs_api_sender",
				Status: 400,
				Match:  "(?i)sender|domain",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender or its domain is not verified at the relay",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "400 BadRequest: Invalid sender",
				Source: "unsure-api",
			}, APIReply{
				ID:     "acs_api_content",
				Status: 400,
				Match:  "(?i)content|attachment|header|subject",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 BadRequest: Invalid content",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"acs-auth": Source{
				URL:        "https://github.com/MicrosoftDocs/azure-docs",
				Where:      "commit ca2161e, .../email/send-email-smtp/smtp-authentication.md",
				AsOf:       "2023-10-18",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"acs-lim": Source{
				URL:        "https://learn.microsoft.com/en-us/Azure/communication-services/concepts/email/sdk-features",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"acs-user": Source{
				URL:        "https://learn.microsoft.com/en-gb/cli/azure/communication/smtp-username",
				AsOf:       "2025 to 2026",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure": Source{
				Where:      "sources disagree, or none states it",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaycloudflare() Relay {
	return Relay{
		ID:   "cloudflare",
		Name: "Cloudflare Email Service",
		Tier: 2,
		Docs: "https://developers.cloudflare.com/email-service/api/send-emails/smtp/",
		Asks: &Note{
			Text:   "a domain onboarded under Email Sending; without a paid Workers plan only verified recipients",
			Source: "doc",
		},
		HTTPS: &Note{
			Text:   "REST API, POST /accounts/{account_id}/email/sending/send, JSON",
			Source: "doc",
		},
		Notes: []Note{Note{
			Text:   "only port 465 with TLS from the first byte: no 587, no 25",
			Source: "doc",
		}, Note{
			Text:   "3,000 messages a month are in the paid Workers plan, then 0.35 USD for 1,000",
			Source: "price",
		}},
		Hosts: Hosts{
			Default: "smtp.mx.cloudflare.net",
			Source:  "doc",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word api_token",
				Pattern: "^api_token$",
				Fixed:   "api_token",
				Example: "api_token",
				Source:  "doc",
			},
			Password: Credential{
				Label:   "API token with the permission Email Sending: Edit",
				Pattern: "^[A-Za-z0-9_-]{40,}$",
				Example: "a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5a1B2c3D4e5",
				Source:  "doc",
			},
			Where: "https://dash.cloudflare.com/profile/api-tokens",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^[0-9a-f]{37}$",
				Message: "this has the form of the Global API Key: make an API token with the permission Email Sending: Edit",
				Source:  "recalled",
			}},
			Source: "doc",
		},
		EHLO: EHLO{
			Offers: []string{"SIZE", "8BITMIME", "ENHANCEDSTATUSCODES"},
			Lacks:  []string{"PIPELINING", "SMTPUTF8"},
			Source: "doc",
		},
		Limits: Limits{
			MessageBytes:         5242880,
			Recipients:           50,
			RecipientsPerSession: 50,
			HeaderBytes:          16384,
			Notes: []Note{Note{
				Text:   "a quota a day that grows with the standing of the account; no number is published",
				Source: "limits",
			}},
			Source: "limits",
			Sources: map[string]string{
				"recipients_per_session": "doc",
			},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a domain onboarded for Email Sending in the account of the token",
			Source:     "doc",
		},
		DNS: DNS{
			Note:   "Cloudflare sets SPF, DKIM and the return path itself when the domain is onboarded",
			Source: "doc",
		},
		Replies: []Reply{Reply{
			ID:     "cloudflare_auth",
			Code:   535,
			Match:  "(?i)Authentication failed",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the user name is not api_token, or the token lacks Email Sending: Edit",
			Remedy: "use the word api_token as the user name and a token with the permission Email Sending: Edit",
			Sample: "5.7.8 Authentication failed",
			Source: "doc",
		}, Reply{
			ID:     "cloudflare_sender",
			Code:   550,
			Match:  "(?i)Sender denied",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain of the sender is not onboarded for Email Sending in this account",
			Remedy: "onboard the domain in the dashboard, Email Service, or send from one that is",
			Sample: "5.7.1 Sender denied",
			Source: "doc",
		}, Reply{
			ID:     "cloudflare_size",
			Code:   552,
			Match:  "(?i)5\\.3\\.4 Message too big",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the message is larger than 5 MiB",
			Remedy: "lower message_size_limit so that programs are told at once",
			Sample: "5.3.4 Message too big",
			Source: "doc",
		}, Reply{
			ID:     "cloudflare_session",
			Code:   452,
			Match:  "^4\\.5\\.3",
			At:     "rcpt",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "more than 50 recipients on one connection",
			Remedy: "run setup again: it closes the connection in time",
			Sample: "4.5.3",
			Source: "doc",
		}, Reply{
			ID:     "cloudflare_temporary",
			Code:   451,
			Match:  "^4\\.3\\.0",
			At:     "data",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "a fault at Cloudflare",
			Remedy: "wait: Postfix retries automatically",
			Sample: "4.3.0",
			Source: "doc",
		}, Reply{
			ID:     "cloudflare_suppressed",
			Code:   250,
			Match:  "^2\\.0\\.0 Ok$",
			At:     "after",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "all recipients are on the suppression list: the message was accepted, and nothing is delivered",
			Remedy: "take the addresses off the suppression list in the dashboard, or stop sending to them",
			Sample: "2.0.0 Ok",
			Source: "doc",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "cloudflare_api_domain",
				Status: 4,
				Match:  "(?i)domain.*(not|verif|onboard)|not (allowed|verified|permitted)",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the domain is not onboarded to Email Sending",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "403 10203: domain example.com is not verified",
				Source: "unsure-api",
			}, APIReply{
				ID:     "cloudflare_api_too_large",
				Status: 400,
				Match:  "(?i)too large|size",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "400 10200: message too large",
				Source: "unsure-api",
			}, APIReply{
				ID:     "cloudflare_api_recipient",
				Status: 400,
				Match:  "(?i)recipient",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 10200: invalid recipient",
				Source: "unsure-api",
			}, APIReply{
				ID:     "cloudflare_api_mime",
				Status: 400,
				Match:  "(?i)mime|malformed",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 10200: malformed mime_message",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://developers.cloudflare.com/email-service/api/send-emails/smtp/",
				Where:      "read as cloudflare/cloudflare-docs commit 01652800, email-service/api/send-emails/smtp.mdx",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"limits": Source{
				URL:        "https://developers.cloudflare.com/email-service/platform/limits/",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"price": Source{
				URL:        "https://apidog.com/pt/blog/cloudflare-email-service-api/",
				Where:      "a reading of the price page",
				AsOf:       "2026-11-26",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relayelasticemail() Relay {
	return Relay{
		ID:   "elasticemail",
		Name: "Elastic Email",
		Tier: 2,
		Docs: "https://help.elasticemail.com/en/articles/4803409-smtp-settings",
		Hosts: Hosts{
			Default: "smtp.elasticemail.com",
			Source:  "el-doc",
		},
		Ports: []Port{Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "el-doc",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "el-doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "el-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "nm",
		}},
		Order: []int{2525, 587, 465},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "address of the SMTP credential",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "el-doc",
			},
			Password: Credential{
				Label:   "password of the SMTP credential, or an API key",
				Pattern: "^([0-9A-F]{36}|[0-9A-F]{96})$",
				Source:  "el-fs",
			},
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "100 messages a day to yourself on the free plan",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "a verified sender or domain",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:_spf.elasticemail.com",
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "api._domainkey",
			}},
			Other: []Record{Record{
				Type: "CNAME",
				Name: "tracking",
			}},
			Source: "recalled",
		},
		Sources: map[string]Source{
			"el-doc": Source{
				URL:        "https://help.elasticemail.com/en/articles/4803409-smtp-settings",
				Where:      "undated copy, 2025",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"el-fs": Source{
				Where:      "ten public files with Elastic Email settings, values not stored",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"nm": Source{
				URL:        "https://github.com/nodemailer/nodemailer",
				Where:      "commit 2f667f4, the list of well-known services",
				AsOf:       "2026-08-07",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
		},
	}
}

func relaygmail() Relay {
	return Relay{
		ID:   "gmail",
		Name: "Gmail",
		Kind: "mailbox",
		Tier: 2,
		Docs: "https://support.google.com/mail/?p=InvalidSecondFactor",
		Asks: &Note{
			Text:   "2-step verification, and an app password",
			Source: "gm-nylas",
		},
		HTTPS: &Note{
			Text:   "Gmail API, messages.send accepts the message as it is, with OAuth",
			Source: "recalled",
		},
		Notes: []Note{Note{
			Text:   "the password of the account itself has not worked since 2022-05-30, in a Workspace since 2025-05-01; app passwords work",
			Source: "gm-dates",
		}},
		Hosts: Hosts{
			Default: "smtp.gmail.com",
			Source:  "gs-elastic",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "gm-nylas",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "gm-nylas",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN", "XOAUTH2"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "gm-nylas",
			},
			Password: Credential{
				Label:   "app password, 16 letters (needs 2-step verification)",
				Pattern: "^[a-z]{16}$",
				Strip:   " ",
				Source:  "gm-nylas",
			},
			Where: "https://myaccount.google.com/apppasswords",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^([a-z]{4} ){3}[a-z]{4}$",
				Message: "an app password is 16 letters: leave out the blanks that Google shows between them",
				Source:  "gm-app",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			PerDay: 500,
			Notes: []Note{Note{
				Text:   "2000 messages a day for a mailbox in a Workspace",
				Source: "gm-nylas",
			}},
			Source: "gm-nylas",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From is rewritten to the account unless it is a verified alias of it",
			Source:     "gm-nylas",
		},
		DNS: DNS{
			SPF:    "include:_spf.google.com",
			Note:   "for a domain of your own only",
			Source: "gm-nylas",
		},
		Replies: []Reply{Reply{
			ID:     "gmail_bad_credentials",
			Code:   535,
			Match:  "(?i)Username and Password not accepted",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "a wrong password, or that of the account in place of an app password",
			Remedy: "make an app password and enter its 16 letters without blanks",
			Sample: "5.7.8 Username and Password not accepted.",
			Source: "recalled",
		}, Reply{
			ID:     "gmail_app_password",
			Code:   534,
			Match:  "(?i)Application-specific password required",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "Gmail wants an app password, not that of the account",
			Remedy: "make an app password and enter its 16 letters without blanks",
			Sample: "5.7.9 Application-specific password required. For more information, go to 5.7.9 https://support.google.com/mail/?p=InvalidSecondFactor",
			Source: "gm-app",
		}, Reply{
			ID:     "gmail_web_login",
			Code:   534,
			Match:  "(?i)5\\.7\\.14",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "Google stopped the login and wants the owner to confirm it in a browser",
			Remedy: "sign in with a browser once, then use an app password",
			Sample: "5.7.14 Please log in via your web browser and then try again.",
			Source: "recalled",
		}, Reply{
			ID:     "gmail_daily_limit",
			Code:   550,
			Match:  "(?i)daily (user )?sending (limit|quota) exceeded",
			Last:   "5\\.4\\.5 .*gsmtp",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "the mailbox's number of messages for a day is used up",
			Remedy: "wait 24 hours, or use a relay for this amount of mail",
			Sample: "5.4.5 Daily user sending limit exceeded.",
			Source: "recalled",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "gmail_api_rate",
				Status: 403,
				Match:  "(?i)rate ?limit|quota",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "403 403: User-rate limit exceeded. Retry after 2026-11-28T10:00:00.000Z",
				Source: "unsure-api",
			}, APIReply{
				ID:     "gmail_api_recipient",
				Status: 400,
				Match:  "(?i)invalid (to|cc|bcc) header|recipient address required",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 400: Invalid To header",
				Source: "unsure-api",
			}, APIReply{
				ID:     "gmail_api_precondition",
				Status: 400,
				Match:  "(?i)precondition|delegation",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account has no Gmail, or the client may not act for it",
				Remedy: "sign in with an account that has Gmail: relayhost sign-in",
				Sample: "400 400: Mail service not enabled: Precondition check failed.",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"gm-app": Source{
				URL:        "https://github.com/loganmarchione/docker-postfixrelay/issues/64",
				Where:      "also mageplaza/magento-2-smtp 181",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"gm-dates": Source{
				URL:        "https://support.google.com/a/answer/14114704",
				Where:      "quoted by nanopo.st; also developer.nylas.com",
				AsOf:       "2025-05-01",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"gm-nylas": Source{
				URL:        "https://developer.nylas.com/docs/cookbook/email/gmail-smtp-settings.md",
				Where:      "cites Google",
				AsOf:       "2025 or later",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"gs-elastic": Source{
				URL:        "https://elastic.co/guide/en/enterprise-search/current/mailer-configuration.html",
				Where:      "undated copy",
				Checked:    date(2026, 11, 22),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaygmail_relay() Relay {
	return Relay{
		ID:   "gmail-relay",
		Name: "Google Workspace SMTP relay",
		Tier: 2,
		Docs: "https://support.google.com/a/answer/2956491",
		Notes: []Note{Note{
			Text:   "without a password the rule knows this server by its address, and mail over IPv6 comes from another one: list both, or send by IPv4 only",
			Source: "gs-relay",
		}, Note{
			Text:   "421 at EHLO is permanent: the HELO name must be fully qualified",
			Source: "gm-421",
		}},
		Hosts: Hosts{
			Default: "smtp-relay.gmail.com",
			Source:  "gs-relay",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "gs-relay",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Note:   "one report: only 465 worked",
			Source: "gm-nylas",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "gs-relay",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN", "XOAUTH2"},
			Username: Credential{
				Label:   "Workspace address; none where the rule allows this server by its address",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "gm-nylas",
			},
			Password: Credential{
				Label:   "app password, 16 letters",
				Pattern: "^[a-z]{16}$",
				Strip:   " ",
				Source:  "gm-nylas",
			},
			Optional: true,
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^([a-z]{4} ){3}[a-z]{4}$",
				Message: "an app password is 16 letters: leave out the blanks that Google shows between them",
				Source:  "gm-nylas",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			PerDay:           10000,
			RecipientsPerDay: 10000,
			Notes: []Note{Note{
				Text:   "messages and recipients a day are for one user",
				Source: "gs-relay",
			}},
			Source: "gs-relay",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Domain:     "needed",
			Note:       "an address in a domain of the Workspace, as the relay rule says",
			Source:     "gs-relay",
		},
		DNS: DNS{
			SPF: "include:_spf.google.com",
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "google._domainkey",
			}},
			Source: "gm-nylas",
		},
		Replies: []Reply{Reply{
			ID:     "gmail_relay_helo",
			Code:   421,
			Match:  "(?i)Try again later, closing connection\\. \\(EHLO\\)",
			At:     "ehlo",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the server introduced itself as localhost or by a name that is not full; the code is 421, but waiting does not help",
			Remedy: "set myhostname, or smtp_helo_name, to a full name in your domain",
			Sample: "4.7.0 Try again later, closing connection. (EHLO)",
			Source: "gm-421",
		}, Reply{
			ID:     "gmail_relay_denied",
			Code:   550,
			Match:  "(?i)(Mail relay denied|Invalid credentials for relay)",
			Last:   "support\\.google\\.com/a/answer/6140680",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "this server's address is not listed, or neither its name nor the sender is in a domain of the Workspace",
			Remedy: "add the address in Admin, Gmail, Routing, SMTP relay; or log in with a user name and app password",
			Sample: "5.7.0 Mail relay denied [203.0.113.5]. Invalid credentials for relay for one of the domains in: example.com",
			Source: "gm-550",
		}, Reply{
			ID:     "gmail_relay_daily_limit",
			Code:   550,
			Match:  "(?i)Daily SMTP relay (sending )?limit exceeded",
			Last:   "5\\.4\\.5 .*gsmtp",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "the user's relay limit of 24 hours is used up",
			Remedy: "wait until the next day, or spread the mail over users",
			Sample: "5.4.5 Daily SMTP relay limit exceeded for user.",
			Source: "gs-relay",
		}},
		Sources: map[string]Source{
			"gm-421": Source{
				URL:        "https://github.com/sct/overseerr/issues/1887",
				Where:      "also calcom/cal.diy 5254 and containrrr/shoutrrr 271",
				AsOf:       "2021-07-13 to 2022-10-27",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"gm-550": Source{
				URL:        "https://github.com/Ombi-app/Ombi/issues/1442",
				AsOf:       "2017-06-23",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"gm-nylas": Source{
				URL:        "https://developer.nylas.com/docs/cookbook/email/gmail-smtp-settings.md",
				Where:      "cites Google",
				AsOf:       "2025 or later",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"gs-relay": Source{
				URL:        "https://support.google.com/a/answer/2956491",
				Where:      "undated copy",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
		},
	}
}

func relaymandrill() Relay {
	return Relay{
		ID:   "mandrill",
		Name: "Mailchimp Transactional (Mandrill)",
		Tier: 2,
		Docs: "https://mailchimp.com/developer/transactional/docs/smtp-integration/",
		HTTPS: &Note{
			Text:   "messages/send-raw accepts the message as it is",
			Source: "recalled",
		},
		Hosts: Hosts{
			Default: "smtp.mandrillapp.com",
			Source:  "md-doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "md-doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "md-doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "md-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "md-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "any text, for example the address of the account",
				Pattern: "^[^\\s:]+$",
				Source:  "md-doc",
			},
			Password: Credential{
				Label:   "API key",
				Pattern: "^(md-)?[A-Za-z0-9_-]{22}$",
				Source:  "md-fs",
			},
			Where:  "https://mandrillapp.com/settings",
			Source: "md-fs",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:spf.mandrillapp.com",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "mte1._domainkey",
				Value: "dkim1.mandrillapp.com",
			}, Record{
				Type:  "CNAME",
				Name:  "mte2._domainkey",
				Value: "dkim2.mandrillapp.com",
			}},
			Source: "recalled",
		},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "mandrill_api_key",
				Code:   "Invalid_Key",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the key",
				Remedy: "create a new key at the relay and give it to setup",
				Sample: "500 Invalid_Key: Invalid API key",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mandrill_api_key_code",
				Code:   "-1",
				Match:  "(?i)invalid api key",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the key",
				Remedy: "create a new key at the relay and give it to setup",
				Sample: "500 -1: Invalid API key",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mandrill_api_payment",
				Code:   "PaymentRequired",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the account has no paid plan, or a payment is due",
				Remedy: "settle the payment at Mailchimp; the mail waits",
				Sample: "500 PaymentRequired: Payment required",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mandrill_api_validation",
				Code:   "ValidationError",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "500 ValidationError: Validation error: raw_message",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"md-doc": Source{
				URL:        "https://mailchimp.com/developer/transactional/docs/smtp-integration/",
				Where:      "undated copy",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"md-fs": Source{
				Where:      "ten public files with Mandrill settings, values not stored",
				AsOf:       "2013 to 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaymailersend() Relay {
	return Relay{
		ID:   "mailersend",
		Name: "MailerSend",
		Tier: 2,
		Docs: "https://www.mailersend.com/help/smtp-relay",
		HTTPS: &Note{
			Text:   "Email API, JSON",
			Source: "recalled",
		},
		Notes: []Note{Note{
			Text:   "TLS 1.2 or newer is required",
			Source: "mse-doc",
		}},
		Hosts: Hosts{
			Default: "smtp.mailersend.net",
			Source:  "nm",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "mse-doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "recalled",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "generated for each domain (MS_...@...)",
				Pattern: "^MS_[A-Za-z0-9]{6}@[^@\\s:]+$",
				Source:  "ms2-fs",
			},
			Password: Credential{
				Label:   "generated SMTP password",
				Pattern: "^(mssp\\.[A-Za-z0-9]{7}\\.[a-z0-9]{16}\\.[A-Za-z0-9]{7}|[A-Za-z0-9]{16})$",
				Source:  "ms2-fs",
			},
			Where: "https://app.mailersend.com/domains",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^mlsn\\..*$",
				Message: "this is an API token (mlsn.): make an SMTP user of the domain and use its password",
				Refuse:  true,
				Source:  "ms2-fs",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "the trial domain reaches only the owner of the account",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "any address at a domain that the account has verified",
			Source:     "mse-help",
		},
		DNS: DNS{
			SPF: "include:_spf.mailersend.net",
			DKIM: []Record{Record{
				Type: "CNAME",
				Name: "mlsend2._domainkey",
			}},
			Other: []Record{Record{
				Type:  "CNAME",
				Name:  "mta",
				Value: "mailersend.net",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "mailersend_invalid_data",
			Code:   450,
			Match:  "(?i)The given data was invalid",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "MailerSend finds this message wrong, as its reply says; the code is 450, but waiting does not help",
			Remedy: "change the message as the reply says",
			Sample: "The given data was invalid. You must provide one of html, text or template_id.",
			Source: "mse-doc",
		}, Reply{
			ID:     "mailersend_trial",
			Code:   450,
			Match:  "(?i)#MS[0-9]{5}",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "a limit of the account, such as that of the trial; the code is 450, but waiting does not help",
			Remedy: "upgrade, or look up the number in the reply",
			Sample: "trial account limits #MS42225",
			Source: "recalled",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "mailersend_api_domain",
				Status: 422,
				Match:  "(?i)domain|from\\.email|verified|trial|#MS42(207|225)",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the domain is not verified, or the account is a trial that sends to its own address only",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "422 The from.email domain must be verified in your account to send emails. #MS42207",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailersend_api_address",
				Status: 422,
				Match:  "(?i)(to|cc|bcc)\\.[0-9]+\\.email|recipient",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "422 The to.0.email must be a valid email address.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailersend_api_too_large",
				Status: 422,
				Match:  "(?i)size|larger|greater",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "422 The attachments may not be greater than 25 MB",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailersend_api_content",
				Status: 422,
				Match:  "(?i)text|html|attachment|header|subject",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 The subject field is required.",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"ms2-fs": Source{
				Where:      "ten public files with MailerSend settings, values not stored",
				AsOf:       "2024 to 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mse-doc": Source{
				URL:        "https://developers.mailersend.com/smtp-relay.html",
				Where:      "undated copy, 2024 or later",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"mse-help": Source{
				URL:        "https://www.mailersend.com/help/smtp-relay",
				Where:      "undated copy",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"nm": Source{
				URL:        "https://github.com/nodemailer/nodemailer",
				Where:      "commit 01ae76f, lib/well-known/services.json, undated",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaymailjet() Relay {
	return Relay{
		ID:   "mailjet",
		Name: "Mailjet",
		Tier: 2,
		Docs: "https://cloud.google.com/compute/docs/tutorials/sending-mail/using-mailjet",
		Free: &Free{
			Messages: 6000,
			Per:      "month",
			Source:   "mj-gcp",
		},
		Hosts: Hosts{
			Default: "in-v3.mailjet.com",
			Old:     []string{"in.mailjet.com"},
			Source:  "mj-gcp",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "mj-rb",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "mj-gcp",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "mj-rb",
		}, Port{
			Port:   588,
			TLS:    "starttls",
			Source: "recalled",
		}, Port{
			Port:   80,
			TLS:    "starttls",
			Source: "recalled",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "listmonk",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "API key, 32 hexadecimal digits",
				Pattern: "^[0-9a-f]{32}$",
				Source:  "recalled",
			},
			Password: Credential{
				Label:   "secret key, 32 hexadecimal digits",
				Pattern: "^[0-9a-f]{32}$",
				Source:  "recalled",
			},
			Where: "https://app.mailjet.com/account/apikeys",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is an address: the user name is the API key, and the password the secret key",
				Source:  "mj-rb",
			}},
			Source: "mj-rb",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "200 a day on the free plan; 15 MB a message",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Domain:     "address",
			Note:       "a validated sender address or domain",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:spf.mailjet.com",
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "mailjet._domainkey",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "mailjet_auth",
			Code:   435,
			Match:  "(?i)authentication failed",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "this is not a pair of API key and secret key; the code says temporary, and it is not",
			Remedy: "copy both keys again",
			Sample: "4.7.8 Error: authentication failed:",
			Source: "mj-auth",
		}},
		Sources: map[string]Source{
			"listmonk": Source{
				URL:        "https://github.com/knadh/listmonk",
				Where:      "commit 911e0b77, its list of SMTP services",
				AsOf:       "2026-07-21",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"mj-auth": Source{
				URL:        "https://github.com/mailjet/mailjet-gem/issues/17",
				Where:      "also issue 14",
				AsOf:       "2014-07-25",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"mj-gcp": Source{
				URL:        "https://cloud.google.com/compute/docs/tutorials/sending-mail/using-mailjet",
				Where:      "Google's page, undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"mj-rb": Source{
				URL:        "https://rubydoc.info/gems/mailjet/Mailjet/Mailer",
				Where:      "the service's Ruby client, undated",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
		},
	}
}

func relaymailtrap() Relay {
	return Relay{
		ID:   "mailtrap",
		Name: "Mailtrap Email Sending",
		Tier: 2,
		Docs: "https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration",
		HTTPS: &Note{
			Text:   "Sending API, JSON",
			Source: "mt-skills",
		},
		Notes: []Note{Note{
			Text:   "sandbox.smtp.mailtrap.io accepts all mail and delivers none: it is not offered here",
			Source: "mt-fs",
		}},
		Hosts: Hosts{
			Default: "live.smtp.mailtrap.io",
			Named: map[string]string{
				"bulk":          "bulk.smtp.mailtrap.io",
				"transactional": "live.smtp.mailtrap.io",
			},
			Source: "mt-fs",
			Sources: map[string]string{
				"bulk": "mt-skills",
			},
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "mt-fs",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "mt-skills",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "mt-skills",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "mt-skills",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word api (or smtp@mailtrap.io)",
				Pattern: "^(api|smtp@mailtrap\\.io)$",
				Fixed:   "api",
				Source:  "mt-fs",
			},
			Password: Credential{
				Label:   "API token, 32 hexadecimal digits",
				Pattern: "^[0-9a-f]{32}$",
				Source:  "mt-fs",
			},
			Where: "https://mailtrap.io/api-tokens",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^[0-9a-f]{14}$",
				Message: "this looks like the password of a sandbox inbox, which delivers nothing: use an API token",
				Refuse:  true,
				Source:  "mt-fs",
			}},
			Source: "recalled",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain; demomailtrap.com reaches only the owner",
			Source:     "mt-doc",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type: "CNAME",
				Name: "rwmt1._domainkey",
			}, Record{
				Type: "CNAME",
				Name: "rwmt2._domainkey",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "mailtrap_domain",
			Code:   550,
			Match:  "(?i)Sending from domain ([^ ]+ )?is not allowed",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain of the sender is not verified in the account that the token belongs to",
			Remedy: "verify the domain under Sending Domains, or send from a verified one (--from)",
			Sample: "5.7.1 Sending from domain example.com is not allowed",
			Source: "mt-domain",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "mailtrap_api_domain",
				Status: 400,
				Match:  "(?i)domain|sender|'from'|unauthorized",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sending domain is not verified, or not of this key's",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "400 Sending from domain example.com is not allowed",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailtrap_api_address",
				Status: 400,
				Match:  "(?i)'(to|cc|bcc)'|recipient",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 'to' address is invalid",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailtrap_api_too_large",
				Status: 400,
				Match:  "(?i)size|large",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "400 message size exceeds the limit",
				Source: "unsure-api",
			}, APIReply{
				ID:     "mailtrap_api_content",
				Status: 400,
				Match:  "(?i)content|attachment|header|subject",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 'subject' is required",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"mt-doc": Source{
				URL:        "https://docs.mailtrap.io/email-api-smtp/setup/smtp-integration",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"mt-domain": Source{
				URL:        "https://docs.mailtrap.io/email-api-smtp/help/troubleshooting/sending-from-domain-not-allowed",
				Where:      "undated copy; the domain's name is in the reply in several public logs",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"mt-fs": Source{
				Where:      "ten public files with Mailtrap settings, values not stored",
				AsOf:       "2024 to 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"mt-skills": Source{
				URL:        "https://github.com/mailtrap/mailtrap-skills",
				Where:      "commit 73a7113, sending-emails/SKILL.md",
				AsOf:       "2026-06-19",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaym365_hve() Relay {
	return Relay{
		ID:   "m365-hve",
		Name: "Microsoft 365 High Volume Email",
		Tier: 2,
		Docs: "https://learn.microsoft.com/exchange/mail-flow-best-practices/high-volume-mails-m365",
		Ends: &Deadline{
			Text:    "password login to High Volume Email ends in September 2028",
			Date:    date(2028, 9, 30),
			Instead: "OAuth, with the application permission of High Volume Email",
			Source:  "petri",
		},
		Asks: &Note{
			Text:   "an HVE account made by the administrator, a pay-as-you-go billing policy, and security defaults switched off",
			Source: "petri",
		},
		Notes: []Note{Note{
			Text:   "recipients inside your own tenant only, since June 2025",
			Source: "petri",
		}, Note{
			Text:   "works where SMTP AUTH is off for the tenant",
			Source: "petri",
		}, Note{
			Text:   "the old name smtp-hve.office365.com goes away",
			Source: "ga",
		}},
		Hosts: Hosts{
			Default: "smtp.hve.mx.microsoft",
			Old:     []string{"smtp-hve.office365.com"},
			Source:  "petri",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "petri",
		}},
		Auth: Auth{
			Mechanisms: []string{"LOGIN", "XOAUTH2"},
			Username: Credential{
				Label:   "address of the HVE account",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "alerts@example.com",
				Source:  "petri",
			},
			Password: Credential{
				Label:   "password of the HVE account",
				Pattern: "^\\S.{7,}$",
				Example: "Correct-Horse-7",
				Source:  "petri",
			},
			Source: "ms",
		},
		Limits: Limits{
			MessageBytes: 10485760,
			Recipients:   50,
			Source:       "petri",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the HVE account: all senders are rewritten",
			Source:     "petri",
		},
		DNS: DNS{
			Note:   "mail stays inside the tenant",
			Source: "petri",
		},
		Replies: []Reply{Reply{
			ID:     "hve_external",
			Code:   550,
			Match:  "(?i)5\\.5\\.105",
			At:     "rcpt",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the recipient is outside of the tenant, which High Volume Email does not reach",
			Remedy: "use another relay for recipients elsewhere",
			Sample: "5.5.105 recipient is external",
			Source: "recalled",
		}},
		Sources: map[string]Source{
			"ga": Source{
				Where:      "Message Center MC1243552, restated by public pages: general availability at the end of March 2026",
				AsOf:       "2026-03",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"ms": Source{
				URL:        "https://learn.microsoft.com/exchange/mail-flow-best-practices/oauth-high-volume-mails-m365",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"petri": Source{
				URL:        "https://petri.com/",
				Where:      "article on High Volume Email, with Microsoft's settings",
				AsOf:       "2025",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaym365() Relay {
	return Relay{
		ID:   "m365",
		Name: "Microsoft 365 SMTP AUTH",
		Kind: "mailbox",
		Tier: 2,
		Docs: "https://aka.ms/smtp_auth_disabled",
		Ends: &Deadline{
			Text:    "password login is switched off by default, and is unavailable by default for tenants made later; the date of its final removal will be announced in the second half of 2027",
			Date:    date(2026, 12, 31),
			Again:   []string{"Set-TransportConfig -SmtpClientAuthenticationDisabled $false", "Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false"},
			Instead: "--relay acs (Azure Communication Services), --relay m365-hve for recipients inside the tenant, or a login by OAuth",
			Source:  "ms-time",
		},
		Asks: &Note{
			Text:   "SMTP AUTH switched on for the tenant and for the mailbox",
			Source: "ms-535",
		},
		Notes: []Note{Note{
			Text:   "no PLAIN: Postfix needs the SASL plug-in for LOGIN",
			Source: "ms-ehlo",
		}, Note{
			Text:   "login by OAuth is set up with --sign-in; docs/m365.md has the steps at Microsoft",
			Source: "ispdb",
		}, Note{
			Text:   "Thunderbird's list of providers names OAuth alone for sending",
			Source: "ispdb",
		}, Note{
			Text:   "a refusal may come as 5.7.57 with the 535 inside",
			Source: "ms-530",
		}},
		Hosts: Hosts{
			Default: "smtp.office365.com",
			Named: map[string]string{
				"china": "smtp.partner.outlook.cn",
				"gov":   "smtp.office365.us",
				"world": "smtp.office365.com",
			},
			Old:    []string{"smtp-legacy.office365.com"},
			Source: "ms-old",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ms-ports",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "ms-ports",
		}},
		Auth: Auth{
			Mechanisms: []string{"LOGIN", "XOAUTH2"},
			Username: Credential{
				Label:   "the mailbox's user principal name",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "ms-535",
			},
			Password: Credential{
				Label:   "password or app password of the mailbox",
				Pattern: "^\\S.{7,}$",
				Source:  "ms-535",
			},
			Where:  "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission",
			Source: "ms-ehlo",
		},
		Limits: Limits{
			MessageBytes:     157286400,
			Connections:      3,
			PerMinute:        30,
			RecipientsPerDay: 10000,
			Notes: []Note{Note{
				Text:   "the size is what EHLO offered in 2020",
				Source: "ms-ehlo",
			}, Note{
				Text:   "Microsoft gave up the planned limit of 2,000 external recipients a day in January 2026",
				Source: "ms-external",
			}},
			Source: "ms-limits",
			Sources: map[string]string{
				"message_bytes": "ms-ehlo",
			},
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the mailbox that logs in, or one it may send as: all senders are rewritten",
			Source:     "ms-ports",
		},
		DNS: DNS{
			SPF: "include:spf.protection.outlook.com",
			DKIM: []Record{Record{
				Type:   "CNAME",
				Name:   "selector1._domainkey",
				Source: "recalled",
			}, Record{
				Type:   "CNAME",
				Name:   "selector2._domainkey",
				Source: "recalled",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "o365_smtpauth_disabled",
			Code:   535,
			Match:  "(?i)SmtpClientAuthentication is disabled for the",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "SMTP AUTH is switched off for the tenant or the mailbox, which is the default",
			Remedy: "an administrator switches it on: Set-TransportConfig -SmtpClientAuthenticationDisabled $false for the tenant, Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false for one mailbox; the password itself stops working by default at the end of December 2026: sign in without one (relayhost setup --relay m365 --sign-in device)",
			Sample: "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information.",
			Source: "ms-535",
		}, Reply{
			ID:     "o365_basic_disabled",
			Code:   535,
			Match:  "(?i)Authentication unsuccessful, basic authentication is disabled",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "login by password is off: security defaults or an authentication policy forbid it, and from January 2027 the tenant's default does",
			Remedy: "an administrator switches it on: Set-TransportConfig -SmtpClientAuthenticationDisabled $false for the tenant, Set-CASMailbox for the mailbox, and an exception in the policy; or sign in without a password (relayhost setup --relay m365 --sign-in device), or use another relay",
			Sample: "5.7.139 Authentication unsuccessful, basic authentication is disabled.",
			Source: "ms-535",
		}, Reply{
			ID:     "o365_policy",
			Code:   535,
			Match:  "(?i)Authentication unsuccessful, .*(security defaults|conditional access)",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "security defaults or conditional access forbid this login",
			Remedy: "make an exception in the policy, or use another relay",
			Sample: "5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
			Source: "recalled",
		}, Reply{
			ID:     "o365_auth_failed",
			Code:   535,
			Match:  "(?i)5\\.7\\.3 Authentication unsuccessful",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "wrong password, or the mailbox wants a second factor",
			Remedy: "use an app password, and check the user name",
			Sample: "5.7.3 Authentication unsuccessful [example.prod.outlook.com]",
			Source: "ms-535",
		}, Reply{
			ID:     "o365_basic_retired",
			Code:   550,
			Match:  "(?i)Basic authentication is not supported for Client Submission",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "login by password has been withdrawn for this tenant",
			Remedy: "sign in without a password (relayhost setup --relay m365 --sign-in device), or use another relay (--relay acs is Microsoft's own)",
			Sample: "5.7.30 Basic authentication is not supported for Client Submission.",
			Source: "ms-old",
		}, Reply{
			ID:     "o365_5757",
			Code:   530,
			Match:  "(?i)Client (was )?not authenticated to send",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the mail was handed over without a login; in Postfix: the key in the password table is not the next hop, or the SASL plug-in for LOGIN is missing",
			Remedy: "set user name and password in the program that sends; in Postfix make the key in the password table equal the next hop, [host]:port, and install the plug-in for LOGIN",
			Sample: "5.7.57 Client not authenticated to send mail.",
			Source: "ms-530",
		}, Reply{
			ID:     "o365_send_as_denied",
			Match:  "(?i)(SendAsDenied(;|Exception)|Client does not have permissions to send as this sender)",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the mailbox that logged in",
			Remedy: "rewrite local senders to the mailbox (--from)",
			Sample: "5.2.252 SendAsDenied; app@example.com not allowed to send as root@host.example.com",
			Source: "replies",
		}, Reply{
			ID:     "o365_outbound_spam",
			Code:   554,
			Match:  "(?i)OutboundSpamException",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "Microsoft has stopped mail of this account: its quota is used up, or it is suspended for spam",
			Remedy: "read the verdict in the reply: RefuseQuota is temporary, Suspend needs the account unblocked in the Defender portal, under restricted entities",
			Sample: "5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due to a permanent exception with message WASCL UserAction verdict is not None. Actual verdict is RefuseQuota.",
			Source: "replies",
		}, Reply{
			ID:     "o365_connections",
			Code:   432,
			Match:  "(?i)(STOREDRV\\.ClientSubmit|concurrent_sending|sender thread limit)",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "more than three connections of one mailbox at once",
			Remedy: "two connections at most to this relay",
			Sample: "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
			Source: "recalled",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "graph_send_as",
				Code:   "ErrorSendAsDenied",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the mailbox may not send as the address in From",
				Remedy: "send from the mailbox's own address, or grant it Send As for that address",
				Sample: "403 ErrorSendAsDenied: The user account which was used to submit this request does not have the right to send mail on behalf of the specified sending account.",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_access",
				Code:   "ErrorAccessDenied",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the application has no permission Mail.Send for this mailbox",
				Remedy: "grant Mail.Send with admin consent, and check the application access policy",
				Sample: "403 ErrorAccessDenied: Access is denied. Check credentials and try again.",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_user",
				Code:   "ErrorInvalidUser",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the mailbox does not exist in this tenant, or has no Exchange licence",
				Remedy: "check mailbox and tenant of the setup",
				Sample: "404 ErrorInvalidUser: The requested user is invalid.",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_limit",
				Code:   "ErrorExceededMessageLimit",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "the mailbox has sent all that it may in a day",
				Remedy: "wait until the quota is renewed, or upgrade the plan",
				Sample: "403 ErrorExceededMessageLimit: The message could not be sent because it exceeds the daily limit",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_recipients",
				Code:   "ErrorInvalidRecipients",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 ErrorInvalidRecipients: At least one recipient is not valid.",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_size",
				Code:   "ErrorMessageSizeExceeded",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "413 ErrorMessageSizeExceeded: The message exceeds the maximum supported size.",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_mime",
				Code:   "ErrorMimeContentInvalid",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 ErrorMimeContentInvalid: The MIME content is not valid.",
				Source: "graph-api",
			}, APIReply{
				ID:     "graph_mime_base64",
				Code:   "ErrorMimeContentInvalidBase64String",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 ErrorMimeContentInvalidBase64String: Invalid base64 string for MIME content.",
				Source: "graph-api",
			}},
		},
		Sources: map[string]Source{
			"graph-api": Source{
				URL:        "https://learn.microsoft.com/en-us/graph/errors",
				Where:      "codes as the service answers them; texts as seen in threads",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/office365.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ms-530": Source{
				URL:        "https://pastebin.com/SuB30vi5",
				Where:      "Postfix log of smtp.office365.us",
				AsOf:       "2023-11-29",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"ms-535": Source{
				URL:        "https://github.com/simonrob/email-oauth2-proxy/issues/193",
				Where:      "also rpremraj/mailR 107",
				AsOf:       "2022-08-30 to 2023-09-12",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"ms-ehlo": Source{
				URL:        "https://github.com/PHPMailer/PHPMailer/issues/2194",
				Where:      "also nodemailer 1484",
				AsOf:       "2020-11-15 to 2022-11-16",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"ms-external": Source{
				URL:        "https://blog.minerva-ia.com",
				AsOf:       "2026-01",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"ms-limits": Source{
				Where:      "a public file that quotes Microsoft's limits of Exchange Online; also Message Center MC786329",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ms-old": Source{
				URL:        "https://github.com/OpenCTI-Platform/opencti/issues/12069",
				Where:      "quotes Microsoft's text",
				AsOf:       "2025",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"ms-ports": Source{
				URL:        "https://theitguysmy.freshdesk.com/support/solutions/articles/35000154719",
				Where:      "restates Microsoft's article, undated",
				Checked:    date(2026, 11, 22),
				Confidence: "secondary",
			},
			"ms-time": Source{
				URL:        "https://mc.merill.net/message/MC786329",
				Where:      "Microsoft's text in the Message Center; also the Exchange team's post 4489835 at techcommunity.microsoft.com",
				AsOf:       "2026-01-27",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "transcripts of Python, Java and Postfix in public repositories and issues: gophish/gophish 2900, swiftmailer/swiftmailer 1030, dolthub/doltlab-issues 43; each reply is one line",
				AsOf:       "2026-08",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relayoci() Relay {
	return Relay{
		ID:   "oci",
		Name: "Oracle OCI Email Delivery",
		Tier: 2,
		Docs: "https://docs.oracle.com/iaas/Content/Email/Tasks/configuresmtpconnection.htm",
		Free: &Free{
			Messages: 3000,
			Per:      "month",
			Source:   "recalled",
		},
		HTTPS: &Note{
			Text:   "submitRawEmail accepts the message as it is",
			Source: "recalled",
		},
		Notes: []Note{Note{
			Text:   "254 is a success code for a message that was dropped",
			Source: "oc-err",
		}, Note{
			Text:   "hosts of the form smtp.<region>.oraclecloud.com are the old ones; enter such a name in full in place of a region",
			Source: "recalled",
		}},
		Hosts: Hosts{
			Pattern: "smtp.email.<region>.oci.oraclecloud.com",
			Region:  "^[a-z]{2}(-[a-z]+)+-[0-9]$",
			Example: "eu-frankfurt-1",
			Accept:  "^smtp\\.[a-z]{2}(-[a-z]+)+-[0-9]\\.oraclecloud\\.com$",
			Source:  "oc-user",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Note:   "the only port in the newer page",
			Source: "oc-new",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Note:   "in the page of 2025-02-26",
			Source: "oc-old",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Note:   "in the page of 2025-02-26",
			Source: "oc-old",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN"},
			Username: Credential{
				Label:   "user name of the SMTP credential (ocid1.user...@ocid1.tenancy...)",
				Pattern: "^ocid1\\.user\\.oc[0-9]+\\.[a-z0-9-]*\\.[a-z0-9]+@ocid1\\.tenancy\\.oc[0-9]+\\.[a-z0-9-]*\\.[a-z0-9]+(\\.[a-z0-9]+)?\\.com$",
				Source:  "oc-user",
			},
			Password: Credential{
				Label:   "generated password of the SMTP credential",
				Pattern: "^\\S{8,}$",
				Source:  "oc-plain",
			},
			Where:  "https://docs.oracle.com/iaas/Content/Identity/access/managing-user-credentials.htm#SMTP",
			Source: "oc-plain",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "100 to 200 messages a day and 10 a minute in the free tier",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an approved sender, the exact address",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:rp.oracleemaildelivery.com",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "<selector>._domainkey",
				Value: "<...>.dkim.<region>.oracleemaildelivery.com",
			}},
			Note:   "the include differs by region",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "oci_suppressed",
			Code:   254,
			Match:  "(?i)Suppression for user",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the recipient is on the suppression list: the code says success, but the message is not delivered",
			Remedy: "take the recipient off the suppression list",
			Sample: "4.7.1 Suppression for user ocid1.user.oc1..aaaa to to@example.com",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_auth_failures",
			Code:   421,
			Match:  "(?i)Too many auth failures, try again later",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the address is throttled after wrong passwords or senders that are not approved; the code is 421, but waiting alone does not help",
			Remedy: "correct the credentials or the sender first, then wait",
			Sample: "Too many auth failures, try again later",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_too_many_connections",
			Code:   421,
			Match:  "(?i)Too many connections, try again later",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "too many connections at once",
			Remedy: "lower the number of connections to this relay",
			Sample: "Too many connections, try again later",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_per_minute",
			Code:   455,
			Match:  "(?i)Maximum messages sent per minute reached",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "the rate a minute is reached",
			Remedy: "a delay between deliveries, or ask for a higher limit",
			Sample: "Maximum messages sent per minute reached : limit is 10",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_per_day",
			Code:   455,
			Match:  "(?i)Maximum messages sent per day reached",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "the quota of the day is used up",
			Remedy: "wait, or ask for a higher limit",
			Sample: "Maximum messages sent per day reached : limit is 200",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_storage",
			Code:   452,
			Match:  "(?i)System storage error",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "a fault at Oracle",
			Remedy: "wait: Postfix retries automatically",
			Sample: "System storage error",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_not_base64",
			Code:   501,
			Match:  "(?i)Invalid command argument, not a valid Base64 string",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the login arrived damaged",
			Remedy: "enter the credentials again",
			Sample: "Invalid command argument, not a valid Base64 string",
			Source: "oc-err",
		}, Reply{
			ID:     "oci_auth_required",
			Code:   535,
			Match:  "(?i)Authentication required",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "no credentials, or wrong ones",
			Remedy: "make a new SMTP credential for the user",
			Sample: "Authentication required",
			Source: "recalled",
		}, Reply{
			ID:     "oci_sender_not_approved",
			Code:   471,
			Match:  "(?i)Authorization failed: .*not authorized",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the envelope sender is no approved sender, or a policy is missing; the code is 471, but waiting does not help",
			Remedy: "add the exact address as an approved sender in this region",
			Sample: "Authorization failed: Envelope From address root@example.com not authorized",
			Source: "recalled",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "oci_api_sender",
				Status: 400,
				Match:  "(?i)sender|approved|compartment",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender is no approved sender of the compartment",
				Remedy: "create the approved sender in the region and compartment of the setup",
				Sample: "400 InvalidParameter: sender is not an approved sender",
				Source: "unsure-api",
			}, APIReply{
				ID:     "oci_api_recipient",
				Status: 400,
				Match:  "(?i)recipient",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 InvalidParameter: recipient address is invalid",
				Source: "unsure-api",
			}, APIReply{
				ID:     "oci_api_too_large",
				Status: 400,
				Match:  "(?i)size|large",
				Reply:  "552 5.3.4",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the message is larger than the API takes",
				Remedy: "send a smaller message, or a link in place of the attachment",
				Sample: "400 InvalidParameter: size exceeds 2097152",
				Source: "unsure-api",
			}, APIReply{
				ID:     "oci_api_mime",
				Status: 400,
				Match:  "(?i)mime|malformed|message",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 InvalidParameter: malformed MIME",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"oc-err": Source{
				URL:        "https://docs.oracle.com/ja-jp/iaas/Content/Email/Concepts/troubleshooting.htm",
				Where:      "table, undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"oc-new": Source{
				URL:        "https://docs.oracle.com/iaas/Content/Email/Tasks/configuresmtpconnection.htm",
				Where:      "undated copy, newer than 2025-02-26",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"oc-old": Source{
				URL:        "https://docs.cloud.oracle.com/en-us/iaas/Content/Email/Tasks/configuresmtpconnection.htm",
				AsOf:       "2025-02-26",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"oc-plain": Source{
				URL:        "https://github.com/hestiacp/hestiacp/issues/3710",
				AsOf:       "2023",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"oc-user": Source{
				URL:        "https://pastebin.com/yDTdWhrN",
				AsOf:       "2025-05-03",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relayovh() Relay {
	return Relay{
		ID:   "ovh",
		Name: "OVHcloud mail",
		Kind: "mailbox",
		Tier: 2,
		Docs: "https://github.com/ovh/docs/pull/6139",
		Notes: []Note{Note{
			Text:   "mailboxes of MX Plan (Zimbra), Email Pro and Exchange, not a relay service: for little mail only",
			Source: "recalled",
		}, Note{
			Text:   "Email Pro and Exchange have hosts of their own: give pro1.mail.ovh.net or ex1.mail.ovh.net, with your number, in place of a region",
			Source: "recalled",
		}},
		Hosts: Hosts{
			Default: "ssl0.ovh.net",
			Named: map[string]string{
				"ca":     "smtp.mail.ovh.ca",
				"eu":     "ssl0.ovh.net",
				"zimbra": "smtp.mail.ovh.net",
			},
			Accept: "^(pro|ex)[0-9]+\\.mail\\.ovh\\.(net|ca)$",
			Source: "ispdb",
			Sources: map[string]string{
				"ca":     "recalled",
				"zimbra": "recalled",
			},
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Note:   "MX Plan",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Note:   "the only one of Email Pro and Exchange",
			Source: "recalled",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{7,}$",
				Source:  "recalled",
			},
			Where:  "https://docs.ovh.com/gb/en/emails/changing-email-address-password/",
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "200 messages an hour for a mailbox of MX Plan, 300 for an address",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From should be the mailbox",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF:    "include:mx.ovh.com",
			Note:   "include:mx.ovh.ca in Canada",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "ovh_auth_failed",
			Code:   535,
			Match:  "(?i)Authentication failed",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "a wrong password, or the mailbox is blocked for spam",
			Remedy: "look at the state of the mailbox in the control panel; a new password can unblock it",
			Sample: "Authentication failed",
			Source: "ovh-doc",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/ovh.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ovh-doc": Source{
				URL:        "https://github.com/ovh/docs/pull/6139",
				Where:      "table of SMTP errors",
				AsOf:       "2024-04-11",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
		},
	}
}

func relayresend() Relay {
	return Relay{
		ID:   "resend",
		Name: "Resend",
		Tier: 2,
		Docs: "https://resend.com/docs/send-with-smtp.md",
		Free: &Free{
			Messages: 3000,
			Per:      "month",
			Source:   "recalled",
		},
		HTTPS: &Note{
			Text:   "Email API, JSON",
			Source: "re-doc",
		},
		Hosts: Hosts{
			Default: "smtp.resend.com",
			Source:  "re-doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "re-doc",
		}, Port{
			Port:   2587,
			TLS:    "starttls",
			Source: "re-doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "re-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "re-doc",
		}, Port{
			Port:   2465,
			TLS:    "implicit",
			Source: "re-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word resend",
				Pattern: "^resend$",
				Fixed:   "resend",
				Source:  "re-doc",
			},
			Password: Credential{
				Label:   "API key (re_...)",
				Pattern: "^re_[A-Za-z0-9_]{16,}$",
				Source:  "re-doc",
			},
			Where: "https://resend.com/api-keys",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^re_.*$",
				Message: "this is the API key: it is the password, and the user name is the word resend",
				Refuse:  true,
				Source:  "re-doc",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "100 messages a day on the free plan; 40 MB a message",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain; onboarding@resend.dev reaches only your own address",
			Source:     "re-spree",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type:   "CNAME",
				Name:   "resend._domainkey",
				Source: "re-skills",
			}},
			Other: []Record{Record{
				Type:    "MX",
				Name:    "send",
				Value:   "10 feedback-smtp.<region>.amazonses.com",
				Source:  "re-connect",
				Bounces: true,
			}, Record{
				Type:    "TXT",
				Name:    "send",
				Value:   "v=spf1 include:amazonses.com ~all",
				Source:  "re-connect",
				Bounces: true,
			}},
			Note:   "domains that were added earlier have TXT resend._domainkey in place of the CNAME",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "resend_testing_only",
			Code:   450,
			Match:  "(?i)only send testing emails to your own",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "no domain is verified, so mail goes to your own address only; the code is 450, but waiting does not help",
			Remedy: "verify a domain at Resend and send from it",
			Sample: "You can only send testing emails to your own email address",
			Source: "re-api",
		}, Reply{
			ID:     "resend_domain_unverified",
			Code:   550,
			Match:  "(?i)domain is not verified",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender's domain is not verified",
			Remedy: "verify the domain at Resend",
			Sample: "The example.com domain is not verified",
			Source: "recalled",
		}},
		API: &API{
			WaitHeader: "Ratelimit-Reset",
			Replies: []APIReply{APIReply{
				ID:     "resend_api_no_key",
				Code:   "missing_api_key",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the key",
				Remedy: "create a new key at the relay and give it to setup",
				Sample: "401 missing_api_key: Missing API key in the authorization header",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_key",
				Code:   "invalid_api_key",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the key",
				Remedy: "create a new key at the relay and give it to setup",
				Sample: "403 invalid_api_key: API key is invalid",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_key_form",
				Code:   "validation_error",
				Match:  "(?i)api key",
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the key",
				Remedy: "create a new key at the relay and give it to setup",
				Sample: "400 validation_error: API key is invalid",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_domain",
				Status: 403,
				Code:   "validation_error",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the domain of the sender is not verified; without one mail goes to your own address only",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "403 validation_error: The example.com domain is not verified. Please, add and verify your domain",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_from",
				Code:   "invalid_from_address",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender or its domain is not verified at the relay",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "422 invalid_from_address: Invalid from field",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_access",
				Code:   "invalid_access",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the key has no permission for this",
				Remedy: "give the key the permission to send, or create one that has it",
				Sample: "422 invalid_access: Access must be full_access or sending_access",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_daily",
				Code:   "daily_quota_exceeded",
				Reply:  "451 4.7.28",
				Scope:  "account",
				Retry:  "wait",
				Cause:  "the account has sent all that its plan allows for now",
				Remedy: "wait until the quota is renewed, or upgrade the plan",
				Sample: "429 daily_quota_exceeded: You have reached your daily email sending quota",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_monthly",
				Code:   "monthly_quota_exceeded",
				Reply:  "451 4.7.28",
				Scope:  "account",
				Retry:  "wait",
				Cause:  "the account has sent all that its plan allows for now",
				Remedy: "wait until the quota is renewed, or upgrade the plan",
				Sample: "429 monthly_quota_exceeded: You have reached your monthly email sending quota",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_rate",
				Code:   "rate_limit_exceeded",
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "429 rate_limit_exceeded: Too many requests",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_concurrent",
				Code:   "concurrent_idempotent_requests",
				Reply:  "451 4.3.0",
				Scope:  "service",
				Retry:  "wait",
				Cause:  "the same message is being accepted in another request",
				Remedy: "wait: Postfix retries automatically",
				Sample: "409 concurrent_idempotent_requests: Same idempotency key used while original request is still in progress",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_repeated",
				Code:   "invalid_idempotent_request",
				Reply:  "451 4.3.0",
				Scope:  "service",
				Retry:  "wait",
				Cause:  "a message with the same key and another content was accepted in the last 24 hours",
				Remedy: "nothing: the key is free again after 24 hours",
				Sample: "409 invalid_idempotent_request: Same idempotency key used with a different request payload",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_attachment",
				Code:   "invalid_attachment",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 invalid_attachment: Attachment must have either a content or path",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_address",
				Code:   "validation_error",
				Match:  "(?i)`(to|cc|bcc)`|recipient",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "422 validation_error: Invalid `to` field",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_validation",
				Code:   "validation_error",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 validation_error: The content is not valid",
				Source: "re-api-errors",
			}, APIReply{
				ID:     "resend_api_field",
				Code:   "missing_required_field",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 missing_required_field: Missing `subject` field",
				Source: "re-api-errors",
			}},
			Source: "unsure-api",
		},
		Sources: map[string]Source{
			"re-api": Source{
				URL:        "https://apidog.com/kr/blog/resend-api-key/",
				Where:      "the text is the HTTP API's, its SMTP code is not known",
				AsOf:       "2026",
				Checked:    date(2026, 11, 21),
				Confidence: "unsure",
			},
			"re-api-errors": Source{
				URL:        "https://resend.com/docs/api-reference/errors",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"re-connect": Source{
				URL:        "https://github.com/Domain-Connect/Templates/blob/master/resend.com.mail.json",
				Where:      "template of the vendor, version 6; the default name is that of https://resend.com/docs/dashboard/domains/custom-return-path.md",
				Checked:    date(2026, 11, 29),
				Confidence: "official",
			},
			"re-doc": Source{
				URL:        "https://resend.com/docs/send-with-smtp.md",
				Where:      "undated copy, 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"re-skills": Source{
				URL:        "https://github.com/resend/resend-skills",
				Where:      "commit 044372f, domains.md",
				AsOf:       "2026-07-23",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"re-spree": Source{
				URL:        "https://spreecommerce.org/docs/integrations/email/resend",
				AsOf:       "2026",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relayscaleway() Relay {
	return Relay{
		ID:   "scaleway",
		Name: "Scaleway Transactional Email",
		Tier: 2,
		Docs: "https://github.com/scaleway/docs-content",
		Free: &Free{
			Messages: 300,
			Per:      "month",
			Source:   "recalled",
		},
		Notes: []Note{Note{
			Text:   "TLS is mandatory since 2024-09",
			Source: "sc-doc",
		}, Note{
			Text:   "Scaleway instances block 25, 465 and 587 by default: from there use 2587 or 2465",
			Source: "recalled",
		}},
		Hosts: Hosts{
			Default: "smtp.tem.scaleway.com",
			Old:     []string{"smtp.tem.scw.cloud"},
			Source:  "sc-doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "sc-doc",
		}, Port{
			Port:   2587,
			TLS:    "starttls",
			Source: "sc-doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "sc-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "sc-doc",
		}, Port{
			Port:   2465,
			TLS:    "implicit",
			Source: "sc-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "project id",
				Pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
				Source:  "sc-doc",
			},
			Password: Credential{
				Label:   "secret key of an IAM API key",
				Pattern: "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
				Source:  "sc-doc",
			},
			Where: "https://www.scaleway.com/en/docs/transactional-email/how-to/generate-api-keys-for-tem-with-iam/",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^SCW[A-Z0-9]{17}$",
				Message: "this is the access key: the password is the secret key that belongs to it",
				Refuse:  true,
				Source:  "sc-doc",
			}, Wrong{
				Field:   "username",
				Pattern: "^SCW[A-Z0-9]{17}$",
				Message: "this is an access key: the user name is the project id",
				Refuse:  true,
				Source:  "sc-doc",
			}},
			Source: "sc-doc",
		},
		Limits: Limits{
			Notes: []Note{},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a validated domain, which has SPF, DKIM, MX and DMARC",
			Source:     "sc-doc",
		},
		DNS: DNS{
			SPF: "include:_spf.tem.scaleway.com",
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "<project id>._domainkey",
			}},
			Other: []Record{Record{
				Type:  "MX",
				Name:  "@",
				Value: "blackhole.tem.scaleway.com",
			}, Record{
				Type:   "TXT",
				Name:   "_dmarc",
				Value:  "v=DMARC1; p=<policy>",
				Source: "sc-doc",
			}},
			Source: "recalled",
		},
		Sources: map[string]Source{
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"sc-doc": Source{
				URL:        "https://github.com/scaleway/docs-content",
				Where:      "commit 4665240, pages/transactional-email/reference-content/smtp-configuration.mdx; also PRs 3718 and 3840",
				AsOf:       "2024-11-04",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
		},
	}
}

func relaysmtp2go() Relay {
	return Relay{
		ID:   "smtp2go",
		Name: "SMTP2GO",
		Tier: 2,
		Docs: "https://developers.smtp2go.com/docs/smtp-relay",
		Free: &Free{
			Messages: 1000,
			Per:      "month",
			Source:   "s2-price",
		},
		HTTPS: &Note{
			Text:   "email/mime accepts the message as it is; SMTP itself answers on 443 as well",
			Source: "recalled",
		},
		Notes: []Note{Note{
			Text:   "listens on 443 and 80 as well: for networks that block even 587 and 465",
			Source: "s2-doc",
		}},
		Hosts: Hosts{
			Default: "mail.smtp2go.com",
			Named: map[string]string{
				"au":    "mail-au.smtp2go.com",
				"eu":    "mail-eu2.smtp2go.com",
				"eu-uk": "mail-eu.smtp2go.com",
				"us":    "mail-us.smtp2go.com",
			},
			Source: "s2-doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "s2-doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "s2-doc",
		}, Port{
			Port:   8025,
			TLS:    "starttls",
			Source: "s2-doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "s2-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "s2-doc",
		}, Port{
			Port:   8465,
			TLS:    "implicit",
			Source: "s2-doc",
		}, Port{
			Port:   443,
			TLS:    "implicit",
			Source: "s2-doc",
		}, Port{
			Port:   80,
			TLS:    "starttls",
			Source: "s2-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "SMTP user of the account",
				Pattern: "^[^\\s:]+$",
				Source:  "s2-doc",
			},
			Password: Credential{
				Label:   "password of that SMTP user",
				Pattern: "^\\S.*$",
				Source:  "s2-doc",
			},
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "on the free plan 200 messages a day, and 25 an hour without a verified domain",
				Source: "s2-price",
			}},
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Domain:     "address",
			Note:       "a verified sender or domain",
			Source:     "s2-price",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type: "CNAME",
				Name: "s<digits>._domainkey",
			}},
			Other: []Record{Record{
				Type: "CNAME",
				Name: "em<digits>",
			}, Record{
				Type: "CNAME",
				Name: "link",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "smtp2go_sender",
			Code:   550,
			Match:  "(?i)From header sender domain not verified",
			Last:   "(?i)verify the sender domain or email to be allowed to send",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain of the sender is not among the verified senders of this account",
			Remedy: "add it in the app under Sending, Verified Senders, or send from a verified address (--from)",
			Sample: "From header sender domain not verified (example.com)",
			Source: "replies",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "smtp2go_api_exception",
				Code:   "E_ApiResponseCodes.API_EXCEPTION",
				Reply:  "451 4.3.0",
				Scope:  "service",
				Retry:  "wait",
				Cause:  "a fault at the relay",
				Remedy: "wait: Postfix retries automatically",
				Sample: "400 E_ApiResponseCodes.API_EXCEPTION: An exception occurred",
				Source: "unsure-api",
			}, APIReply{
				ID:     "smtp2go_api_not_allowed",
				Status: 4,
				Match:  "(?i)not (verified|allowed|permitted)|permission|suspend",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender is not verified, or the key or the account may not send",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "400 E_ApiResponseCodes.NON_VALIDATING_IN_PAYLOAD: sender is not verified on this account",
				Source: "unsure-api",
			}, APIReply{
				ID:     "smtp2go_api_payload",
				Code:   "E_ApiResponseCodes.NON_VALIDATING_IN_PAYLOAD",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "400 E_ApiResponseCodes.NON_VALIDATING_IN_PAYLOAD: mime_email is malformed",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "logs of Postfix in public repositories: three lines, 550-From header sender domain not verified (...), 550-On your Sending > Verified Senders page, 550 verify the sender domain or email to be allowed to send.",
				AsOf:       "2026-08",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"s2-doc": Source{
				URL:        "https://developers.smtp2go.com/docs/smtp-relay",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"s2-price": Source{
				URL:        "https://github.com/api-evangelist/smtp2go",
				Where:      "a reading of the price page",
				AsOf:       "2026-08-13",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relaysparkpost() Relay {
	return Relay{
		ID:   "sparkpost",
		Name: "SparkPost (Bird)",
		Tier: 2,
		Docs: "https://developers.sparkpost.com/api/smtp/",
		HTTPS: &Note{
			Text:   "transmissions with email_rfc822 accept the message as it is",
			Source: "sp-api",
		},
		Notes: []Note{Note{
			Text:   "the form for subaccounts has a colon in the user name, which Postfix cannot store",
			Source: "recalled",
		}, Note{
			Text:   "an enterprise host is given in full in place of a region",
			Source: "recalled",
		}},
		Hosts: Hosts{
			Default: "smtp.sparkpostmail.com",
			Named: map[string]string{
				"eu": "smtp.eu.sparkpostmail.com",
				"us": "smtp.sparkpostmail.com",
			},
			Accept: "^[a-z0-9-]+\\.smtp\\.e\\.sparkpost\\.com$",
			Source: "sp-api",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "sp-api",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "sp-api",
		}},
		Auth: Auth{
			Mechanisms: []string{"LOGIN", "PLAIN"},
			Username: Credential{
				Label:   "the word SMTP_Injection",
				Pattern: "^SMTP_Injection$",
				Fixed:   "SMTP_Injection",
				Source:  "sp-api",
			},
			Password: Credential{
				Label:   "API key with the permission Send via SMTP",
				Pattern: "^[0-9a-f]{40}$",
				Source:  "sp-api",
			},
			Where: "https://app.sparkpost.com/account/api-keys",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[0-9a-f]{40}$",
				Message: "this looks like the API key: it is the password, and the user name is the word SMTP_Injection",
				Refuse:  true,
				Source:  "sp-api",
			}},
			Source: "sp-ehlo",
		},
		Limits: Limits{
			MessagesPerConnection: 100,
			Notes: []Note{Note{
				Text:   "a command may take 60 seconds and more",
				Source: "sp-api",
			}, Note{
				Text:   "500 messages a month on the test plan",
				Source: "recalled",
			}},
			Source: "sp-api",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified sending domain",
			Source:     "sp-550",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "scph<mmyy>._domainkey",
			}},
			Other: []Record{Record{
				Type:  "CNAME",
				Name:  "<bounce>",
				Value: "sparkpostmail.com",
			}},
			Note:   "the bounce CNAME of the EU ends in eu.sparkpostmail.com",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "sparkpost_unconfigured_domain",
			Code:   550,
			Match:  "(?i)Unconfigured Sending Domain",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender's domain is not verified, or the mail comes from root@localhost",
			Remedy: "verify the domain, and rewrite local senders to it (--from)",
			Sample: "5.7.1 Unconfigured Sending Domain <localhost>",
			Source: "sp-550",
		}},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "sparkpost_api_generation",
				Code:   "1902",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "SparkPost rejects the message while it makes it: mostly a sending domain that is not configured",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "400 1902: Message generation rejected: Unconfigured Sending Domain <example.com>",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sparkpost_api_domain",
				Code:   "7001",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sender or its domain is not verified at the relay",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "400 7001: Invalid domain: No matching sending domain",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sparkpost_api_not_allowed",
				Status: 4,
				Match:  "(?i)unconfigured|sending domain|unverified|suspend|sandbox",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the sending domain is not verified, or the account is suspended",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "403 Forbidden: the account is suspended",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sparkpost_api_limit",
				Status: 420,
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "the account has sent all that its plan allows for now",
				Remedy: "wait until the quota is renewed, or upgrade the plan",
				Sample: "420 2102: Exceed Sending Limit (daily)",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sparkpost_api_no_recipients",
				Code:   "5001",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 5001: No recipients: all recipients were excluded",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sparkpost_api_invalid_recipients",
				Code:   "5002",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the recipient's address",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "400 5002: Invalid recipients",
				Source: "unsure-api",
			}, APIReply{
				ID:     "sparkpost_api_field",
				Code:   "1300",
				Reply:  "554 5.6.0",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "the API does not accept the content of the message",
				Remedy: "send such mail in another form, or by SMTP",
				Sample: "422 1300: invalid data format/type: email_rfc822",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"sp-550": Source{
				URL:        "https://pastebin.com/xieze6a2",
				Where:      "also transitland/transitland-datastore 1231",
				AsOf:       "2018",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"sp-api": Source{
				URL:        "https://developers.sparkpost.com/api/smtp/",
				Where:      "undated copy",
				Checked:    date(2026, 11, 21),
				Confidence: "official",
			},
			"sp-ehlo": Source{
				URL:        "https://pastebin.com/tXpfUZgB",
				Where:      "SMTP transcript",
				AsOf:       "2017-04-24",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
			"unsure-api": Source{
				Where:      "the API's reference names the form; codes and texts of refusals by SDKs and threads, or from memory",
				Checked:    date(2026, 11, 28),
				Confidence: "unsure",
			},
		},
	}
}

func relayyahoo() Relay {
	return Relay{
		ID:   "yahoo",
		Name: "Yahoo Mail",
		Kind: "mailbox",
		Tier: 2,
		Docs: "https://xenocept.com/docs/email-setup/yahoo.html",
		Asks: &Note{
			Text:   "an app password",
			Source: "pdb",
		},
		Notes: []Note{Note{
			Text:   "not for a domain of your own: DMARC fails there",
			Source: "recalled",
		}},
		Hosts: Hosts{
			Default: "smtp.mail.yahoo.com",
			Source:  "ya-doc",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ya-doc",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Source:  "ya-doc",
			},
			Password: Credential{
				Label:   "app password, 16 letters",
				Pattern: "^[a-z]{16}$",
				Strip:   " ",
				Source:  "pdb",
			},
			Where: "https://help.yahoo.com/kb/generate-manage-rd-party-passwords-sln15241.html",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^([a-z]{4} ){3}[a-z]{4}$",
				Message: "an app password is 16 letters, without blanks",
				Source:  "ya-doc",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			Notes: []Note{Note{
				Text:   "500 messages a day",
				Source: "recalled",
			}},
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the mailbox",
			Source:     "ya-doc",
		},
		Replies: []Reply{Reply{
			ID:     "yahoo_sender",
			Code:   553,
			Match:  "(?i)From address not verified",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the account, nor a verified address of it",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "From address not verified - see http://help.yahoo.com/l/us/yahoo/mail/original/manage/sendfrom-07.html",
			Source: "replies",
		}, Reply{
			ID:     "yahoo_refused",
			Code:   550,
			Match:  "(?i)Request failed; Mailbox unavailable",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the account that logged in; the words mean no recipient",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "Request failed; Mailbox unavailable",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/yahoo.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/yahoo.md",
				AsOf:       "2025-09",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "logs of Postfix and msmtp in public repositories",
				AsOf:       "2025 or later",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ya-doc": Source{
				URL:        "https://xenocept.com/docs/email-setup/yahoo.html",
				Where:      "undated",
				Checked:    date(2026, 11, 21),
				Confidence: "secondary",
			},
		},
	}
}

func relayzeptomail() Relay {
	return Relay{
		ID:   "zeptomail",
		Name: "Zoho ZeptoMail",
		Tier: 2,
		Docs: "https://www.zoho.com/zeptomail/help/smtp-home.html",
		Notes: []Note{Note{
			Text:   "the token belongs to one region",
			Source: "recalled",
		}, Note{
			Text:   "the account may have a list of addresses that are allowed to send",
			Source: "zm-doc",
		}},
		Hosts: Hosts{
			Default: "smtp.zeptomail.com",
			Named: map[string]string{
				"eu": "smtp.zeptomail.eu",
				"in": "smtp.zeptomail.in",
				"us": "smtp.zeptomail.com",
			},
			Source: "zm-doc",
			Sources: map[string]string{
				"eu": "recalled",
				"in": "zm-fs",
			},
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "zm-doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "zm-doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word emailapikey",
				Pattern: "^emailapikey$",
				Fixed:   "emailapikey",
				Source:  "zm-doc",
			},
			Password: Credential{
				Label:   "Send Mail token of the mail agent",
				Pattern: "^[A-Za-z0-9+/]{60,}={0,2}$",
				Source:  "zm-fs",
			},
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^[Zz]oho-enczapikey .*$",
				Message: "this has the prefix of the HTTP API: leave out Zoho-enczapikey and the blank after it",
				Refuse:  true,
				Source:  "zm-api",
			}},
			Source: "recalled",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a domain verified in the mail agent; the account is reviewed first",
			Source:     "recalled",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type: "TXT",
				Name: "<n>._domainkey",
			}},
			Other: []Record{Record{
				Type:  "CNAME",
				Name:  "bounce-zem",
				Value: "cluster<N>.zeptomail.com",
			}},
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "zeptomail_sender",
			Code:   553,
			Match:  "(?i)Relaying disallowed as",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain of the sender is not verified in the mail agent",
			Remedy: "verify the domain in the mail agent that the token belongs to, or send from a verified one (--from)",
			Sample: "Relaying disallowed as app@example.com",
			Source: "zm-errors",
		}, Reply{
			ID:     "zeptomail_subject",
			Match:  "(?i)Subject is Mandatory",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "ZeptoMail rejects a message without a subject",
			Remedy: "give it one",
			Sample: "5.2.1 Subject is Mandatory.",
			Source: "zm-errors",
		}, Reply{
			ID:     "zeptomail_size",
			Match:  "(?i)Email size exceeded the policy",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "the message is larger than the account may send",
			Remedy: "send less, or a link",
			Sample: "5.2.0 Email size exceeded the policy.",
			Source: "zm-errors",
		}},
		Sources: map[string]Source{
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 21),
				Confidence: "recalled",
			},
			"zm-api": Source{
				URL:        "https://zoho.com/zeptomail/help/mailgun-transition-api.html",
				Where:      "undated copy",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"zm-doc": Source{
				URL:        "https://www.zoho.com/zeptomail/help/smtp-home.html",
				Where:      "undated copy",
				Checked:    date(2026, 11, 22),
				Confidence: "official",
			},
			"zm-errors": Source{
				URL:        "https://www.zoho.com/zeptomail/help/api/smtp-error-codes.html",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"zm-fs": Source{
				Where:      "ten public files with ZeptoMail settings, values not stored",
				AsOf:       "2024 to 2026",
				Checked:    date(2026, 11, 21),
				Confidence: "observed",
			},
		},
	}
}

func relaya1() Relay {
	return Relay{
		ID:   "a1",
		Name: "A1 Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/a1.net.xml",
		Hosts: Hosts{
			Default: "securemail.a1.net",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@a1.net",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/a1.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayahasend() Relay {
	return Relay{
		ID:   "ahasend",
		Name: "AhaSend",
		Tier: 3,
		Docs: "https://ahasend.com/docs/smtp/index.md",
		Free: &Free{
			Messages: 1000,
			Per:      "month",
			Source:   "doc",
		},
		Asks: &Note{
			Text:   "a verified domain; no card for the free plan",
			Source: "doc",
		},
		HTTPS: &Note{
			Text:   "REST API v2, POST /accounts/{account_id}/messages, JSON",
			Source: "doc",
		},
		Notes: []Note{Note{
			Text:   "no TLS from the first byte: there is no port 465",
			Source: "doc",
		}},
		Hosts: Hosts{
			Default: "send.ahasend.com",
			Named: map[string]string{
				"eu": "send.ahasend.com",
				"us": "send-us.ahasend.com",
			},
			Source: "doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN"},
			Username: Credential{
				Label:   "user name of the SMTP credential",
				Pattern: "^[A-Za-z0-9]{6,}$",
				Example: "a1B2c3D4e5",
				Source:  "cli",
			},
			Password: Credential{
				Label:   "password of the SMTP credential",
				Pattern: "^\\S{8,}$",
				Example: "Correct-Horse-7",
				Source:  "cli",
			},
			Where: "https://dash.ahasend.com",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^aha-sk-.*$",
				Message: "this is a key of the HTTP API: make an SMTP credential",
				Refuse:  true,
				Source:  "recalled",
			}},
			Source: "doc",
		},
		Limits: Limits{
			MessageBytes:          20971520,
			Recipients:            50,
			MessagesPerConnection: 10000,
			Notes: []Note{Note{
				Text:   "an idle connection is closed after 60 seconds",
				Source: "doc",
			}},
			Source: "doc",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "doc",
		},
		Sources: map[string]Source{
			"cli": Source{
				Where:      "a command-line tool for AhaSend: credentials are generated, the user name has 10 characters",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"doc": Source{
				URL:        "https://ahasend.com/llms.txt",
				Where:      "read as api-evangelist/ahasend commit 138b579, llms/ahasend-llms.txt",
				AsOf:       "2026-08-20",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayaol() Relay {
	return Relay{
		ID:   "aol",
		Name: "AOL Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://help.aol.com/articles/how-do-i-use-other-email-applications-to-send-and-receive-my-aol-mail",
		Hosts: Hosts{
			Default: "smtp.aol.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@aol.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "app password, 16 letters",
				Pattern: "^[a-z]{16}$",
				Strip:   " ",
				Example: "abcdefghijklmnop",
				Source:  "pdb",
			},
			Where: "https://login.aol.com/account/security",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^([a-z]{4} ){3}[a-z]{4}$",
				Message: "an app password is 16 letters, without blanks",
				Source:  "recalled",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/aol.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/aol.md",
				AsOf:       "2020-02",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayatt() Relay {
	return Relay{
		ID:   "att",
		Name: "AT&T Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.att.com/support/article/email-support/KM1010523/",
		Hosts: Hosts{
			Default: "smtp.mail.att.net",
			Old:     []string{"outbound.att.net"},
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@att.net",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "secure mail key, 16 letters (not the password of the account)",
				Pattern: "^[a-z]{16}$",
				Strip:   " ",
				Example: "abcdefghijklmnop",
				Source:  "recalled",
			},
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^([a-z]{4} ){3}[a-z]{4}$",
				Message: "a secure mail key is 16 letters, without blanks",
				Source:  "recalled",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/att.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaybell() Relay {
	return Relay{
		ID:   "bell",
		Name: "Bell Mail (Canada)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/bell.net.xml",
		Hosts: Hosts{
			Default: "smtphm.sympatico.ca",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@bell.net",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/bell.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaybluewin() Relay {
	return Relay{
		ID:   "bluewin",
		Name: "Bluewin (Swisscom)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/bluewin.ch.xml",
		Hosts: Hosts{
			Default: "smtpauths.bluewin.ch",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@bluewin.ch",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/bluewin.ch.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaybt() Relay {
	return Relay{
		ID:   "bt",
		Name: "BT Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/btinternet.com.xml",
		Hosts: Hosts{
			Default: "mail.btinternet.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@btinternet.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/btinternet.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaydomainfactory() Relay {
	return Relay{
		ID:   "domainfactory",
		Name: "domainFACTORY Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/df.eu.xml",
		Hosts: Hosts{
			Default: "sslout.df.eu",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/df.eu.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaydondominio() Relay {
	return Relay{
		ID:   "dondominio",
		Name: "DonDominio Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/dondominio.com.xml",
		Hosts: Hosts{
			Default: "smtp.dondominio.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/dondominio.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayearthlink() Relay {
	return Relay{
		ID:   "earthlink",
		Name: "EarthLink Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://help.earthlink.net/portal/en/kb/articles/email-server-settings",
		Hosts: Hosts{
			Default: "smtpauth.earthlink.net",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@earthlink.net",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/earthlink.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayemailit() Relay {
	return Relay{
		ID:   "emailit",
		Name: "Emailit",
		Tier: 3,
		Docs: "https://emailit.com/docs/smtp/settings/",
		Asks: &Note{
			Text:   "a verified domain",
			Source: "relay",
		},
		HTTPS: &Note{
			Text:   "Email API, POST /v2/emails, JSON",
			Source: "limits",
		},
		Hosts: Hosts{
			Default: "smtp.emailit.com",
			Source:  "doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   2587,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word emailit",
				Pattern: "^emailit$",
				Fixed:   "emailit",
				Example: "emailit",
				Source:  "doc",
			},
			Password: Credential{
				Label:   "API key (secret_...)",
				Pattern: "^secret_[A-Za-z0-9_-]{8,}$",
				Example: "secret_a1B2c3D4e5F6g7H8i9J0",
				Source:  "doc",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^secret_.*$",
				Message: "this is the API key: it is the password, and the user name is the word emailit",
				Refuse:  true,
				Source:  "doc",
			}},
			Source: "doc",
		},
		Limits: Limits{
			RatePerSecond: 2,
			PerDay:        5000,
			Notes: []Note{Note{
				Text:   "both are the first limits of a workspace and grow; each MAIL FROM counts once",
				Source: "limits",
			}},
			Source: "limits",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain, in From as well",
			Source:     "relay",
		},
		DNS: DNS{
			DKIM: []Record{Record{
				Type:   "TXT",
				Name:   "emailit._domainkey",
				Source: "dns",
			}},
			Other: []Record{Record{
				Type:    "MX",
				Name:    "emailit",
				Value:   "10 feedback-smtp.<cluster>.emailit.com",
				Source:  "dns",
				Bounces: true,
			}, Record{
				Type:    "TXT",
				Name:    "emailit",
				Value:   "v=spf1 include:_spf.emailit.com ~all",
				Source:  "dns",
				Bounces: true,
			}},
			Source: "dns",
		},
		Replies: []Reply{Reply{
			ID:     "emailit_rate",
			Code:   452,
			Match:  "(?i)Messages per second limit exceeded",
			At:     "mail",
			Scope:  "rate",
			Retry:  "slow",
			Cause:  "more messages a second than the workspace may send (2 at first)",
			Remedy: "run setup again with fewer --connections, or ask Emailit for a higher limit",
			Sample: "4.4.5 Messages per second limit exceeded",
			Source: "limits",
		}, Reply{
			ID:     "emailit_daily",
			Code:   452,
			Match:  "(?i)Daily message limit exceeded",
			At:     "mail",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "the number of messages for the day is used up; the count restarts at 00:00 UTC",
			Remedy: "wait, or ask Emailit for a higher limit",
			Sample: "4.5.3 Daily message limit exceeded",
			Source: "limits",
		}},
		Sources: map[string]Source{
			"dns": Source{
				URL:        "https://emailit.com/docs/domains/dns-records/",
				AsOf:       "2026-10-01",
				Checked:    date(2026, 11, 29),
				Confidence: "official",
			},
			"doc": Source{
				URL:        "https://emailit.com/docs/smtp/settings/",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"limits": Source{
				URL:        "https://emailit.com/docs/limits/",
				AsOf:       "2025-10-10",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"relay": Source{
				URL:        "https://emailit.com/docs/smtp.md",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
		},
	}
}

func relayfastmail() Relay {
	return Relay{
		ID:   "fastmail",
		Name: "Fastmail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.fastmail.help/hc/en-us/articles/1500000278342",
		Hosts: Hosts{
			Default: "smtp.fastmail.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Note:   "discouraged",
			Source: "pdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@fastmail.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "app password, 16 letters and digits (the password of the account does not work)",
				Pattern: "^[a-z0-9]{16}$",
				Strip:   " ",
				Example: "a1b2c3d4e5f6g7h8",
				Source:  "pdb",
			},
			Where:  "https://app.fastmail.com/settings/security/apps",
			Source: "ispdb",
		},
		EHLO: EHLO{
			Lacks:  []string{"SMTPUTF8"},
			Source: "files",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "the account, an alias or an address at a domain of the account",
			Source:     "doc",
		},
		DNS: DNS{
			SPF: "include:spf.messagingengine.com",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "fm1._domainkey",
				Value: "fm1.<domain>.dkim.fmhosted.com",
			}, Record{
				Type:  "CNAME",
				Name:  "fm2._domainkey",
				Value: "fm2.<domain>.dkim.fmhosted.com",
			}, Record{
				Type:  "CNAME",
				Name:  "fm3._domainkey",
				Value: "fm3.<domain>.dkim.fmhosted.com",
			}},
			Note:   "for a domain of your own only",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "fastmail_sender",
			Code:   551,
			Match:  "(?i)Not authorised to send from this header address",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "From: is neither the account nor one of its sending identities",
			Remedy: "make the address a sending identity in the settings, or rewrite local senders to the account (--from)",
			Sample: "5.7.1 Not authorised to send from this header address",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://www.fastmail.help/hc/en-us/articles/1500000278342",
				Where:      "server names and ports, undated",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"files": Source{
				Where:      "four public Postfix setups for Fastmail that switch smtputf8_enable off",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/messagingengine.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/fastmail.md",
				AsOf:       "2022-01",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "logs of msmtp and notes in public repositories",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relayforwardemail() Relay {
	return Relay{
		ID:   "forwardemail",
		Name: "Forward Email",
		Tier: 3,
		Docs: "https://forwardemail.net/en/faq",
		Asks: &Note{
			Text:   "a paid plan, a verified domain, and approval of outbound mail",
			Source: "src",
		},
		Hosts: Hosts{
			Default: "smtp.forwardemail.net",
			Source:  "nm",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "nm",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "nm",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "files",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "address of an alias at your domain",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "files",
			},
			Password: Credential{
				Label:   "generated password of the alias",
				Pattern: "^[0-9a-f]{24}$",
				Example: "0123456789abcdef01234567",
				Source:  "files",
			},
			Where:  "https://forwardemail.net/my-account/domains",
			Source: "nm",
		},
		Limits: Limits{
			Connections: 30,
			Source:      "src",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "the alias that logs in, or a catch-all of the domain",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "forwardemail_username",
			Code:   535,
			Match:  "(?i)Invalid username, please enter a valid email address",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the user name is not an address of an alias",
			Remedy: "enter the full address of an alias of your domain",
			Sample: "Invalid username, please enter a valid email address (e.g. \"alias@example.com\")",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_password",
			Code:   535,
			Match:  "(?i)Invalid password, please try again or go to",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the password is not the generated one of this alias",
			Remedy: "generate one under My Account, Domains, Aliases, and run setup again",
			Sample: "Invalid password, please try again or go to https://forwardemail.net/my-account/domains/example.com/aliases",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_txt",
			Code:   535,
			Match:  "(?i)Domain (is missing|has more than one) TXT verification record",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain has no TXT record of Forward Email, or more than one",
			Remedy: "publish the one record that the page of the domain shows, and click Verify",
			Sample: "Domain is missing TXT verification record, go to https://forwardemail.net/my-account/domains/example.com",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_no_password",
			Code:   535,
			Match:  "(?i)Alias does not have a generated password yet",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "no password has been generated for this alias",
			Remedy: "generate one under My Account, Domains, Aliases",
			Sample: "Alias does not have a generated password yet, go to https://forwardemail.net/my-account/domains/example.com/aliases",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_locked",
			Code:   550,
			Match:  "(?i)exceeded the maximum number of failed authentication attempts",
			At:     "auth",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "too many logins from this address have failed",
			Remedy: "correct the password, then wait",
			Sample: "You have exceeded the maximum number of failed authentication attempts. Please try again later",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_not_configured",
			Code:   535,
			Match:  "(?i)Domain is not configured for outbound SMTP",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the DNS records for sending are not verified: this is refused after the login, with each message",
			Remedy: "publish the records that the page Outbound SMTP of the domain shows, and click Verify",
			Sample: "Domain is not configured for outbound SMTP, go to https://forwardemail.net/my-account/domains/example.com/verify-smtp",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_approval",
			Code:   535,
			Match:  "(?i)Domain is pending admin approval for outbound SMTP access",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "a person at Forward Email has not approved the domain for sending yet",
			Remedy: "wait for the approval, usually less than 24 hours, and answer questions by mail",
			Sample: "Domain is pending admin approval for outbound SMTP access.",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_suspended",
			Code:   550,
			Match:  "(?i)Domain is suspended from outbound SMTP access",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "Forward Email has stopped the mail of this domain",
			Remedy: "contact the support",
			Sample: "Domain is suspended from outbound SMTP access, contact us",
			Source: "src",
		}, Reply{
			ID:     "forwardemail_rate",
			Code:   550,
			Match:  "(?i)Rate limit exceeded",
			At:     "data",
			Scope:  "rate",
			Retry:  "wait",
			Cause:  "the messages of the day are used up, by the domain or the user",
			Remedy: "wait, or ask for a higher limit",
			Sample: "Rate limit exceeded",
			Source: "src",
		}},
		Sources: map[string]Source{
			"files": Source{
				Where:      "ten public files with settings for Forward Email, 465, 587 and 2525",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"nm": Source{
				URL:        "https://github.com/nodemailer/nodemailer",
				Where:      "commit 2f667f4, the list of well-known services",
				AsOf:       "2026-08-07",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"src": Source{
				URL:        "https://github.com/forwardemail/forwardemail.net",
				Where:      "the server's own text, commit 0281ac8: helpers/on-auth.js and helpers/smtp/on-data.js",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
		},
	}
}

func relayfree_fr() Relay {
	return Relay{
		ID:   "free-fr",
		Name: "Free (freebox)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://assistance.free.fr/articles/configurer-de-maniere-avancee-mon-logiciel-de-messagerie-609",
		Hosts: Hosts{
			Default: "smtp.free.fr",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "name of the mailbox, the part of the address before the @",
				Pattern: "^[^@\\s:]+$",
				Example: "mailer",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is the full address: the user name is the part before the @",
				Source:  "ispdb",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/free.fr.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaygandi() Relay {
	return Relay{
		ID:   "gandi",
		Name: "Gandi Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/gandi.net.xml",
		Hosts: Hosts{
			Default: "mail.gandi.net",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF:    "include:_mailcust.gandi.net",
			Source: "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/gandi.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaygmx() Relay {
	return Relay{
		ID:   "gmx",
		Name: "GMX",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://hilfe.gmx.net/pop-imap/imap/imap-serverdaten.html",
		Asks: &Note{
			Text:   "POP3 and IMAP access switched on in the settings of the mailbox",
			Source: "ispdb",
		},
		Hosts: Hosts{
			Default: "mail.gmx.net",
			Named: map[string]string{
				"com": "mail.gmx.com",
				"net": "mail.gmx.net",
			},
			Source: "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@gmx.net",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox; with two-factor login an app password",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "gmx_later",
			Code:   550,
			Match:  "(?i)Failure sending mail\\. Try again later",
			Last:   "(?i)Failure sending mail\\. Try again later",
			At:     "rcpt",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "GMX refuses mail for now; no source says why, and too much mail or suspected spam is likely",
			Remedy: "send less, look into the mailbox for a notice, and wait",
			Sample: "Requested action not taken: mailbox unavailable 550 Failure sending mail. Try again later",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/gmx.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				URL:        "https://github.com/jstedfast/MailKit/issues/968",
				Where:      "log of a session with the server of GMX",
				AsOf:       "2019-12-24",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relaygodaddy() Relay {
	return Relay{
		ID:   "godaddy",
		Name: "GoDaddy Workspace Email",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/wildwestdomains.com.xml",
		Hosts: Hosts{
			Default: "smtpout.secureserver.net",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/wildwestdomains.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayhetzner_mail() Relay {
	return Relay{
		ID:   "hetzner-mail",
		Name: "Hetzner webhosting mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/hetzner.de.xml",
		Hosts: Hosts{
			Default: "mail.your-server.de",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/hetzner.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayhostinger() Relay {
	return Relay{
		ID:   "hostinger",
		Name: "Hostinger Email",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://support.hostinger.com/",
		Hosts: Hosts{
			Default: "smtp.hostinger.com",
			Source:  "files",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "files",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "files",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "files",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "files",
			},
			Source: "files",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF:    "include:_spf.mail.hostinger.com",
			Source: "recalled",
		},
		Sources: map[string]Source{
			"files": Source{
				Where:      "ten public files with settings for Hostinger, 465 and 587",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayicloud() Relay {
	return Relay{
		ID:   "icloud",
		Name: "iCloud Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://support.apple.com/HT202304",
		Hosts: Hosts{
			Default: "smtp.mail.me.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@icloud.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "app-specific password (xxxx-xxxx-xxxx-xxxx); the password of the Apple account does not work",
				Pattern: "^([a-z]{4}-){3}[a-z]{4}$",
				Example: "abcd-efgh-ijkl-mnop",
				Source:  "pdb",
			},
			Where:  "https://account.apple.com/account/manage",
			Source: "ispdb",
		},
		Limits: Limits{
			MessageBytes:     20971520,
			Recipients:       500,
			PerDay:           1000,
			RecipientsPerDay: 1000,
			Source:           "apple",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "the iCloud address, an alias, or an address at a custom domain of iCloud+",
			Source:     "pdb",
		},
		DNS: DNS{
			SPF: "include:icloud.com",
			DKIM: []Record{Record{
				Type: "CNAME",
				Name: "sig1._domainkey",
			}},
			Note:   "for a custom domain of iCloud+ only",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "icloud_sender",
			Code:   550,
			Match:  "(?i)From address is not one of your addresses",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not an address of the account that logged in",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "5.7.0 From address is not one of your addresses",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"apple": Source{
				URL:        "https://support.apple.com/en-ca/102198",
				Where:      "mailbox size and message sending limits, undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/me.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/icloud.md",
				AsOf:       "2024-10",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in public repositories, one with a line of Postfix's log: in reply to MAIL FROM",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relayinfobip() Relay {
	return Relay{
		ID:   "infobip",
		Name: "Infobip Email",
		Tier: 3,
		Docs: "https://www.infobip.com/docs/email/email-over-api/send-email-over-smtp-api.md",
		Asks: &Note{
			Text:   "a verified domain",
			Source: "recalled",
		},
		HTTPS: &Note{
			Text:   "HTTP API",
			Source: "doc",
		},
		Hosts: Hosts{
			Default: "smtp.infobip.com",
			Source:  "doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"LOGIN", "PLAIN"},
			Username: Credential{
				Label:   "user name of the account, or App for an API key",
				Pattern: "^[^\\s:]+$",
				Example: "App",
				Source:  "recalled",
			},
			Password: Credential{
				Label:   "password of the account, or an API key",
				Pattern: "^\\S{8,}$",
				Example: "0123456789abcdef0123456789abcdef-01234567-89ab-cdef-0123-456789abcdef",
				Source:  "doc",
			},
			Source: "doc",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://www.infobip.com/docs/email/email-over-api/send-email-over-smtp-api.md",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayinfomaniak() Relay {
	return Relay{
		ID:   "infomaniak",
		Name: "Infomaniak Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.infomaniak.com/en/support",
		Hosts: Hosts{
			Default: "mail.infomaniak.com",
			Source:  "nm",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "nm",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "files",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "nm",
			},
			Password: Credential{
				Label:   "app password of the mailbox, or its password",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "files",
			},
			Source: "nm",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"files": Source{
				Where:      "ten public files with settings for Infomaniak, 465 and 587",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"nm": Source{
				URL:        "https://github.com/nodemailer/nodemailer",
				Where:      "commit 2f667f4, the list of well-known services",
				AsOf:       "2026-08-07",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayionos() Relay {
	return Relay{
		ID:   "ionos",
		Name: "IONOS Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://hilfe-center.1und1.de/e-mail-einstellungen",
		Hosts: Hosts{
			Default: "smtp.ionos.de",
			Named: map[string]string{
				"com": "smtp.ionos.com",
				"de":  "smtp.ionos.de",
			},
			Old:    []string{"smtp.1und1.de"},
			Source: "files",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "ionos_sender",
			Code:   550,
			Match:  "(?i)Sender address is not allowed",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the mailbox that logged in",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "Sender address is not allowed",
			Source: "replies",
		}, Reply{
			ID:     "ionos_sender_dns",
			Code:   550,
			Match:  "(?i)invalid DNS MX or A/AAAA resource record",
			Last:   "(?i)invalid DNS MX or A/AAAA resource record",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain of the sender has neither an MX nor an address in DNS, as that of a host name often has",
			Remedy: "rewrite local senders to the mailbox (--from)",
			Sample: "Requested action not taken: mailbox unavailable 550 invalid DNS MX or A/AAAA resource record",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"files": Source{
				Where:      "public files with settings for smtp.ionos.de and smtp.ionos.com; the ISPDB and nodemailer name smtp.1und1.de with the same ports",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/1und1.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in public repositories",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relaykpn() Relay {
	return Relay{
		ID:   "kpn",
		Name: "KPN Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.kpn.com/service/internet/e-mail/instellen-laptop-pc.htm",
		Hosts: Hosts{
			Default: "smtp.kpnmail.nl",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@kpnmail.nl",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/kpnmail.nl.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaylaposte() Relay {
	return Relay{
		ID:   "laposte",
		Name: "La Poste",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/laposte.net.xml",
		Hosts: Hosts{
			Default: "smtp.laposte.net",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "name of the mailbox, the part of the address before the @",
				Pattern: "^[^@\\s:]+$",
				Example: "mailer",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is the full address: the user name is the part before the @",
				Source:  "ispdb",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/laposte.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaylettermint() Relay {
	return Relay{
		ID:   "lettermint",
		Name: "Lettermint",
		Tier: 3,
		Docs: "https://lettermint.co/docs/guides/send-email-with-smtp",
		Asks: &Note{
			Text:   "SMTP switched on in the project, and a verified domain",
			Source: "files",
		},
		HTTPS: &Note{
			Text:   "Sending API, the same token, JSON",
			Source: "api",
		},
		Notes: []Note{Note{
			Text:   "the header X-Lettermint-Route picks the route",
			Source: "files",
		}},
		Hosts: Hosts{
			Default: "smtp.lettermint.co",
			Source:  "files",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "files",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "files",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word lettermint",
				Pattern: "^lettermint$",
				Fixed:   "lettermint",
				Example: "lettermint",
				Source:  "files",
			},
			Password: Credential{
				Label:   "API token of the project (lm_...)",
				Pattern: "^lm_[A-Za-z0-9_-]{4,}$",
				Example: "lm_a1B2c3D4e5F6g7H8i9J0",
				Source:  "pypi",
			},
			Where: "https://dash.lettermint.co/projects",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^lm_team_.*$",
				Message: "this is the token of the team: SMTP wants the token of the project (lm_...)",
				Refuse:  true,
				Source:  "pypi",
			}},
			Source: "files",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "files",
		},
		API: &API{
			Replies: []APIReply{APIReply{
				ID:     "lettermint_api_token",
				Status: 401,
				Reply:  "451 4.7.8",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the API does not accept the token",
				Remedy: "copy the Sending API token of the project (lm_...) and give it to setup",
				Sample: "401 Unauthenticated.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "lettermint_api_domain",
				Status: 422,
				Match:  "(?i)domain|from",
				Reply:  "451 4.7.1",
				Scope:  "account",
				Retry:  "fix",
				Cause:  "the domain of the sender is not verified in the project",
				Remedy: "verify the domain at the relay, or send from an address that is verified (--from)",
				Sample: "422 The from field must be an address at a verified domain.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "lettermint_api_address",
				Status: 422,
				Match:  "(?i)valid email address",
				Reply:  "550 5.1.3",
				Scope:  "recipient",
				Retry:  "fix",
				Cause:  "an address is not valid",
				Remedy: "correct the address; this message is returned to its sender",
				Sample: "422 The to.0 field must be a valid email address.",
				Source: "unsure-api",
			}, APIReply{
				ID:     "lettermint_api_rate",
				Status: 429,
				Reply:  "451 4.7.28",
				Scope:  "rate",
				Retry:  "slow",
				Cause:  "more requests than the account may make in this time",
				Remedy: "nothing, if it passes; otherwise set up fewer connections, or ask the relay for a higher limit",
				Sample: "429 Too Many Attempts.",
				Source: "unsure-api",
			}},
		},
		Sources: map[string]Source{
			"api": Source{
				URL:        "https://lettermint.co/docs/api-reference/sending/send",
				Where:      "Sending API, Send an email",
				AsOf:       "2026",
				Checked:    date(2026, 11, 29),
				Confidence: "official",
			},
			"files": Source{
				Where:      "plug-ins for Symfony, Django, Odoo and Rails that use it",
				AsOf:       "2025 to 2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pypi": Source{
				URL:        "https://pypi.org/project/lettermint/",
				Where:      "3.1.0, the service's own client: kinds of tokens",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"unsure-api": Source{
				Where:      "the API's reference has no page of errors: texts as its framework words them",
				Checked:    date(2026, 11, 29),
				Confidence: "unsure",
			},
		},
	}
}

func relaylibero() Relay {
	return Relay{
		ID:   "libero",
		Name: "Libero Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/libero.it.xml",
		Hosts: Hosts{
			Default: "smtp.libero.it",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@libero.it",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/libero.it.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaymail_com() Relay {
	return Relay{
		ID:   "mail-com",
		Name: "mail.com",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/mail.com.xml",
		Asks: &Note{
			Text:   "POP3 and IMAP access switched on, which is for paying customers",
			Source: "pdb",
		},
		Hosts: Hosts{
			Default: "smtp.mail.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@mail.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/mail.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "_providers/mail.com.md",
				AsOf:       "2024-03",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaymailru() Relay {
	return Relay{
		ID:   "mailru",
		Name: "Mail.ru",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/mail.ru.xml",
		Hosts: Hosts{
			Default: "smtp.mail.ru",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@mail.ru",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password for external applications (not that of the account)",
				Pattern: "^[A-Za-z0-9]{16,}$",
				Example: "a1B2c3D4e5F6g7H8i9J0",
				Source:  "pdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "mailru_app_password",
			Code:   535,
			Match:  "(?i)(NEOBHODIM parol prilozheniya|Application password is REQUIRED)",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the password of the account in place of one for external applications",
			Remedy: "make one at https://help.mail.ru/mail/security/protection/external and enter it",
			Sample: "5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED",
			Source: "replies",
		}, Reply{
			ID:     "mailru_sender",
			Code:   550,
			Match:  "(?i)not local sender over smtp",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the account that logged in",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "not local sender over smtp",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/mail.ru.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/mail.ru.md",
				AsOf:       "2021-07",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in public repositories",
				AsOf:       "2025 or later",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relaymailboxorg() Relay {
	return Relay{
		ID:   "mailboxorg",
		Name: "mailbox.org",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://kb.mailbox.org/",
		Hosts: Hosts{
			Default: "smtp.mailbox.org",
			Source:  "pdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "pdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "pdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@mailbox.org",
				Source:  "pdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "pdb",
			},
			Source: "pdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:mailbox.org",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "MBO0001._domainkey",
				Value: "MBO0001._domainkey.mailbox.org",
			}},
			Note:   "for a domain of your own only",
			Source: "recalled",
		},
		Sources: map[string]Source{
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/mailbox.org.md",
				AsOf:       "2019-03",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaymailchannels() Relay {
	return Relay{
		ID:   "mailchannels",
		Name: "MailChannels Outbound",
		Tier: 3,
		Docs: "https://support.mailchannels.com/hc/en-us/articles/37565557434893-MailChannels-Advanced-Exim-Configuration-Guide",
		Asks: &Note{
			Text:   "a TXT record _mailchannels of the sender's domain that names the account (domain lockdown)",
			Source: "recalled",
		},
		HTTPS: &Note{
			Text:   "Email API, JSON",
			Source: "recalled",
		},
		Hosts: Hosts{
			Default: "smtp.mailchannels.net",
			Source:  "files",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "files",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "files",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "SMTP user name of the account",
				Pattern: "^[^\\s:]+$",
				Example: "examplehost",
				Source:  "doc",
			},
			Password: Credential{
				Label:   "SMTP password of the account",
				Pattern: "^\\S{6,}$",
				Example: "a1B2c3D4e5F6g7H8i9J0k1L2",
				Source:  "doc",
			},
			Source: "files",
		},
		Sender: Sender{
			Rule:       "any",
			NullSender: "unknown",
			Domain:     "needed",
			Note:       "any domain that its _mailchannels record allows",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF:    "include:relay.mailchannels.net",
			Source: "recalled",
		},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://support.mailchannels.com/hc/en-us/articles/37565557434893-MailChannels-Advanced-Exim-Configuration-Guide",
				Where:      "guide for Exim, undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"files": Source{
				Where:      "public files that use it: 587 and 25; most are hosts with cPanel",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaymaileroo() Relay {
	return Relay{
		ID:   "maileroo",
		Name: "Maileroo",
		Tier: 3,
		Docs: "https://maileroo.com/api-documentation/smtp-details",
		Free: &Free{
			Messages: 3000,
			Per:      "month",
			Source:   "recalled",
		},
		Asks: &Note{
			Text:   "a verified domain and an SMTP account made for it",
			Source: "api",
		},
		HTTPS: &Note{
			Text:   "Email API, JSON",
			Source: "api",
		},
		Notes: []Note{Note{
			Text:   "plain connections are accepted as well: TLS must be forced, as setup does",
			Source: "doc",
		}, Note{
			Text:   "smtp.sandbox.maileroo.io captures mail and delivers none: it is not offered here",
			Source: "api",
		}},
		Hosts: Hosts{
			Default: "smtp.maileroo.com",
			Source:  "doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "doc",
		}, Port{
			Port:   2525,
			TLS:    "starttls",
			Source: "doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "address of the SMTP account",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "recalled",
			},
			Password: Credential{
				Label:   "generated password of the SMTP account",
				Pattern: "^\\S{8,}$",
				Example: "a1b2c3d4e5f6a7b8",
				Source:  "api",
			},
			Where: "https://app.maileroo.com/domains",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^roo_.*$",
				Message: "this is a key of the HTTP API: make an SMTP account of the domain",
				Refuse:  true,
				Source:  "api",
			}},
			Source: "doc",
		},
		Limits: Limits{
			MessageBytes: 25165824,
			Source:       "doc",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at the domain of the SMTP account",
			Source:     "doc",
		},
		Sources: map[string]Source{
			"api": Source{
				URL:        "https://maileroo.com/docs/",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"doc": Source{
				URL:        "https://maileroo.com/api-documentation/smtp-details",
				Where:      "undated copy",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaymigadu() Relay {
	return Relay{
		ID:   "migadu",
		Name: "Migadu",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.migadu.com/",
		Hosts: Hosts{
			Default: "smtp.migadu.com",
			Source:  "pdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "pdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "pdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "pdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "pdb",
			},
			Source: "pdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "any address at a domain of the account that the mailbox may send as",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:spf.migadu.com",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "key1._domainkey",
				Value: "key1.<domain>._domainkey.migadu.com",
			}, Record{
				Type:  "CNAME",
				Name:  "key2._domainkey",
				Value: "key2.<domain>._domainkey.migadu.com",
			}, Record{
				Type:  "CNAME",
				Name:  "key3._domainkey",
				Value: "key3.<domain>._domainkey.migadu.com",
			}},
			Source: "recalled",
		},
		Sources: map[string]Source{
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/migadu.md",
				AsOf:       "2024-09",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaynetease() Relay {
	return Relay{
		ID:   "netease",
		Name: "NetEase 163 Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/163.com.xml",
		Asks: &Note{
			Text:   "POP3/SMTP/IMAP switched on in the settings",
			Source: "pdb",
		},
		Hosts: Hosts{
			Default: "smtp.163.com",
			Named: map[string]string{
				"m126": "smtp.126.com",
				"m163": "smtp.163.com",
				"yeah": "smtp.yeah.net",
			},
			Source: "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@163.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "client authorisation code, 16 letters (not the password of the account)",
				Pattern: "^[A-Za-z0-9]{16}$",
				Example: "ABCDEFGHIJKLMNOP",
				Source:  "pdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "netease_sender",
			Code:   553,
			Match:  "(?i)mail from must equal authorized user",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the account that logged in",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "Mail from must equal authorized user",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/163.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/163.md",
				AsOf:       "2024-11",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in many public repositories, one with a transcript of a refused sender",
				AsOf:       "2025 or later",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relayo2_pl() Relay {
	return Relay{
		ID:   "o2-pl",
		Name: "o2 Poczta (Poland)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://pomoc.o2.pl/jak-skonfigurowac-program-pocztowy",
		Asks: &Note{
			Text:   "access by mail programs switched on in the settings",
			Source: "ispdb",
		},
		Hosts: Hosts{
			Default: "poczta.o2.pl",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "name of the mailbox, the part of the address before the @",
				Pattern: "^[^@\\s:]+$",
				Example: "mailer",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is the full address: the user name is the part before the @",
				Source:  "ispdb",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/o2.pl.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayonecom() Relay {
	return Relay{
		ID:   "onecom",
		Name: "one.com Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/one.com.xml",
		Hosts: Hosts{
			Default: "send.one.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/one.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayonet() Relay {
	return Relay{
		ID:   "onet",
		Name: "Onet Poczta",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://pomoc.poczta.onet.pl/baza-wiedzy/konfiguracja-poczty-w-programie-mozilla-thunderbird/",
		Hosts: Hosts{
			Default: "smtp.poczta.onet.pl",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@onet.pl",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/onet.pl.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayorange() Relay {
	return Relay{
		ID:   "orange",
		Name: "Orange (France)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://assistance.orange.fr/ordinateurs-peripheriques/installer-et-utiliser/l-utilisation-du-mail-et-du-cloud/mail-orange/le-mail-orange-nouvelle-version/parametrer-la-boite-mail/mail-orange-comment-acceder-a-sa-boite-mail-orange-depuis-une-application-ou-un-logiciel-de-messagerie-non-fourni-par-orange_434630-964290#",
		Hosts: Hosts{
			Default: "smtp.orange.fr",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@orange.fr",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/orange.fr.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayoutlook() Relay {
	return Relay{
		ID:   "outlook",
		Name: "Outlook.com and Hotmail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://support.office.com/article/pop-imap-and-smtp-settings-for-outlook-com-d088b986-291d-42b8-9564-9c414e2aa040",
		Notes: []Note{Note{
			Text:   "passwords, app passwords too, have not worked since 2024-09-16",
			Source: "ms",
		}},
		Hosts: Hosts{
			Default: "smtp-mail.outlook.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"XOAUTH2"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@outlook.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "none: OAuth alone",
				Pattern: "^.+$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/hotmail.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ms": Source{
				Where:      "Microsoft ended password logins of Outlook.com and Hotmail on 2024-09-16; restated by several public pages",
				AsOf:       "2024-09-16",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayplunk() Relay {
	return Relay{
		ID:   "plunk",
		Name: "Plunk",
		Tier: 3,
		Docs: "https://docs.useplunk.com/getting-started/smtp",
		Asks: &Note{
			Text:   "a verified domain",
			Source: "doc",
		},
		HTTPS: &Note{
			Text:   "HTTP API, POST /v1/send, JSON",
			Source: "doc",
		},
		Hosts: Hosts{
			Default: "next-smtp.useplunk.com",
			Old:     []string{"smtp.useplunk.com"},
			Source:  "files",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "doc",
		}, Port{
			Port:   2587,
			TLS:    "starttls",
			Source: "files",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "doc",
		}},
		Order: []int{587, 2587, 465},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word plunk",
				Pattern: "^plunk$",
				Fixed:   "plunk",
				Example: "plunk",
				Source:  "doc",
			},
			Password: Credential{
				Label:   "secret API key (sk_...)",
				Pattern: "^sk_[A-Za-z0-9]{8,}$",
				Example: "sk_a1b2c3d4e5f6a7b8c9d0",
				Source:  "doc",
			},
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^pk_.*$",
				Message: "this is the public key: SMTP wants the secret one (sk_...)",
				Refuse:  true,
				Source:  "recalled",
			}},
			Source: "doc",
		},
		Limits: Limits{
			MessageBytes: 10485760,
			Recipients:   5,
			Notes: []Note{Note{
				Text:   "both are the defaults of its server",
				Source: "src",
			}},
			Source: "src",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "doc",
		},
		Replies: []Reply{Reply{
			ID:     "plunk_key",
			Code:   535,
			Match:  "(?i)Invalid API key",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "this is not the secret key of a project",
			Remedy: "copy the secret key (sk_...) from the project settings",
			Sample: "Invalid API key",
			Source: "src",
		}, Reply{
			ID:     "plunk_username",
			Code:   535,
			Match:  "(?i)Invalid username",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the user name is not the word plunk",
			Remedy: "run setup again: it knows the user name",
			Sample: "Invalid username",
			Source: "src",
		}, Reply{
			ID:     "plunk_domain",
			Code:   550,
			Match:  "(?i)Sender domain is not verified or not associated with your account",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the domain of the sender is not verified in this project",
			Remedy: "verify the domain in the dashboard, or send from a verified one (--from)",
			Sample: "Sender domain is not verified or not associated with your account",
			Source: "src",
		}, Reply{
			ID:     "plunk_recipients",
			Code:   550,
			Match:  "(?i)Maximum [0-9]+ recipients allowed",
			At:     "rcpt",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the message has more recipients than Plunk accepts at once",
			Remedy: "run setup again: it sets the limit",
			Sample: "Maximum 5 recipients allowed",
			Source: "src",
		}, Reply{
			ID:     "plunk_incomplete",
			Code:   450,
			Match:  "(?i)Email must have a (subject|body)",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "Plunk rejects a message without a subject or without a text",
			Remedy: "give it both: Postfix tries the message again until it is returned",
			Sample: "Email must have a subject",
			Source: "src",
		}, Reply{
			ID:     "plunk_api",
			Code:   450,
			Match:  "(?i)Failed to (send email|relay email to API)",
			At:     "data",
			Scope:  "service",
			Retry:  "wait",
			Cause:  "the API behind the SMTP server did not take the message",
			Remedy: "look into the dashboard: the text after the colon says why",
			Sample: "Failed to send email: Bad Request",
			Source: "src",
		}},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://docs.useplunk.com/getting-started/smtp",
				Where:      "undated copy, for the host smtp.useplunk.com",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"files": Source{
				Where:      "public files with settings for next-smtp.useplunk.com",
				AsOf:       "2026-10",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"src": Source{
				URL:        "https://github.com/useplunk/plunk",
				Where:      "the server's own text, commit 73d0d5a: apps/smtp/src/server.ts; codes are those of its library, nodemailer/smtp-server",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
		},
	}
}

func relaypobox() Relay {
	return Relay{
		ID:   "pobox",
		Name: "Pobox",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/pobox.com.xml",
		Hosts: Hosts{
			Default: "smtp.pobox.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@pobox.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/pobox.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayposteo() Relay {
	return Relay{
		ID:   "posteo",
		Name: "Posteo",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://posteo.de/hilfe/wie-richte-ich-posteo-in-einem-mailprogramm-ein-pop3-imap-und-smtp",
		Notes: []Note{Note{
			Text:   "no domains of your own",
			Source: "recalled",
		}},
		Hosts: Hosts{
			Default: "posteo.de",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@posteo.de",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/posteo.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayproton() Relay {
	return Relay{
		ID:   "proton",
		Name: "Proton Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://proton.me/support/smtp-submission",
		Asks: &Note{
			Text:   "a Business, Visionary or Family plan with a domain of your own, and a token for the address",
			Source: "doc",
		},
		Notes: []Note{Note{
			Text:   "mail sent this way is not end-to-end encrypted",
			Source: "doc",
		}},
		Hosts: Hosts{
			Default: "smtp.protonmail.ch",
			Source:  "doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "doc",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "address at your own domain that the token was made for",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "doc",
			},
			Password: Credential{
				Label:   "SMTP token of that address",
				Pattern: "^[A-Z0-9]{16}$",
				Example: "ABCD1234EFGH5678",
				Source:  "recalled",
			},
			Where:  "https://account.proton.me/mail/imap-smtp",
			Source: "doc",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the address of the token",
			Source:     "doc",
		},
		DNS: DNS{
			SPF: "include:_spf.protonmail.ch",
			DKIM: []Record{Record{
				Type: "CNAME",
				Name: "protonmail._domainkey",
			}, Record{
				Type: "CNAME",
				Name: "protonmail2._domainkey",
			}, Record{
				Type: "CNAME",
				Name: "protonmail3._domainkey",
			}},
			Source: "recalled",
		},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://proton.me/support/smtp-submission",
				Where:      "read as a mirror, undated",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayproximus() Relay {
	return Relay{
		ID:   "proximus",
		Name: "Proximus Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/skynet.be.xml",
		Hosts: Hosts{
			Default: "relay.proximus.be",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@proximus.be",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/skynet.be.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaypurelymail() Relay {
	return Relay{
		ID:   "purelymail",
		Name: "Purelymail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://purelymail.com/docs/",
		Hosts: Hosts{
			Default: "smtp.purelymail.com",
			Source:  "files",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "files",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "files",
			},
			Password: Credential{
				Label:   "password of the mailbox; with two-factor login an app password",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "recalled",
			},
			Source: "files",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		DNS: DNS{
			SPF: "include:_spf.purelymail.com",
			DKIM: []Record{Record{
				Type:  "CNAME",
				Name:  "purelymail1._domainkey",
				Value: "key1.dkimroot.purelymail.com",
			}, Record{
				Type:  "CNAME",
				Name:  "purelymail2._domainkey",
				Value: "key2.dkimroot.purelymail.com",
			}, Record{
				Type:  "CNAME",
				Name:  "purelymail3._domainkey",
				Value: "key3.dkimroot.purelymail.com",
			}},
			Note:   "for a domain of your own only",
			Source: "recalled",
		},
		Sources: map[string]Source{
			"files": Source{
				Where:      "public files with settings for Purelymail and Received headers of its mail",
				AsOf:       "2026-07-16",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayqq() Relay {
	return Relay{
		ID:   "qq",
		Name: "QQ Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/qq.com.xml",
		Asks: &Note{
			Text:   "IMAP/SMTP switched on in the settings",
			Source: "pdb",
		},
		Hosts: Hosts{
			Default: "smtp.qq.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@qq.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "authorisation code, 16 letters (not the password of the account)",
				Pattern: "^[a-z]{16}$",
				Example: "abcdefghijklmnop",
				Source:  "pdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "qq_sender",
			Code:   501,
			Match:  "(?i)mail from address must be same as authorization user",
			At:     "mail",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the account that logged in",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "Mail from address must be same as authorization user",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/qq.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"pdb": Source{
				URL:        "https://github.com/chatmail/provider-db",
				Where:      "commit ad097ee, _providers/qq.md",
				AsOf:       "2021-06",
				Checked:    date(2026, 11, 28),
				Confidence: "secondary",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in many public repositories",
				AsOf:       "2026-09",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relayrackspace() Relay {
	return Relay{
		ID:   "rackspace",
		Name: "Rackspace Email",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/emailsrvr.com.xml",
		Hosts: Hosts{
			Default: "secure.emailsrvr.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/emailsrvr.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaysapo() Relay {
	return Relay{
		ID:   "sapo",
		Name: "SAPO Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://ajuda.sapo.pt/configurar-programa-de-email-70015",
		Hosts: Hosts{
			Default: "smtp.sapo.pt",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@sapo.pt",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/sapo.pt.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayseznam() Relay {
	return Relay{
		ID:   "seznam",
		Name: "Seznam Email",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/seznam.cz.xml",
		Hosts: Hosts{
			Default: "smtp.seznam.cz",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@seznam.cz",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/seznam.cz.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaysfr() Relay {
	return Relay{
		ID:   "sfr",
		Name: "SFR",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/sfr.fr.xml",
		Hosts: Hosts{
			Default: "smtp.sfr.fr",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@sfr.fr",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/sfr.fr.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaysky() Relay {
	return Relay{
		ID:   "sky",
		Name: "Sky Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/sky.com.xml",
		Hosts: Hosts{
			Default: "smtp.tools.sky.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@sky.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/sky.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaystrato() Relay {
	return Relay{
		ID:   "strato",
		Name: "STRATO Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.strato.de/faq/mail/externes-e-mail-programm-mit-strato-e-mail-adresse-nutzen/",
		Hosts: Hosts{
			Default: "smtp.strato.de",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/strato.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaysweego() Relay {
	return Relay{
		ID:   "sweego",
		Name: "Sweego",
		Tier: 3,
		Docs: "https://learn.sweego.io/",
		Asks: &Note{
			Text:   "a verified domain",
			Source: "recalled",
		},
		HTTPS: &Note{
			Text:   "HTTP API with the header Api-Key, JSON",
			Source: "files",
		},
		Hosts: Hosts{
			Default: "smtp.sweego.io",
			Source:  "files",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "files",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "files",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "SMTP user of the account",
				Pattern: "^[^\\s:]+$",
				Example: "mailer-user",
				Source:  "files",
			},
			Password: Credential{
				Label:   "SMTP password of the account",
				Pattern: "^\\S{8,}$",
				Example: "Correct-Horse-7",
				Source:  "files",
			},
			Where:  "https://app.sweego.io",
			Source: "files",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"files": Source{
				Where:      "public files that use it, one of them a bridge of Symfony's mailer: 587, and 465 in a test",
				AsOf:       "2024 to 2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayt_online() Relay {
	return Relay{
		ID:   "t-online",
		Name: "T-Online",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.telekom.de/hilfe/apps-dienste/e-mail/einstellungen/posteingang-postausgang-server",
		Asks: &Note{
			Text:   "an e-mail password set in the customer centre: the password of the login does not work here",
			Source: "ispdb",
		},
		Hosts: Hosts{
			Default: "securesmtp.t-online.de",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@t-online.de",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "the e-mail password, which is not the password of the customer login",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/t-online.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaytelstra() Relay {
	return Relay{
		ID:   "telstra",
		Name: "Telstra Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.telstra.com.au/support/category/email/telstra-mail/recommended-email-settings-for-telstra-mail",
		Hosts: Hosts{
			Default: "smtp.telstra.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@telstra.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/bigpond.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaytencent() Relay {
	return Relay{
		ID:   "tencent",
		Name: "Tencent Cloud SES",
		Tier: 3,
		Docs: "https://www.tencentcloud.com/document/product/1084/44458",
		Asks: &Note{
			Text:   "a verified sender domain, and an SMTP password set for the sender address",
			Source: "guide",
		},
		HTTPS: &Note{
			Text:   "API 3.0, SendEmail",
			Source: "guide",
		},
		Notes: []Note{Note{
			Text:   "port 25 is switched off for now",
			Source: "hosts",
		}},
		Hosts: Hosts{
			Default: "smtp.qcloudmail.com",
			Named: map[string]string{
				"guangzhou": "gz-smtp.qcloudmail.com",
				"hongkong":  "smtp.qcloudmail.com",
				"singapore": "sg-smtp.qcloudmail.com",
			},
			Source: "hosts",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "hosts",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the sender address",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@mail.example.com",
				Source:  "guide",
			},
			Password: Credential{
				Label:   "SMTP password set for that address",
				Pattern: "^\\S{6,64}$",
				Example: "CorrectHorse77",
				Source:  "guide",
			},
			Where: "https://console.tencentcloud.com/ses/address",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^(AKID|IKID)[A-Za-z0-9]{20,}$",
				Message: "this is the id of an API key: the user name is the sender address",
				Refuse:  true,
				Source:  "recalled",
			}},
			Source: "recalled",
		},
		Limits: Limits{
			RatePerSecond: 20,
			Notes: []Note{Note{
				Text:   "10 messages an hour from one sender to one recipient",
				Source: "guide",
			}},
			Source: "guide",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the address that logs in",
			Source:     "guide",
		},
		DNS: DNS{
			Note:   "MX, SPF, DKIM and DMARC as the console shows them",
			Source: "guide",
		},
		Replies: []Reply{Reply{
			ID:     "tencent_sender",
			Code:   554,
			Match:  "NotAuthenticatedSender",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "From is not a sender address of the account, or has not the form that Tencent wants",
			Remedy: "create the sender address in the console, and run setup with --from that address",
			Sample: "5.0.0 Error: transaction failed, blame it on the weather: ##SES-response-json: ... FailedOperation.NotAuthenticatedSender",
			Source: "issues",
		}},
		Sources: map[string]Source{
			"guide": Source{
				URL:        "https://www.tencentcloud.com/pt/document/product/1084/44458",
				AsOf:       "2026-01-22",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"hosts": Source{
				URL:        "https://www.tencentcloud.com/pt/document/product/1084/44457",
				AsOf:       "2024-01-02",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"issues": Source{
				URL:        "https://github.com/songquanpeng/one-api/issues/1630",
				Where:      "also QuantumNous/new-api 1347",
				AsOf:       "2024-07-09 to 2025-10-29",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaytim() Relay {
	return Relay{
		ID:   "tim",
		Name: "TIM Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.tim.it/assistenza/assistenza-tecnica/mail/configurazione/protocolli-posta",
		Hosts: Hosts{
			Default: "smtp.tim.it",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@tim.it",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/tim.it.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayuol() Relay {
	return Relay{
		ID:   "uol",
		Name: "UOL Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://sac.uol.com.br/info/primeiros_passos/config_mozillathunderbird.jhtm",
		Hosts: Hosts{
			Default: "smtps.uol.com.br",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "name of the mailbox, the part of the address before the @",
				Pattern: "^[^@\\s:]+$",
				Example: "mailer",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is the full address: the user name is the part before the @",
				Source:  "ispdb",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/uol.com.br.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayusesend() Relay {
	return Relay{
		ID:   "usesend",
		Name: "useSend",
		Tier: 3,
		Docs: "https://docs.usesend.com/get-started/smtp",
		Asks: &Note{
			Text:   "a verified domain",
			Source: "doc",
		},
		HTTPS: &Note{
			Text:   "HTTP API with the same key, JSON",
			Source: "doc",
		},
		Notes: []Note{Note{
			Text:   "a login succeeds with any key: a wrong one shows with the first message",
			Source: "src",
		}, Note{
			Text:   "an instance of your own has its own host name: use --smarthost",
			Source: "doc",
		}},
		Hosts: Hosts{
			Default: "smtp.usesend.com",
			Source:  "doc",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "src",
		}, Port{
			Port:   465,
			TLS:    "implicit",
			Source: "src",
		}, Port{
			Port:   2587,
			TLS:    "starttls",
			Source: "src",
		}, Port{
			Port:   2465,
			TLS:    "implicit",
			Source: "src",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "the word usesend",
				Pattern: "^usesend$",
				Fixed:   "usesend",
				Example: "usesend",
				Source:  "doc",
			},
			Password: Credential{
				Label:   "API key (us_...)",
				Pattern: "^us_[A-Za-z0-9_]{3,}$",
				Example: "us_a1b2c3d4e5_0123456789abcdef",
				Source:  "doc",
			},
			Where: "https://app.usesend.com/dev-settings/api-keys",
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^us_.*$",
				Message: "this is the API key: it is the password, and the user name is the word usesend",
				Refuse:  true,
				Source:  "doc",
			}},
			Source: "doc",
		},
		Limits: Limits{
			MessageBytes: 10485760,
			Source:       "src",
		},
		Sender: Sender{
			Rule:       "verified",
			NullSender: "unknown",
			Note:       "an address at a verified domain",
			Source:     "doc",
		},
		Replies: []Reply{Reply{
			ID:     "usesend_login",
			Code:   535,
			Match:  "(?i)Invalid username or password",
			At:     "auth",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the user name is not the word usesend",
			Remedy: "run setup again: it knows the user name",
			Sample: "Invalid username or password",
			Source: "src",
		}, Reply{
			ID:     "usesend_api",
			Code:   450,
			Match:  "(?i)Failed to send email:",
			At:     "data",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the API behind the SMTP server refused the message: the key is wrong, the domain not verified, or a limit reached",
			Remedy: "read the text after the colon; the key is checked only then, not at the login",
			Sample: "Failed to send email: Failed to send email: Unauthorized",
			Source: "src",
		}},
		Sources: map[string]Source{
			"doc": Source{
				URL:        "https://docs.usesend.com/get-started/smtp",
				Where:      "also usesend/usesend commit 68b5a07",
				AsOf:       "2026-07-23",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
			"src": Source{
				URL:        "https://github.com/usesend/useSend",
				Where:      "the server's own text, commit 2d31bab: apps/smtp-server/src/server.ts; codes are those of its library, nodemailer/smtp-server",
				Checked:    date(2026, 11, 28),
				Confidence: "official",
			},
		},
	}
}

func relayvirgilio() Relay {
	return Relay{
		ID:   "virgilio",
		Name: "Virgilio Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://aiuto.virgilio.it/articolo/mail/configurare-virgilio-mail-con-client-di-posta-imap-e-smtp/",
		Hosts: Hosts{
			Default: "out.virgilio.it",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@virgilio.it",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/virgilio.it.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayvirginmedia() Relay {
	return Relay{
		ID:   "virginmedia",
		Name: "Virgin Media Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/virginmedia.com.xml",
		Hosts: Hosts{
			Default: "smtp.virginmedia.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@virginmedia.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/virginmedia.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayvodafone_de() Relay {
	return Relay{
		ID:   "vodafone-de",
		Name: "Vodafone Mail (Germany)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.vodafone.de/hilfe/vodafone-e-mail-cloud.html#wie-lauten-die-server-einstellungen-fuer-vodafone-e-mail",
		Hosts: Hosts{
			Default: "smtp.vodafonemail.de",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@vodafonemail.de",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/vodafonemail.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaywebde() Relay {
	return Relay{
		ID:   "webde",
		Name: "WEB.DE",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://hilfe.web.de/pop-imap/imap/imap-serverdaten.html",
		Asks: &Note{
			Text:   "POP3 and IMAP access switched on in the settings of the mailbox",
			Source: "ispdb",
		},
		Hosts: Hosts{
			Default: "smtp.web.de",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "name of the mailbox, the part of the address before the @",
				Pattern: "^[^@\\s:]+$",
				Example: "mailer",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox; with two-factor login an app password",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is the full address: the user name is the part before the @",
				Source:  "ispdb",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "webde_sender",
			Code:   550,
			Match:  "(?i)Sender address is not allowed",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is not the account that logged in",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "Sender address is not allowed",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/web.de.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in a public repository; its code is that of IONOS, which runs the same servers",
				AsOf:       "2026",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relaywebsupport() Relay {
	return Relay{
		ID:   "websupport",
		Name: "Websupport Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/websupport.sk.xml",
		Hosts: Hosts{
			Default: "smtp.websupport.sk",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   25,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@example.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Domain:     "needed",
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/websupport.sk.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaywp_pl() Relay {
	return Relay{
		ID:   "wp-pl",
		Name: "WP Poczta",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/wp.pl.xml",
		Hosts: Hosts{
			Default: "smtp.wp.pl",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "name of the mailbox, the part of the address before the @",
				Pattern: "^[^@\\s:]+$",
				Example: "mailer",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Wrong: []Wrong{Wrong{
				Field:   "username",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Message: "this is the full address: the user name is the part before the @",
				Source:  "ispdb",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/wp.pl.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relaycomcast_mail() Relay {
	return Relay{
		ID:   "comcast-mail",
		Name: "Xfinity Mail (Comcast)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.xfinity.com/support/articles/setting-up-thunderbird",
		Asks: &Note{
			Text:   "third-party access switched on in the security settings of the mailbox",
			Source: "recalled",
		},
		Hosts: Hosts{
			Default: "smtp.comcast.net",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@comcast.net",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/comcast.net.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayxtra() Relay {
	return Relay{
		ID:   "xtra",
		Name: "Xtra Mail (Spark)",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.spark.co.nz/help/get-more/xtra/xtra-mail-setup/",
		Hosts: Hosts{
			Default: "send.xtra.co.nz",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@xtra.co.nz",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/xtra.co.nz.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayyandex() Relay {
	return Relay{
		ID:   "yandex",
		Name: "Yandex Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/yandex.ru.xml",
		Asks: &Note{
			Text:   "access by mail programs switched on in the settings",
			Source: "ispdb",
		},
		Hosts: Hosts{
			Default: "smtp.yandex.com",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@yandex.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "app password, 16 letters",
				Pattern: "^[a-z]{16}$",
				Strip:   " ",
				Example: "abcdefghijklmnop",
				Source:  "recalled",
			},
			Where: "https://id.yandex.ru/security/app-passwords",
			Wrong: []Wrong{Wrong{
				Field:   "password",
				Pattern: "^([a-z]{4} ){3}[a-z]{4}$",
				Message: "an app password is 16 letters, without blanks",
				Source:  "recalled",
			}},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "yandex_spam",
			Code:   554,
			Match:  "(?i)Message rejected under suspicion of SPAM",
			At:     "data",
			Scope:  "recipient",
			Retry:  "fix",
			Cause:  "Yandex regards the message, or mail of this account, as spam",
			Remedy: "open the link of the reply in the web mail once and send a message there; then look at what was sent",
			Sample: "5.7.1 [2] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc 1582024041-8A9BF6y0OJ",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/yandex.ru.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in public repositories",
				AsOf:       "2022-10",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}

func relayziggo() Relay {
	return Relay{
		ID:   "ziggo",
		Name: "Ziggo Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.ziggo.nl/klantenservice/e-mail/?src=autoconfig",
		Hosts: Hosts{
			Default: "smtp.ziggo.nl",
			Source:  "ispdb",
		},
		Ports: []Port{Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@ziggo.nl",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox",
				Pattern: "^\\S.{5,}$",
				Example: "Correct-Horse-7",
				Source:  "ispdb",
			},
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must be the account or one of its aliases",
			Source:     "recalled",
		},
		Sources: map[string]Source{
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/ziggo.nl.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
		},
	}
}

func relayzoho() Relay {
	return Relay{
		ID:   "zoho",
		Name: "Zoho Mail",
		Kind: "mailbox",
		Tier: 3,
		Docs: "https://www.zoho.com/mail/help/zoho-smtp.html",
		Hosts: Hosts{
			Default: "smtp.zoho.com",
			Named: map[string]string{
				"au":  "smtp.zoho.com.au",
				"ca":  "smtp.zohocloud.ca",
				"eu":  "smtp.zoho.eu",
				"in":  "smtp.zoho.in",
				"jp":  "smtp.zoho.jp",
				"pro": "smtppro.zoho.com",
				"us":  "smtp.zoho.com",
			},
			Source: "ispdb",
			Sources: map[string]string{
				"pro": "files",
			},
		},
		Ports: []Port{Port{
			Port:   465,
			TLS:    "implicit",
			Source: "ispdb",
		}, Port{
			Port:   587,
			TLS:    "starttls",
			Source: "ispdb",
		}},
		Order: []int{465, 587},
		Auth: Auth{
			Mechanisms: []string{"PLAIN", "LOGIN"},
			Username: Credential{
				Label:   "full address of the mailbox",
				Pattern: "^[^@\\s:]+@[^@\\s:]+\\.[^@\\s:]+$",
				Example: "mailer@zohomail.com",
				Source:  "ispdb",
			},
			Password: Credential{
				Label:   "password of the mailbox; with two-factor login an app password, 12 letters and digits",
				Pattern: "^\\S.{5,}$",
				Example: "a1B2c3D4e5F6",
				Source:  "recalled",
			},
			Where:  "https://accounts.zoho.com/home#security/app_password",
			Source: "ispdb",
		},
		Sender: Sender{
			Rule:       "account",
			NullSender: "unknown",
			Single:     true,
			Note:       "From must match the account or one of its aliases",
			Source:     "files",
		},
		DNS: DNS{
			SPF:    "include:zohomail.com",
			Note:   "for a domain of your own only",
			Source: "recalled",
		},
		Replies: []Reply{Reply{
			ID:     "zoho_sender",
			Code:   553,
			Match:  "(?i)Sender is not allowed to relay emails",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "the sender is neither the account nor one of its aliases",
			Remedy: "rewrite local senders to the account (--from)",
			Sample: "Sender is not allowed to relay emails",
			Source: "replies",
		}, Reply{
			ID:     "zoho_blocked",
			Code:   550,
			Match:  "(?i)Unusual sending activity detected",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "Zoho has blocked outgoing mail of this account: too much of it, or mail that looks like spam",
			Remedy: "open https://mail.zoho.com/UnblockMe, send less, or use a relay service in place of a mailbox",
			Sample: "5.4.6 Unusual sending activity detected. Please try after sometime",
			Source: "replies",
		}, Reply{
			ID:     "zoho_outgoing_blocked",
			Code:   554,
			Match:  "(?i)Email Outgoing Blocked",
			Scope:  "account",
			Retry:  "fix",
			Cause:  "Zoho has blocked outgoing mail of this account",
			Remedy: "open https://mail.zoho.com/UnblockMe or ask Zoho's support, then send less",
			Sample: "5.1.8 Email Outgoing Blocked",
			Source: "replies",
		}},
		Sources: map[string]Source{
			"files": Source{
				Where:      "public files with Zoho settings for paid domains, and pastebin az8SpXzp, which quotes Zoho",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"ispdb": Source{
				URL:        "https://github.com/thunderbird/autoconfig/blob/c6ad79659b5fc321d1593ec4c277815b83e5dec5/ispdb/zoho.com.xml",
				AsOf:       "2026-03-12",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
			"recalled": Source{
				Where:      "general knowledge; no public source was found for it",
				Checked:    date(2026, 11, 28),
				Confidence: "recalled",
			},
			"replies": Source{
				Where:      "quoted in many public repositories",
				AsOf:       "2026-10",
				Checked:    date(2026, 11, 28),
				Confidence: "observed",
			},
		},
	}
}
