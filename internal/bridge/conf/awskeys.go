package conf

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"relayhost/internal/secret"
)

// AWSSource is where keys of Amazon Web Services come from.
type AWSSource string

// The sources (AWS SDKs and Tools Reference Guide, standardized credential
// providers, read 2026-11-28; unsure: from memory, the request forms are those of
// the SDKs).
const (
	AWSStatic      AWSSource = "key"          // an access key in the configuration
	AWSInstance    AWSSource = "ec2"          // the role of an EC2 instance, by IMDSv2
	AWSContainer   AWSSource = "container"    // the role of an ECS task, or EKS Pod Identity
	AWSWebIdentity AWSSource = "web_identity" // the role of an EKS service account, by STS
	AWSFile        AWSSource = "file"         // a shared credentials file
)

// AWSKeys says where keys of Amazon Web Services come from.
type AWSKeys struct {
	Source AWSSource

	AccessKey string       // of AWSStatic
	Secret    secret.Value // of AWSStatic

	URL       string // of AWSContainer
	TokenFile string // of AWSContainer and AWSWebIdentity: the file of the bearer token
	RoleARN   string // of AWSWebIdentity
	Region    string // of AWSWebIdentity: whose STS is asked
	Path      string // of AWSFile
	Profile   string // of AWSFile; "" is "default"
}

// AWSFromEnvironment is the source that the environment of a process names, as the
// AWS SDKs read it: web identity, then container, then a shared credentials file.
// ok is false when it names none: an EC2 instance has its role without any. Keys in
// the environment itself are not taken: Postfix's processes do not have them.
func AWSFromEnvironment(getenv func(string) string, region string) (keys AWSKeys, ok bool) {
	switch {
	case getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "" && getenv("AWS_ROLE_ARN") != "":
		return AWSKeys{Source: AWSWebIdentity, TokenFile: getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), RoleARN: getenv("AWS_ROLE_ARN"), Region: region}, true
	case getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI") != "":
		return AWSKeys{Source: AWSContainer, URL: getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), TokenFile: getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")}, true
	case getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") != "":
		return AWSKeys{Source: AWSContainer, URL: "http://169.254.170.2" + getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")}, true
	case getenv("AWS_SHARED_CREDENTIALS_FILE") != "":
		return AWSKeys{Source: AWSFile, Path: getenv("AWS_SHARED_CREDENTIALS_FILE"), Profile: getenv("AWS_PROFILE")}, true
	}
	return AWSKeys{}, false
}

// Validate reports what is missing or cannot be.
func (k *AWSKeys) Validate() error {
	switch k.Source {
	case AWSStatic:
		if k.AccessKey == "" || k.Secret.IsZero() {
			return errors.New("missing access_key or secret_key")
		}
	case AWSInstance:
	case AWSContainer:
		return ContainerAddress(k.URL)
	case AWSWebIdentity:
		if k.TokenFile == "" || !strings.HasPrefix(k.RoleARN, "arn:") {
			return errors.New("missing token_file or role_arn")
		}
	case AWSFile:
		if k.Path == "" {
			return errors.New("missing path of the credentials file")
		}
	default:
		return fmt.Errorf("unknown source %q", k.Source)
	}
	return nil
}

// The addresses that a container's credentials may come from without TLS (AWS SDKs
// and Tools Reference Guide, container credential provider; unsure: from memory).
var containerHosts = []netip.Addr{netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"), netip.MustParseAddr("fd00:ec2::23")}

// ContainerAddress reports why a container's credentials may not come from address:
// without TLS from the addresses of the container platforms and this host alone.
func ContainerAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return errors.New("the address of the container's credentials is no address")
	}
	if u.Scheme == "https" {
		return nil
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && u.Scheme == "http" {
		if ip.IsLoopback() || slices.Contains(containerHosts, ip) {
			return nil
		}
	}
	return fmt.Errorf("the container's credentials may not come from %s without TLS", u.Hostname())
}
