package lab

import (
	"maps"
	"strings"
)

// dmiSecret are the files that only root can read (Linux,
// drivers/firmware/dmi-id.c).
var dmiSecret = []string{"product_serial", "product_uuid", "board_serial", "chassis_serial"}

// dmiAlias is the order of the fields in modalias, as the same driver has it.
var dmiAlias = []struct{ key, file string }{
	{"bvn", "bios_vendor"}, {"bvr", "bios_version"}, {"bd", "bios_date"},
	{"svn", "sys_vendor"}, {"pn", "product_name"}, {"pvr", "product_version"},
	{"rvn", "board_vendor"}, {"rn", "board_name"}, {"rvr", "board_version"},
	{"cvn", "chassis_vendor"}, {"ct", "chassis_type"}, {"cvr", "chassis_version"},
	{"sku", "product_sku"},
}

// dmiFiles adds the modalias to the files of /sys/class/dmi/id.
func dmiFiles(files map[string]string) map[string]string {
	if _, ok := files["modalias"]; ok || files == nil {
		return files
	}
	var b strings.Builder
	b.WriteString("dmi:")
	for _, f := range dmiAlias {
		// The driver leaves out what would break the syntax.
		v := strings.Map(func(r rune) rune {
			if r <= ' ' || r >= 127 || r == ':' {
				return -1
			}
			return r
		}, files[f.file])
		b.WriteString(f.key + v + ":")
	}
	all := maps.Clone(files)
	all["modalias"] = b.String()
	return all
}
