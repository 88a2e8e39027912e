package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// The address that most services have, and its IPv6 form in the datasources of
// cloud-init for Hetzner Cloud and OpenStack, which wants an interface.
const (
	linkLocal  = "http://169.254.169.254"
	linkLocal6 = "http://[fe80::a9fe:a9fe]"
)

// metadataReaders is keyed by the kind that a provider's file names. The
// addresses, paths and headers are those of cloud-init 04eacd06 (2026-08-21),
// systemd 3025f078, coroot 89a16af8 and the OpenTelemetry detectors 09ea2f42,
// where the vendors' own pages were not read.
var metadataReaders = map[string]metadataReader{
	"aws":          {v4: linkLocal, v6: "http://[fd00:ec2::254]", read: readAWS, many: true},
	"gcp":          {v4: linkLocal, read: readGCP},
	"azure":        {v4: linkLocal, read: readAzure},
	"digitalocean": {v4: linkLocal, read: readDigitalOcean},
	"hetzner":      {v4: linkLocal, v6: linkLocal6, read: readHetzner},
	"openstack":    {v4: linkLocal, v6: linkLocal6, read: readOpenStack, many: true},
	"vultr":        {v4: linkLocal, read: readVultr},
	"linode":       {v4: linkLocal, v6: "http://[fd00:a9fe:a9fe::1]", read: readLinode, many: true},
	"oracle":       {v4: linkLocal, v6: "http://[fd00:c1::a9fe:a9fe]", read: readOracle},
	"scaleway":     {v4: "http://169.254.42.42", v6: "http://[fd00:42::42]", read: readScaleway},
	"alibaba":      {v4: "http://100.100.100.200", read: readAlibaba, many: true},
	"tencent":      {v4: "http://169.254.0.23", read: readTencent, many: true},
	"ibm":          {v4: linkLocal, read: readIBM},
	"upcloud":      {v4: linkLocal, read: readUpCloud},
	"exoscale":     {v4: linkLocal, read: readExoscale, many: true},
}

var (
	awsImage    = regexp.MustCompile(`^ami-[0-9a-f]+$`)
	awsInstance = regexp.MustCompile(`^i-[0-9a-f]+$`)
	uuid        = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	digits      = regexp.MustCompile(`^[0-9]+$`)
	asianRegion = regexp.MustCompile(`^[a-z]{2,}-[a-z]+`)
	scwZone     = regexp.MustCompile(`^[a-z]{2}-[a-z]{3}-[0-9]+$`)
)

func shape(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errNotMetadata, fmt.Sprintf(format, args...))
}

func readGCP(ctx context.Context, c *metadataClient) (instance, error) {
	a, err := c.get(ctx, "/computeMetadata/v1/instance/?recursive=true", "Metadata-Flavor", "Google")
	if err != nil {
		return instance{}, err
	}
	if a.header.Get("Metadata-Flavor") != "Google" {
		return instance{}, shape("no header Metadata-Flavor: Google")
	}
	var doc struct {
		ID                json.Number `json:"id"`
		Zone              string      `json:"zone"`
		NetworkInterfaces []struct {
			AccessConfigs []struct {
				ExternalIP string `json:"externalIp"`
			} `json:"accessConfigs"`
		} `json:"networkInterfaces"`
	}
	if err := json.Unmarshal(a.body, &doc); err != nil {
		return instance{}, shape("%v", err)
	}
	found := instance{id: doc.ID.String(), region: withoutLast(doc.Zone[strings.LastIndex(doc.Zone, "/")+1:]), proof: "header Metadata-Flavor: Google"}
	if len(doc.NetworkInterfaces) > 0 && len(doc.NetworkInterfaces[0].AccessConfigs) > 0 {
		found.publicIPv4 = doc.NetworkInterfaces[0].AccessConfigs[0].ExternalIP
	}
	return found, nil
}

func readAzure(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		Compute struct {
			AzEnvironment string `json:"azEnvironment"`
			Location      string `json:"location"`
			VMID          string `json:"vmId"`
		} `json:"compute"`
		Network struct {
			Interface []struct {
				IPv4 struct {
					IPAddress []struct {
						PublicIPAddress string `json:"publicIpAddress"`
					} `json:"ipAddress"`
				} `json:"ipv4"`
			} `json:"interface"`
		} `json:"network"`
	}
	if err := c.json(ctx, &doc, "/metadata/instance?api-version=2021-02-01", "Metadata", "true"); err != nil {
		return instance{}, err
	}
	if !strings.HasPrefix(doc.Compute.AzEnvironment, "Azure") {
		return instance{}, shape("azEnvironment does not start with Azure")
	}
	found := instance{region: doc.Compute.Location, id: doc.Compute.VMID, proof: "azEnvironment " + clean(doc.Compute.AzEnvironment)}
	if nics := doc.Network.Interface; len(nics) > 0 && len(nics[0].IPv4.IPAddress) > 0 {
		found.publicIPv4 = nics[0].IPv4.IPAddress[0].PublicIPAddress
	}
	return found, nil
}

