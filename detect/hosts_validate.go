package detect

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	hostID      = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	ptrSuffix   = regexp.MustCompile(`^(\.[a-z0-9-]+)+$`)
	mailPorts   = []int{25, 465, 587, 2525}
	kinds       = []string{"cloud", "platform", "residential"}
	unblockWays = []string{"no", "request", "self_service", "automatic", "unknown"}
	confidences = []string{"official", "observed", "secondary", "recalled", "unsure"}
)

// validate holds what the decoder cannot: that values are of the known kinds
// and that every fact names a source that is in the file.
func (h HostEntry) validate() error {
	switch {
	case !hostID.MatchString(h.ID):
		return fmt.Errorf("id %q: only small letters and digits", h.ID)
	case h.Name == "":
		return fmt.Errorf("name is empty")
	case !slices.Contains(kinds, h.Kind):
		return fmt.Errorf("kind %q is none of %s", h.Kind, strings.Join(kinds, ", "))
	}
	for name, s := range h.Sources {
		if err := s.validate(name); err != nil {
			return err
		}
	}
	for i, s := range h.DMI {
		if err := s.validate(); err != nil {
			return fmt.Errorf("dmi entry %d: %w", i+1, err)
		}
		if err := h.known(s.Source); err != nil {
			return fmt.Errorf("dmi entry %d: %w", i+1, err)
		}
	}
	if err := h.validateMetadata(); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if err := h.validatePolicy(); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	return nil
}

func (h HostEntry) known(source string) error {
	if _, ok := h.Sources[source]; !ok {
		return fmt.Errorf("source %q is not in this file", source)
	}
	return nil
}

func (s HostSource) validate(name string) error {
	if !slices.Contains(confidences, s.Confidence) {
		return fmt.Errorf("source.%s: confidence %q is none of %s", name, s.Confidence, strings.Join(confidences, ", "))
	}
	if s.Checked.Year < 2020 {
		return fmt.Errorf("source.%s: checked has no date", name)
	}
	if s.URL == "" {
		if s.Confidence != "recalled" && s.Confidence != "unsure" {
			return fmt.Errorf("source.%s: %s, but no url", name, s.Confidence)
		}
		return nil
	}
	return checkURL(s.URL)
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("url %q is no web address", s)
	}
	return nil
}

func (s Signal) validate() error {
	if s.File == "" {
		return fmt.Errorf("file is empty")
	}
	set := 0
	for _, v := range []string{s.Equals, s.Prefix, s.Suffix, s.Word, s.Exists} {
		if v != "" {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("%s: exactly one of equals, prefix, suffix, word and exists is needed", s.File)
	}
	// A product_uuid that looks like EC2 is one in 2,048 (cloud-init #6880, #6987).
	if s.File == "product_uuid" {
		return fmt.Errorf("product_uuid is random and proves nothing")
	}
	if s.Also != nil {
		return s.Also.validate()
	}
	return nil
}

func (h HostEntry) validateMetadata() error {
	m := h.Metadata
	if m.Kind != "" {
		if _, ok := metadataReaders[m.Kind]; !ok {
			return fmt.Errorf("kind %q has no reader", m.Kind)
		}
		if err := h.known(m.Source); err != nil {
			return err
		}
	}
	for _, suffix := range m.PTRSuffix {
		if !ptrSuffix.MatchString(suffix) {
			return fmt.Errorf("ptr_suffix %q is no domain that starts with a dot", suffix)
		}
	}
	if len(m.PTRSuffix)+len(m.ASN) > 0 {
		return h.known(m.NetworkSource)
	}
	return nil
}

func (h HostEntry) validatePolicy() error {
	p := h.Policy
	all := slices.Concat(p.Blocked, p.Open, p.Unknown)
	slices.Sort(all)
	switch {
	case !slices.Equal(all, mailPorts):
		return fmt.Errorf("blocked, open and unknown hold %v and not each of %v once", all, mailPorts)
	case !slices.Contains(unblockWays, p.Unblock):
		return fmt.Errorf("unblock %q is none of %s", p.Unblock, strings.Join(unblockWays, ", "))
	case !slices.Contains(confidences, p.Confidence):
		return fmt.Errorf("confidence %q is none of %s", p.Confidence, strings.Join(confidences, ", "))
	case p.AsOf.Year < 2017:
		return fmt.Errorf("as_of has no date")
	case len(p.Sources) == 0:
		return fmt.Errorf("sources is empty")
	case slices.ContainsFunc(p.Plans, func(plan Plan) bool {
		return plan.Plan == "" || slices.ContainsFunc(plan.Out, func(port int) bool { return !slices.Contains(mailPorts, port) })
	}):
		return fmt.Errorf("plans: want a name, and ports out of %v", mailPorts)
	case p.Unblock == "request" && len(p.Steps) == 0:
		return fmt.Errorf("unblock by request, but no steps")
	}
	for _, s := range p.Sources {
		if err := h.known(s); err != nil {
			return err
		}
	}
	return checkURL(p.URL)
}
