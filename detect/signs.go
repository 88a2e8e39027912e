package detect

import (
	"slices"
	"strings"

	"relayhost/internal/host"
)

const dmiDir = "/sys/class/dmi/id/"

// modaliasKeys are the fields of the kernel's DMI modalias
// (drivers/firmware/dmi-id.c); udev adds the asset tag as "cat".
var modaliasKeys = map[string]string{
	"bvn": "bios_vendor", "bvr": "bios_version", "svn": "sys_vendor", "pn": "product_name",
	"pvr": "product_version", "rvn": "board_vendor", "cvn": "chassis_vendor", "cat": "chassis_asset_tag",
}

// otherSigns are the files outside of the DMI directory that signals name by a word.
var otherSigns = map[string]string{
	"hypervisor_uuid": "/sys/hypervisor/uuid",
	"cmdline":         "/proc/cmdline",
	"pid1_environ":    "/proc/1/environ", // readable by root only
}

// signs reads the local signs of a provider, each file once. A missing directory
// is normal: Firecracker, most ARM boards and many containers have no DMI.
type signs struct {
	reader   *host.Reader
	cache    map[string]string
	modalias map[string]string
}

func newSigns(r *host.Reader) *signs {
	s := &signs{reader: r, cache: map[string]string{}, modalias: map[string]string{}}
	s.readModalias()
	return s
}

// readModalias splits "dmi:bvnAmazonEC2:bvr1.0:...". The kernel drops blanks
// from the values.
func (s *signs) readModalias() {
	text, ok := s.file(dmiDir + "modalias")
	if !ok {
		return
	}
	fields := strings.Split(strings.TrimPrefix(text, "dmi:"), ":")
	for _, field := range fields {
		for length := 3; length >= 2; length-- { // "pvr" before "pn"
			if len(field) < length {
				continue
			}
			if name, ok := modaliasKeys[field[:length]]; ok {
				s.modalias[name] = field[length:]
				break
			}
		}
	}
}

func (s *signs) file(path string) (string, bool) {
	if text, ok := s.cache[path]; ok {
		return text, text != ""
	}
	data, err := s.reader.ReadFile(path)
	text := ""
	if err == nil && len(data) <= 1<<16 {
		text = strings.TrimSpace(string(data))
	}
	s.cache[path] = text
	return text, text != ""
}

// match reports whether the signal is there, and in what words.
func (s *signs) match(want Signal) (string, bool) {
	evidence, ok := s.matchOne(want)
	if !ok || want.Also == nil {
		return evidence, ok
	}
	more, ok := s.match(*want.Also)
	return evidence + ", " + more, ok
}

func (s *signs) matchOne(want Signal) (string, bool) {
	if strings.HasPrefix(want.File, "/") {
		_, err := s.reader.Stat(want.File)
		return want.File + " is there", err == nil
	}
	if path, ok := otherSigns[want.File]; ok {
		text, found := s.file(path)
		return path + " has " + want.value(), found && want.matches(text)
	}
	if text, found := s.file(dmiDir + want.File); found {
		return want.File + " is " + shown(text), want.matches(text)
	}
	text, found := s.modalias[want.File]
	if !found {
		return "", false
	}
	blind := want
	for _, v := range []*string{&blind.Equals, &blind.Prefix, &blind.Suffix} {
		*v = strings.ReplaceAll(*v, " ", "")
	}
	return "modalias: " + want.File + " is " + shown(text), blind.matches(text)
}

func (s Signal) value() string {
	return s.Equals + s.Prefix + s.Suffix + s.Word
}

func (s Signal) matches(text string) bool {
	switch {
	case s.File == "pid1_environ":
		return slices.Contains(strings.Split(text, "\x00"), s.Equals)
	case s.Equals != "":
		return text == s.Equals
	case s.Prefix != "":
		return strings.HasPrefix(text, s.Prefix)
	case s.Suffix != "":
		return strings.HasSuffix(text, s.Suffix)
	case s.Word != "":
		return slices.Contains(strings.Fields(text), s.Word)
	default:
		return false
	}
}

// maxShown bounds a foreign text in the output, in bytes.
const maxShown = 200

// clean makes foreign bytes fit for a terminal: printable ASCII, one line.
func clean(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