// readDigitalOcean: UpCloud answers on the same path, so droplet_id decides.
func readDigitalOcean(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		DropletID  int64  `json:"droplet_id"`
		Region     string `json:"region"`
		Interfaces struct {
			Public []struct {
				IPv4 struct {
					IPAddress string `json:"ip_address"`
				} `json:"ipv4"`
			} `json:"public"`
		} `json:"interfaces"`
	}
	if err := c.json(ctx, &doc, "/metadata/v1.json"); err != nil {
		return instance{}, err
	}
	if doc.DropletID <= 0 {
		return instance{}, shape("no droplet_id")
	}
	found := instance{region: doc.Region, id: fmt.Sprint(doc.DropletID), proof: "droplet_id"}
	if p := doc.Interfaces.Public; len(p) > 0 {
		found.publicIPv4 = p[0].IPv4.IPAddress
	}
	return found, nil
}

// readHetzner takes the three top-level scalars that it needs out of the YAML.
func readHetzner(ctx context.Context, c *metadataClient) (instance, error) {
	a, err := c.get(ctx, "/hetzner/v1/metadata")
	if err != nil {
		return instance{}, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(a.body)) {
		if key, value, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, " ") {
			fields[key] = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	if fields["instance-id"] == "" || fields["public-ipv4"] == "" {
		return instance{}, shape("no instance-id with a public-ipv4")
	}
	return instance{region: fields["region"], id: fields["instance-id"], publicIPv4: fields["public-ipv4"], proof: "instance-id and public-ipv4"}, nil
}

// readOpenStack also tells OVHcloud, whose links are of a type that OpenStack
// itself does not have (cloud-init, helpers/openstack.py).
func readOpenStack(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		UUID             string `json:"uuid"`
		ProjectID        string `json:"project_id"`
		AvailabilityZone string `json:"availability_zone"`
	}
	var network struct {
		Links []struct {
			Type string `json:"type"`
		} `json:"links"`
	}
	if err := c.json(ctx, &doc, "/openstack/latest/meta_data.json"); err != nil {
		return instance{}, err
	}
	if !uuid.MatchString(strings.ToLower(doc.UUID)) {
		return instance{}, shape("no uuid")
	}
	found := instance{region: doc.AvailabilityZone, id: doc.UUID, proof: "uuid of OpenStack"}
	atOnce(
		func() { _ = c.json(ctx, &network, "/openstack/latest/network_data.json") },
		func() { found.publicIPv4 = c.word(ctx, "/latest/meta-data/public-ipv4") },
	)
	for _, link := range network.Links {
		if link.Type == "bgpovs" {
			found.provider, found.proof = "ovh", "link type bgpovs in network_data.json"
		}
	}
	return found, nil
}

func readVultr(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		InstanceV2ID string `json:"instance-v2-id"`
		Region       struct {
			RegionCode string `json:"regioncode"`
		} `json:"region"`
		Interfaces []struct {
			NetworkType string `json:"network-type"`
			IPv4        struct {
				Address string `json:"address"`
			} `json:"ipv4"`
		} `json:"interfaces"`
	}
	if err := c.json(ctx, &doc, "/v1.json"); err != nil {
		return instance{}, err
	}
	// Other services answer on so plain a path: both keys are needed.
	if doc.InstanceV2ID == "" || doc.Region.RegionCode == "" {
		return instance{}, shape("no instance-v2-id with a region.regioncode")
	}
	found := instance{region: doc.Region.RegionCode, id: doc.InstanceV2ID, proof: "instance-v2-id and regioncode"}
	for _, nic := range doc.Interfaces {
		if nic.NetworkType == "public" {
			found.publicIPv4 = nic.IPv4.Address
			break
		}
	}
	return found, nil
}

