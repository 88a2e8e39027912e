package detect

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"relayhost/internal/host"
)

// Where the values of the fixtures were read.
const (
	srcDSIdentify = "https://github.com/canonical/cloud-init/blob/04eacd06/tools/ds-identify"
	srcDSTests    = "https://github.com/canonical/cloud-init/blob/04eacd06/tests/unittests/test_ds_identify.py"
	srcSystemd    = "https://github.com/systemd/systemd/blob/3025f078/hwdb.d/40-imds.hwdb"
	srcTailscale  = "https://github.com/tailscale/tailscale/blob/0e929f96/util/cloudenv/cloudenv.go"
	srcCoroot     = "https://github.com/coroot/coroot-node-agent/tree/89a16af8/node/metadata"
	srcOhai       = "https://github.com/chef/ohai/tree/283191d0/lib/ohai/plugins"
	srcWhatsthis  = "https://github.com/powersj/whatsthis/blob/1096188c/pkg/cloud/cloud.go"
	srcIssue6987  = "https://github.com/canonical/cloud-init/issues/6987"
	srcRecalled   = "recalled, no source"
)

// machine is the local files of a host; names without a slash are under the DMI
// directory.
type machine map[string]string

func (m machine) reader(t *testing.T) *host.Reader {
	t.Helper()
	root := t.TempDir()
	for name, text := range m {
		if !strings.HasPrefix(name, "/") {
			name = dmiDir + name
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &host.Reader{Root: root}
}

var identities = []struct {
	name   string
	source string
	files  machine
	want   string
	sure   Confidence
}{
	{"aws nitro", srcTailscale, machine{"bios_vendor": "Amazon EC2", "sys_vendor": "Amazon EC2", "product_name": "t3.micro"}, "aws", Certain},
	{"aws by sys_vendor", srcWhatsthis, machine{"sys_vendor": "Amazon EC2"}, "aws", Certain},
	{"aws by board_vendor", srcCoroot, machine{"board_vendor": "Amazon EC2"}, "aws", Certain},
	{"aws metal by modalias alone", srcSystemd, machine{"modalias": "dmi:bvnAmazonEC2:bvr1.0:bd10/16/2017:br1.0:svnAmazonEC2:pnm5.metal:pvrNotSpecified:rvnAmazonEC2:rnNotSpecified:cvnAmazonEC2:ct1:"}, "aws", Certain},
	{"aws xen", srcOhai, machine{"sys_vendor": "Xen", "product_name": "HVM domU", "bios_version": "4.11.amazon", "/sys/hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}, "aws", Certain},
	{"aws xen by bios_vendor", srcTailscale, machine{"sys_vendor": "Xen", "bios_vendor": "4.11.amazon"}, "aws", Certain},
	{"aws xen paravirtual, no DMI", srcDSIdentify, machine{"/sys/hypervisor/uuid": "ec2e1916-9099-7caf-fd21-012345abcdef"}, "aws", Likely},
	{"lightsail", srcTailscale, machine{"bios_vendor": "Amazon EC2"}, "aws", Certain},
	{"gcp", srcDSIdentify, machine{"product_name": "Google Compute Engine", "sys_vendor": "Google"}, "gcp", Certain},
	{"gcp by serial, as root", srcDSIdentify, machine{"product_serial": "GoogleCloud-8F2E88F"}, "gcp", Certain},
	{"gcp old", srcTailscale, machine{"product_name": "Google"}, "gcp", Likely},
	{"gcp by board_vendor", srcCoroot, machine{"board_vendor": "Google"}, "gcp", Likely},
	{"azure", srcDSIdentify, machine{"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77", "sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine"}, "azure", Certain},
	{"azure by modalias of udev", srcSystemd, machine{"modalias": "dmi:bvnAmericanMegatrendsInc.:svnMicrosoftCorporation:pnVirtualMachine:cat7783-7084-3265-9085-8269-3286-77:"}, "azure", Certain},
	{"digitalocean", srcDSIdentify, machine{"sys_vendor": "DigitalOcean", "product_name": "Droplet"}, "digitalocean", Certain},
	{"digitalocean by bios_vendor", srcOhai, machine{"bios_vendor": "DigitalOcean"}, "digitalocean", Certain},
	{"digitalocean by board_vendor", srcCoroot, machine{"board_vendor": "DigitalOcean"}, "digitalocean", Certain},
	{"hetzner", srcDSIdentify, machine{"sys_vendor": "Hetzner", "product_name": "vServer"}, "hetzner", Certain},
	{"hetzner by bios_vendor", srcSystemd, machine{"bios_vendor": "Hetzner"}, "hetzner", Certain},
	{"ovhcloud before its metadata", srcDSIdentify, machine{"sys_vendor": "OpenStack Foundation", "product_name": "OpenStack Nova"}, "openstack", Likely},
	{"vultr", srcDSIdentify, machine{"sys_vendor": "Vultr"}, "vultr", Certain},
	{"vultr bare metal by kernel command line", srcDSIdentify, machine{"/proc/cmdline": "BOOT_IMAGE=/vmlinuz root=/dev/sda1 vultr ro", "sys_vendor": "Supermicro"}, "vultr", Likely},
	{"vultr bare metal by file", srcDSIdentify, machine{"/etc/vultr": ""}, "vultr", Likely},
	{"linode", srcDSIdentify, machine{"sys_vendor": "Linode"}, "linode", Certain},
	{"linode as akamai", srcDSIdentify, machine{"sys_vendor": "Akamai"}, "linode", Certain},
	{"oracle", srcDSIdentify, machine{"chassis_asset_tag": "OracleCloud.com", "sys_vendor": "QEMU"}, "oracle", Certain},
	{"scaleway", srcDSIdentify, machine{"sys_vendor": "Scaleway"}, "scaleway", Certain},
	{"scaleway, older, by kernel command line", srcDSIdentify, machine{"/proc/cmdline": "root=/dev/vda scaleway"}, "scaleway", Likely},
	{"scaleway, older, by file", srcDSIdentify, machine{"/var/run/scaleway": ""}, "scaleway", Likely},
	{"alibaba", srcDSIdentify, machine{"product_name": "Alibaba Cloud ECS", "sys_vendor": "Alibaba Cloud"}, "alibaba", Certain},
	{"alibaba by sys_vendor", srcCoroot, machine{"sys_vendor": "Alibaba Cloud"}, "alibaba", Certain},
	{"tencent", srcRecalled, machine{"sys_vendor": "Tencent Cloud", "product_name": "CVM"}, "tencent", Likely},
	{"ibm vpc", srcCoroot, machine{"chassis_vendor": "IBM:Cloud Compute Server 1.0:bx2-2x8"}, "ibm", Certain},
	{"upcloud", srcDSIdentify, machine{"sys_vendor": "UpCloud"}, "upcloud", Certain},
	{"exoscale", srcDSIdentify, machine{"product_name": "Exoscale Compute Platform"}, "exoscale", Certain},
	{"cloudstack", srcDSIdentify, machine{"product_name": "CloudStack KVM Hypervisor"}, "cloudstack", Likely},
	{"openstack nova by asset tag", srcDSIdentify, machine{"chassis_asset_tag": "OpenStack Nova"}, "openstack", Likely},
	{"openstack compute", srcDSIdentify, machine{"product_name": "OpenStack Compute"}, "openstack", Likely},
	{"huawei", srcDSIdentify, machine{"chassis_asset_tag": "HUAWEICLOUD"}, "openstack", Likely},
	{"open telekom cloud", srcDSIdentify, machine{"chassis_asset_tag": "OpenTelekomCloud"}, "openstack", Likely},
	{"sap", srcDSIdentify, machine{"chassis_asset_tag": "SAP CCloud VM"}, "openstack", Likely},
	{"samsung", srcDSIdentify, machine{"chassis_asset_tag": "Samsung Cloud Platform"}, "openstack", Likely},
	{"openstack container, by the first process", srcDSIdentify, machine{"/proc/1/environ": "PATH=/bin\x00product_name=OpenStack Nova\x00container=lxc"}, "openstack", Likely},
	{"brightbox", srcDSTests, machine{"product_serial": "srv-otuxg.gb1.brightbox.com"}, "brightbox", Certain},
	{"zstack", srcDSTests, machine{"chassis_asset_tag": "123456.zstack.io"}, "zstack", Certain},
	{"e24cloud", srcDSTests, machine{"sys_vendor": "e24cloud"}, "e24cloud", Certain},
	{"tilaa", srcDSIdentify, machine{"sys_vendor": "Tilaa"}, "tilaa", Certain},
	{"outscale", srcDSTests, machine{"sys_vendor": "3DS Outscale", "product_name": "3DS Outscale VM"}, "outscale", Certain},
	{"nwcs", srcDSIdentify, machine{"sys_vendor": "NWCS"}, "nwcs", Certain},
	{"cloudsigma", srcDSIdentify, machine{"product_name": "CloudSigma"}, "cloudsigma", Certain},
	{"cloudcix", srcDSIdentify, machine{"product_name": "CloudCIX"}, "cloudcix", Certain},
	{"smartos", srcDSIdentify, machine{"product_name": "SmartDC HVM"}, "smartdc", Likely},

	// What must not be taken for a cloud, or for another one.
	{"hetzner with a uuid that looks like EC2", srcIssue6987, machine{"sys_vendor": "Hetzner", "product_uuid": "545f25ec-0000-4000-8000-0123456789ab"}, "hetzner", Certain},
	{"random uuid that starts with ec2", srcIssue6987, machine{"sys_vendor": "QEMU", "product_name": "Standard PC", "product_uuid": "ec2f58a6-1111-4000-8000-0123456789ab"}, "", None},
	{"hyper-v at home", srcTailscale, machine{"sys_vendor": "Microsoft Corporation", "product_name": "Virtual Machine", "chassis_asset_tag": "0654-4433-9978-1234-5678-9012-34"}, "", None},
	{"e24cloudyday", srcDSTests, machine{"sys_vendor": "e24cloudyday"}, "", None},
	{"bobrightbox.com", srcDSTests, machine{"product_serial": "srv-otuxg.gb1.bobrightbox.com"}, "", None},
	{"tilaaa", srcDSTests, machine{"sys_vendor": "Tilaaa"}, "", None},
	{"outscale, other product", srcDSTests, machine{"sys_vendor": "3DS Outscale", "product_name": "Not 3DS Outscale VM"}, "", None},
	{"outscale, other vendor", srcDSTests, machine{"sys_vendor": "Not 3DS Outscale", "product_name": "3DS Outscale VM"}, "", None},
	{"no zstack", srcDSTests, machine{"chassis_asset_tag": "c.zstackio"}, "", None},
	{"xen at home", srcDSIdentify, machine{"sys_vendor": "Xen", "product_name": "HVM domU", "/sys/hypervisor/uuid": "5d34e4a0-1111-4000-8000-0123456789ab"}, "", None},
	{"cmdline with vultr inside of a word", srcDSIdentify, machine{"/proc/cmdline": "root=LABEL=vultr-data"}, "", None},
	{"qemu", srcDSIdentify, machine{"sys_vendor": "QEMU", "product_name": "Standard PC (i440FX + PIIX, 1996)"}, "", None},
	{"no DMI directory (Firecracker, ARM boards, containers)", srcRecalled, machine{}, "", None},
	{"empty files", srcRecalled, machine{"sys_vendor": "", "modalias": ""}, "", None},
	{"CRLF behind a vendor string", srcRecalled, machine{"sys_vendor": "Hetzner\r"}, "hetzner", Certain},
	{"a vendor string of 1 MB", srcRecalled, machine{"sys_vendor": strings.Repeat("A", 1<<20)}, "", None},
	{"a vendor string of NUL bytes", srcRecalled, machine{"sys_vendor": strings.Repeat("\x00", 500), "modalias": "dmi:\xff\xfe:::svn"}, "", None},
	{"a long vendor string without a blank", srcRecalled, machine{"sys_vendor": strings.Repeat("\xc3\xa4", 2000), "product_name": strings.Repeat("B", 2000)}, "", None},
	{"escape codes in a vendor string", srcRecalled, machine{"sys_vendor": "\x1b[31mEvil\x07"}, "", None},
}

func TestIdentify(t *testing.T) {
	hosts, err := Hosts()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range identities {
		t.Run(c.name, func(t *testing.T) {
			got := identify(c.files.reader(t), hosts)
			if got.Provider != c.want || got.Confidence != c.sure {
				t.Errorf("got %q %s, want %q %s (%s); %v", got.Provider, got.Confidence, c.want, c.sure, c.source, got.Evidence)
			}
			if len(got.Evidence) == 0 {
				t.Errorf("got the evidence %q, want at least one line", got.Evidence)
			}
			for _, line := range (Facts{Host: got}).Lines() {
				if len(line) > textWidth {
					t.Errorf("got a line of %d columns, want at most %d: %s", len(line), textWidth, line)
				}
			}
			for _, e := range got.Evidence {
				if clean(e) != e {
					t.Errorf("got the evidence %q, want it clean: %q", e, clean(e))
				}
			}
		})
		seen[c.want] = true
	}
	for _, h := range hosts {
		if len(h.DMI) > 0 && !seen[h.ID] {
			t.Errorf("%s: got no machine of this provider among the identities tried, want one", h.ID)
		}
	}
}

// Files of DMI can be anything, and some are the machine's to hang on.
func TestIdentifyOddFiles(t *testing.T) {
	hosts, err := Hosts()
	if err != nil {
		t.Fatal(err)
	}
	r := machine{"bios_vendor": "Vultr"}.reader(t)
	dir := filepath.Join(r.Root, dmiDir)
	if err := errors.Join(
		unix.Mkfifo(filepath.Join(dir, "sys_vendor"), 0o644),
		os.Mkdir(filepath.Join(dir, "product_name"), 0o755),
		os.Symlink("modalias", filepath.Join(dir, "modalias")),
		os.Symlink("/dev/zero", filepath.Join(dir, "board_vendor")),
		os.WriteFile(filepath.Join(dir, "chassis_vendor"), []byte("IBM:Cloud Compute Server"), 0o000),
		os.WriteFile(filepath.Join(dir, "chassis_asset_tag"), nil, 0o644),
	); err != nil {
		t.Fatal(err)
	}
	done := make(chan Host, 1)
	go func() { done <- identify(r, hosts) }()
	select {
	case got := <-done:
		if got.Provider != "ibm" && got.Provider != "" { // root can read what nobody may
			t.Errorf("got %+v, want provider %q or none", got, "ibm")
		}
	case <-time.After(5 * time.Second):
		t.Fatal("identify: got no answer within 5 s, want one")
	}
}

// Two providers' strings on one machine: the order is fixed, whatever a map
// would say.
func TestIdentifyIsStable(t *testing.T) {
	hosts, err := Hosts()
	if err != nil {
		t.Fatal(err)
	}
	r := machine{"sys_vendor": "Hetzner", "product_name": "OpenStack Nova", "chassis_asset_tag": "OracleCloud.com"}.reader(t)
	for range 50 {
		if got := identify(r, hosts); got.Provider != "hetzner" {
			t.Fatalf("got %s, want %q", got.Provider, "hetzner")
		}
	}
}