// readOracle: the service knows no public address.
func readOracle(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		ID     string `json:"id"`
		Region string `json:"canonicalRegionName"`
	}
	if err := c.json(ctx, &doc, "/opc/v2/instance/", "Authorization", "Bearer Oracle"); err != nil {
		return instance{}, err
	}
	if !strings.HasPrefix(doc.ID, "ocid1.instance") || doc.Region == "" {
		return instance{}, shape("no id ocid1.instance with a canonicalRegionName")
	}
	return instance{region: doc.Region, id: doc.ID, proof: "id ocid1.instance"}, nil
}

func readScaleway(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		ID       string `json:"id"`
		Zone     string `json:"zone"`
		Location struct {
			ZoneID string `json:"zone_id"`
		} `json:"location"`
		PublicIP struct {
			Address string `json:"address"`
		} `json:"public_ip"`
	}
	if err := c.json(ctx, &doc, "/conf?format=json"); err != nil {
		return instance{}, err
	}
	if doc.Zone == "" {
		doc.Zone = doc.Location.ZoneID
	}
	if !uuid.MatchString(doc.ID) || !scwZone.MatchString(doc.Zone) {
		return instance{}, shape("no id with a zone")
	}
	return instance{region: withoutLast(doc.Zone), id: doc.ID, publicIPv4: doc.PublicIP.Address, proof: "id and zone"}, nil
}

func readTencent(ctx context.Context, c *metadataClient) (instance, error) {
	const prefix = "/latest/meta-data/"
	if !digits.MatchString(c.word(ctx, prefix+"app-id")) {
		return instance{}, shape("no app-id")
	}
	values := c.words(ctx, []string{"placement/region", "instance-id", "public-ipv4"}, prefix)
	if !asianRegion.MatchString(values[0]) {
		return instance{}, shape("no app-id with a region")
	}
	return instance{region: values[0], id: values[1], publicIPv4: values[2], proof: "app-id and region"}, nil
}

func readUpCloud(ctx context.Context, c *metadataClient) (instance, error) {
	var doc struct {
		CloudName  string `json:"cloud_name"`
		InstanceID string `json:"instance_id"`
		Region     string `json:"region"`
		Network    struct {
			Interfaces []struct {
				Type        string `json:"type"`
				IPAddresses []struct {
					Address  string `json:"address"`
					Family   string `json:"family"`
					Floating bool   `json:"floating"`
				} `json:"ip_addresses"`
			} `json:"interfaces"`
		} `json:"network"`
	}
	if err := c.json(ctx, &doc, "/metadata/v1.json"); err != nil {
		return instance{}, err
	}
	if doc.CloudName != "upcloud" {
		return instance{}, shape("cloud_name is not upcloud")
	}
	found := instance{region: doc.Region, id: doc.InstanceID, proof: "cloud_name upcloud"}
	for _, nic := range doc.Network.Interfaces {
		for _, addr := range nic.IPAddresses {
			if nic.Type == "public" && addr.Family == "IPv4" && !addr.Floating && found.publicIPv4 == "" {
				found.publicIPv4 = addr.Address
			}
		}
	}
	return found, nil
}

// readExoscale: the answer is of the shape of EC2, DMI alone proves Exoscale.
func readExoscale(ctx context.Context, c *metadataClient) (instance, error) {
	const prefix = "/1.0/meta-data/"
	id := c.word(ctx, prefix+"instance-id")
	if !uuid.MatchString(strings.ToLower(id)) {
		return instance{}, shape("no instance-id")
	}
	values := c.words(ctx, []string{"availability-zone", "public-ipv4"}, prefix)
	return instance{region: values[0], id: id, publicIPv4: values[1], proof: "instance-id"}, nil
}

// words asks for several values at once.
func (c *metadataClient) words(ctx context.Context, names []string, prefix string, headers ...string) []string {
	values := make([]string, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			a, err := c.get(ctx, prefix+name, headers...)
			if err == nil {
				values[i] = oneLine(string(a.body))
			}
		})
	}
	group.Wait()
	return values
}

// oneLine is oneWord with blanks allowed inside.
func oneLine(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 4096 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' || r == '<' }) {
		return ""
	}
	return text
}

// withoutLast cuts the last part of a zone: europe-west1-b, fr-par-1.
func withoutLast(zone string) string {
	if i := strings.LastIndex(zone, "-"); i > 0 {
		return zone[:i]
	}
	return zone
}

func atOnce(tasks ...func()) {
	var group sync.WaitGroup
	for _, task := range tasks {
		group.Go(task)
	}
	group.Wait()
}
