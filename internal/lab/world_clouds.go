package lab

import "strings"

const (
	linkLocal   = "169.254.169.254:80"
	linkLocal6  = "[fe80::a9fe:a9fe]:80"
	labIPv4     = "203.0.113.10" // the first server's address
	jsonKind    = "application/json"
	cloudInit   = "https://github.com/canonical/cloud-init/blob/main/tests/unittests/sources/"
	awsToken    = "X-aws-ec2-metadata-token"
	aliyunToken = "X-aliyun-ecs-metadata-token"
)

// clouds are the providers' machines. Each quotes the source of its documents;
// names, ids and addresses in them are replaced by ones for documentation.
func clouds() map[string]*CloudMachine {
	all := map[string]*CloudMachine{}
	for _, m := range []*CloudMachine{
		awsCloud(), gcpCloud(), azureCloud(), digitalOceanCloud(), hetznerCloud(), ovhCloud(), openStackCloud(),
		vultrCloud(), linodeCloud(), oracleCloud(), scalewayCloud(), alibabaCloud(), tencentCloud(), ibmCloud(),
		upCloud(), exoscaleCloud(), contaboCloud(), hyperVCloud(), brightboxCloud(),
	} {
		all[m.ID] = m
	}
	return all
}

// values makes a route of each line "name value" below a prefix.
func values(prefix string, need map[string]string, refuse int, lines string) []metadataRoute {
	var routes []metadataRoute
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		routes = append(routes, metadataRoute{path: prefix + name, need: need, refuse: refuse, body: value})
	}
	return routes
}

func awsCloud() *CloudMachine {
	token := map[string]string{awsToken: "AQAEALabTokenOfTheInstanceMetadataService=="}
	return &CloudMachine{
		ID:     "aws",
		Source: "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html",
		DMI: map[string]string{
			"sys_vendor": "Amazon EC2", "bios_vendor": "Amazon EC2", "bios_version": "1.0", "board_vendor": "Amazon EC2",
			"product_name": "t3.micro", "product_version": "", "chassis_vendor": "Amazon EC2", "chassis_asset_tag": "Amazon EC2",
			"board_asset_tag": "i-0123456789abcdef0",
		},
		Region: "eu-west-1", InstanceID: "i-0123456789abcdef0", PublicIPv4: labIPv4,
		at:      []string{linkLocal, "[fd00:ec2::254]:80"},
		headers: map[string]string{"Server": "EC2ws"},
		routes: append(append(awsRole(token), values("/latest/meta-data/", token, 401, `instance-id i-0123456789abcdef0
			placement/region eu-west-1
			placement/availability-zone eu-west-1a
			ami-id ami-0abcdef1234567890
			public-ipv4 `+labIPv4)...),
			metadataRoute{method: "PUT", path: "/latest/api/token", need: map[string]string{awsToken + "-ttl-seconds": "*"}, refuse: 400, body: token[awsToken]},
			metadataRoute{path: "/latest/dynamic/instance-identity/document", need: token, refuse: 401, body: `{
  "accountId" : "123456789012",
  "architecture" : "x86_64",
  "availabilityZone" : "eu-west-1a",
  "billingProducts" : null,
  "devpayProductCodes" : null,
  "marketplaceProductCodes" : null,
  "imageId" : "ami-0abcdef1234567890",
  "instanceId" : "i-0123456789abcdef0",
  "instanceType" : "t3.micro",
  "kernelId" : null,
  "pendingTime" : "2026-11-01T08:15:38Z",
  "privateIp" : "10.158.112.84",
  "ramdiskId" : null,
  "region" : "eu-west-1",
  "version" : "2017-09-30"
}`},
		),
	}
}

func gcpCloud() *CloudMachine {
	flavor := map[string]string{"Metadata-Flavor": "Google"}
	return &CloudMachine{
		ID:     "gcp",
		Source: "https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys",
		DMI: map[string]string{
			"sys_vendor": "Google", "bios_vendor": "Google", "bios_version": "Google", "board_vendor": "Google",
			"product_name": "Google Compute Engine", "product_version": "", "chassis_vendor": "Google", "chassis_asset_tag": "",
			"product_serial": "GoogleCloud-0123456789ABCDEF0123456789ABCDEF",
		},
		Region: "europe-west1", InstanceID: "3141592653589793238", PublicIPv4: labIPv4,
		at:      []string{linkLocal},
		names:   []string{"metadata.google.internal", "metadata"},
		headers: map[string]string{"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"},
		routes: append(values("/computeMetadata/v1/instance/", flavor, 403, `id 3141592653589793238
			zone projects/123456789012/zones/europe-west1-b
			network-interfaces/0/access-configs/0/external-ip `+labIPv4),
			metadataRoute{path: "/computeMetadata/v1/instance/?recursive=true", need: flavor, refuse: 403, kind: jsonKind, body: `{"attributes":{},"cpuPlatform":"AMD Rome",` +
				`"description":"","disks":[{"deviceName":"persistent-disk-0","index":0,"mode":"READ_WRITE","type":"PERSISTENT-SSD"}],"hostname":"mail.europe-west1-b.c.example-project.internal",` +
				`"id":3141592653589793238,"image":"projects/debian-cloud/global/images/debian-12-bookworm-v20261110","machineType":"projects/123456789012/machineTypes/e2-small","name":"mail",` +
				`"networkInterfaces":[{"accessConfigs":[{"externalIp":"` + labIPv4 + `","type":"ONE_TO_ONE_NAT"}],"dnsServers":["169.254.169.254"],"ip":"10.132.0.2","mac":"42:01:0a:84:00:02","mtu":1460,"network":"projects/123456789012/networks/default"}],` +
				`"zone":"projects/123456789012/zones/europe-west1-b"}`},
		),
	}
}

func azureCloud() *CloudMachine {
	return &CloudMachine{
		ID:     "azure",
		Source: "https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service",
		DMI: map[string]string{
			"sys_vendor": "Microsoft Corporation", "bios_vendor": "American Megatrends Inc.", "bios_version": "090008", "board_vendor": "Microsoft Corporation",
			"product_name": "Virtual Machine", "product_version": "7.0", "chassis_vendor": "Microsoft Corporation",
			"chassis_asset_tag": "7783-7084-3265-9085-8269-3286-77",
		},
		Region: "westeurope", InstanceID: "02aab8a4-74ef-476e-8182-f6d2ba4166a6", PublicIPv4: labIPv4,
		at:      []string{linkLocal},
		headers: map[string]string{"Server": "IMDS/150.870.65.1854"},
		routes: []metadataRoute{{path: "/metadata/instance", need: map[string]string{"Metadata": "true"}, refuse: 400, kind: jsonKind, body: `{
  "compute": {"azEnvironment": "AzurePublicCloud", "location": "westeurope", "name": "mail", "offer": "debian-12", "osType": "Linux",
    "placementGroupId": "", "platformFaultDomain": "0", "provider": "Microsoft.Compute", "publisher": "debian", "resourceGroupName": "mail_group", "sku": "12-gen2",
    "subscriptionId": "8d10da13-8125-4ba9-a717-bf7490507b3d", "version": "0.20261110.1", "vmId": "02aab8a4-74ef-476e-8182-f6d2ba4166a6", "vmSize": "Standard_B1s", "zone": ""},
  "network": {"interface": [{"ipv4": {"ipAddress": [{"privateIpAddress": "10.144.133.132", "publicIpAddress": "` + labIPv4 + `"}],
    "subnet": [{"address": "10.144.133.128", "prefix": "26"}]}, "ipv6": {"ipAddress": []}, "macAddress": "0011AAFFBB22"}]}
}`}},
	}
}

func digitalOceanCloud() *CloudMachine {
	return &CloudMachine{
		ID:     "digitalocean",
		Source: cloudInit + "test_digitalocean.py",
		DMI: map[string]string{
			"sys_vendor": "DigitalOcean", "bios_vendor": "DigitalOcean", "bios_version": "20171212", "board_vendor": "DigitalOcean",
			"product_name": "Droplet", "product_version": "20171212", "chassis_vendor": "Bochs", "chassis_asset_tag": "", "product_serial": "27223699",
		},
		Region: "nyc3", InstanceID: "27223699", PublicIPv4: labIPv4,
		at: []string{linkLocal},
		routes: []metadataRoute{{path: "/metadata/v1.json", kind: jsonKind, body: `{"droplet_id": 27223699, "hostname": "mail", "public_keys": [],
  "auth_key": "88888888888888888888888888888888", "region": "nyc3",
  "interfaces": {"public": [{"ipv4": {"ip_address": "` + labIPv4 + `", "netmask": "255.255.255.0", "gateway": "203.0.113.1"},
    "anchor_ipv4": {"ip_address": "10.17.0.5", "netmask": "255.255.0.0", "gateway": "10.17.0.1"}, "mac": "ae:cc:08:7c:88:00", "type": "public"}]},
  "floating_ip": {"ipv4": {"active": false}}, "dns": {"nameservers": ["192.0.2.53"]}, "tags": null}`}},
	}
}

func hetznerCloud() *CloudMachine {
	return &CloudMachine{
		ID:     "hetzner",
		Source: cloudInit + "test_hetzner.py",
		DMI: map[string]string{
			"sys_vendor": "Hetzner", "bios_vendor": "Hetzner", "bios_version": "20171111", "board_vendor": "KVM",
			"product_name": "vServer", "product_version": "20171111", "chassis_vendor": "QEMU", "chassis_asset_tag": "", "product_serial": "123456",
			// Of the form that cloud-init took for EC2 (its issue 6987).
			"product_uuid": "545f25ec-3c7b-4a57-9d0e-6f1a2b3c4d5e",
		},
		Region: "eu-central", InstanceID: "123456", PublicIPv4: labIPv4,
		at: []string{linkLocal, linkLocal6},
		routes: append(values("/hetzner/v1/metadata/", nil, 0, `instance-id 123456
			region eu-central
			availability-zone nbg1-dc3
			hostname mail
			public-ipv4 `+labIPv4),
			metadataRoute{path: "/hetzner/v1/metadata", body: `availability-zone: nbg1-dc3
hostname: mail
instance-id: 123456
local-ipv4: ''
network-config:
  config:
  - mac_address: 96:00:00:08:19:da
    name: eth0
    subnets:
    - dns_nameservers:
      - 185.12.64.1
      ipv4: true
      type: dhcp
    type: physical
  version: 1
public-ipv4: ` + labIPv4 + `
public-keys: []
region: eu-central
vendor_data: ""
`}),
	}
}

// openStackRoutes are the paths of OpenStack's nova, EC2's among them.
func openStackRoutes(zone, linkType string) []metadataRoute {
	return append(values("/latest/meta-data/", nil, 0, `instance-id i-00000052
		ami-id ami-00000052
		placement/availability-zone `+zone+`
		public-ipv4 `+labIPv4),
		metadataRoute{path: "/openstack/latest/meta_data.json", kind: jsonKind, body: `{"random_seed": "AAAA", "uuid": "b0fa911b-69d4-4476-bbe2-1c92bff6535c",
  "availability_zone": "` + zone + `", "hostname": "mail.novalocal", "launch_index": 0, "devices": [], "meta": {}, "public_keys": {},
  "project_id": "6c7c1a3b2d1e4f5a9b8c7d6e5f4a3b2c", "name": "mail"}`},
		metadataRoute{path: "/openstack/latest/network_data.json", kind: jsonKind, body: `{"links": [{"ethernet_mac_address": "fa:16:3e:05:30:fe", "id": "tap1a81968a-79", "mtu": 1500,
  "type": "` + linkType + `", "vif_id": "1a81968a-797a-400f-8a80-567f997eb93f"}], "networks": [{"id": "network0", "link": "tap1a81968a-79", "network_id": "dacd568d-5be6-4786-91fe-750c374b78b4", "type": "ipv4_dhcp"}],
  "services": [{"address": "192.0.2.53", "type": "dns"}]}`},
		metadataRoute{path: "/latest/meta-data/", body: "ami-id\ninstance-id\nplacement/\npublic-ipv4"},
	)
}

var openStackDMI = map[string]string{
	"sys_vendor": "OpenStack Foundation", "bios_vendor": "SeaBIOS", "bios_version": "1.15.0-1", "board_vendor": "",
	"product_name": "OpenStack Nova", "product_version": "25.2.0", "chassis_vendor": "QEMU", "chassis_asset_tag": "OpenStack Nova",
}

func ovhCloud() *CloudMachine {
	return &CloudMachine{
		ID: "ovh", Source: cloudInit + "test_openstack.py and helpers/openstack.py (link type bgpovs)",
		DMI:    openStackDMI,
		Region: "nova", InstanceID: "b0fa911b-69d4-4476-bbe2-1c92bff6535c", PublicIPv4: labIPv4,
		at: []string{linkLocal, linkLocal6}, routes: openStackRoutes("nova", "bgpovs"),
	}
}

func openStackCloud() *CloudMachine {
	m := ovhCloud()
	m.ID, m.Source, m.Region = "openstack", cloudInit+"test_openstack.py", "az-1"
	m.routes = openStackRoutes("az-1", "ovs")
	return m
}

func vultrCloud() *CloudMachine {
	return &CloudMachine{
		ID: "vultr", Source: cloudInit + "test_vultr.py",
		DMI:    map[string]string{"sys_vendor": "Vultr", "bios_vendor": "SeaBIOS", "bios_version": "", "board_vendor": "Vultr", "product_name": "VHP", "product_version": "", "chassis_vendor": "Vultr", "chassis_asset_tag": ""},
		Region: "EWR", InstanceID: "29bea708-2e6e-480a-90ad-0e6b5d5ad62f", PublicIPv4: labIPv4,
		at: []string{linkLocal},
		routes: []metadataRoute{{path: "/v1.json", kind: jsonKind, body: `{"bgp":{"ipv4":{"my-address":"","my-asn":"","peer-address":"","peer-asn":""}},"hostname":"mail","local-hostname":"mail",
  "instance-v2-id":"29bea708-2e6e-480a-90ad-0e6b5d5ad62f","instance-id":"29bea708-2e6e-480a-90ad-0e6b5d5ad62f","instanceid":"42506325",
  "interfaces":[{"ipv4":{"additional":[],"address":"` + labIPv4 + `","gateway":"203.0.113.1","netmask":"255.255.255.0"},"ipv6":{"additional":[],"network":"","prefix":""},"mac":"56:00:03:15:c4:65","network-type":"public"}],
  "public-keys":[],"region":{"regioncode":"EWR","countrycode":"US"},"user-defined":[]}`}},
	}
}

func linodeCloud() *CloudMachine {
	token := map[string]string{"Metadata-Token": "c249f11bc2abf86a3d4f4be7d3c2b5a1"}
	return &CloudMachine{
		ID: "linode", Source: "https://techdocs.akamai.com/cloud-computing/docs/metadata-service-api and " + cloudInit + "helpers/test_akamai.py",
		DMI:    map[string]string{"sys_vendor": "Akamai", "bios_vendor": "SeaBIOS", "bios_version": "rel-1.16.2", "board_vendor": "Linode", "product_name": "Compute Instance", "product_version": "Not Specified", "chassis_vendor": "Linode", "chassis_asset_tag": "", "product_serial": "53434567"},
		Region: "us-iad", InstanceID: "53434567", PublicIPv4: labIPv4,
		at: []string{linkLocal, "[fd00:a9fe:a9fe::1]:80"},
		routes: []metadataRoute{
			{method: "PUT", path: "/v1/token", need: map[string]string{"Metadata-Token-Expiry-Seconds": "*"}, refuse: 400, body: token["Metadata-Token"]},
			{path: "/v1/instance", need: token, refuse: 401, kind: jsonKind, body: `{"id": 53434567, "label": "mail", "region": "us-iad", "type": "g6-standard-1", "host_uuid": "a631b16d14534d84e2830da16d1b28e1", "tags": [], "backups": {"enabled": false, "status": null}, "specs": {"vcpus": 1, "memory": 2048, "gpus": 0, "transfer": 2000, "disk": 51200}}`},
			{path: "/v1/network", need: token, refuse: 401, kind: jsonKind, body: `{"interfaces": [], "ipv4": {"public": ["` + labIPv4 + `/32"], "private": [], "elastic": []}, "ipv6": {"ranges": [], "link_local": "fe80::f03c:93ff:fe00:1/128", "elastic_ranges": []}}`},
		},
	}
}

func oracleCloud() *CloudMachine {
	id := "ocid1.instance.oc1.phx.anyhqljtniwq6syc3nex55sep5w34qbwmw6exampleexampleexampleexample"
	return &CloudMachine{
		ID: "oracle", Source: cloudInit + "test_oracle.py",
		DMI:    map[string]string{"sys_vendor": "QEMU", "bios_vendor": "EFI Development Kit II / OVMF", "bios_version": "1.6.6", "board_vendor": "", "product_name": "Standard PC (i440FX + PIIX, 1996)", "product_version": "pc-i440fx-7.2", "chassis_vendor": "QEMU", "chassis_asset_tag": "OracleCloud.com"},
		Region: "us-phoenix-1", InstanceID: id,
		at: []string{linkLocal, "[fd00:c1::a9fe:a9fe]:80"},
		routes: []metadataRoute{{path: "/opc/v2/instance/", need: map[string]string{"Authorization": "Bearer Oracle"}, refuse: 403, kind: jsonKind, body: `{
  "availabilityDomain" : "qIZq:PHX-AD-1", "faultDomain" : "FAULT-DOMAIN-2", "compartmentId" : "ocid1.tenancy.oc1..aaaaaaaaexample",
  "displayName" : "mail", "hostname" : "mail", "id" : "` + id + `", "image" : "ocid1.image.oc1.phx.aaaaaaaaexample", "metadata" : { },
  "region" : "phx", "canonicalRegionName" : "us-phoenix-1", "ociAdName" : "phx-ad-3", "shape" : "VM.Standard2.1", "state" : "Running", "timeCreated" : 1584727285318
}`}},
	}
}

func scalewayCloud() *CloudMachine {
	return &CloudMachine{
		ID: "scaleway", Source: cloudInit + "test_scaleway.py; zone and public_ip: https://www.scaleway.com/en/docs/instances/how-to/use-cloud-init/",
		DMI:    map[string]string{"sys_vendor": "Scaleway", "bios_vendor": "Scaleway", "bios_version": "1.0", "board_vendor": "", "product_name": "SCW-DEV1-S", "product_version": "pc-i440fx-6.0", "chassis_vendor": "QEMU", "chassis_asset_tag": ""},
		Region: "fr-par", InstanceID: "f1c9ee74-2f1c-4f0a-9a4b-6b1c3c3a5d10", PublicIPv4: labIPv4,
		at: []string{"169.254.42.42:80", "[fd00:42::42]:80"},
		routes: []metadataRoute{{path: "/conf?format=json", kind: jsonKind, body: `{"id": "f1c9ee74-2f1c-4f0a-9a4b-6b1c3c3a5d10", "name": "mail", "commercial_type": "DEV1-S", "hostname": "mail", "tags": [],
  "zone": "fr-par-1", "location": {"zone_id": "fr-par-1", "platform_id": "14", "hypervisor_id": "602", "cluster_id": "37", "node_id": "21"},
  "private_ip": "10.1.2.3", "public_ip": {"address": "` + labIPv4 + `", "dynamic": false, "gateway": "62.210.0.1", "netmask": "32", "family": "inet"}, "ipv6": null, "ssh_public_keys": [], "timezone": "UTC", "state_detail": "booted"}`}},
	}
}

func alibabaCloud() *CloudMachine {
	token := map[string]string{aliyunToken: "AQAAAABlab0token"}
	return &CloudMachine{
		ID: "alibaba", Source: cloudInit + "test_aliyun.py and https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata",
		DMI:    map[string]string{"sys_vendor": "Alibaba Cloud", "bios_vendor": "SeaBIOS", "bios_version": "449e491", "board_vendor": "", "product_name": "Alibaba Cloud ECS", "product_version": "pc-i440fx-2.1", "chassis_vendor": "Alibaba Cloud", "chassis_asset_tag": ""},
		Region: "eu-central-1", InstanceID: "i-gw8abcdefghijklmnop1", PublicIPv4: labIPv4,
		at: []string{"100.100.100.200:80"},
		routes: append(values("/latest/meta-data/", token, 403, `instance-id i-gw8abcdefghijklmnop1
			region-id eu-central-1
			zone-id eu-central-1a
			owner-account-id 1609000000000001
			instance/virtualization-solution ECS Virt
			network-type vpc
			eipv4 `+labIPv4),
			metadataRoute{method: "PUT", path: "/latest/api/token", need: map[string]string{aliyunToken + "-ttl-seconds": "*"}, refuse: 400, body: token[aliyunToken]},
		),
	}
}

func tencentCloud() *CloudMachine {
	return &CloudMachine{
		ID: "tencent", Source: "https://www.tencentcloud.com/document/product/213/4934 (recalled)",
		DMI:    map[string]string{"sys_vendor": "Tencent Cloud", "bios_vendor": "SeaBIOS", "bios_version": "seabios-1.9.1-qemu-project.org", "board_vendor": "Smdbmds", "product_name": "CVM", "product_version": "3.0", "chassis_vendor": "Smdbmds", "chassis_asset_tag": ""},
		Region: "eu-frankfurt", InstanceID: "ins-abcd1234", PublicIPv4: labIPv4,
		at: []string{"169.254.0.23:80"}, names: []string{"metadata.tencentyun.com"},
		routes: values("/latest/meta-data/", nil, 0, `instance-id ins-abcd1234
			app-id 1250000000
			placement/region eu-frankfurt
			placement/zone eu-frankfurt-1
			public-ipv4 `+labIPv4),
	}
}

func ibmCloud() *CloudMachine {
	bearer := map[string]string{"Authorization": "Bearer eyJraWQiOiJsYWIifQ.lab.token"}
	tokenBody := `{"access_token": "eyJraWQiOiJsYWIifQ.lab.token", "created_at": "2026-11-22T00:00:00Z", "expires_at": "2026-11-22T00:05:00Z", "expires_in": 300}`
	flavor := map[string]string{"Metadata-Flavor": "ibm"}
	return &CloudMachine{
		ID: "ibm", Source: "https://cloud.ibm.com/docs/vpc?topic=vpc-imd-get-metadata",
		DMI:    map[string]string{"sys_vendor": "QEMU", "bios_vendor": "SeaBIOS", "bios_version": "1.13.0-1", "board_vendor": "", "product_name": "pc-q35-6.2", "product_version": "", "chassis_vendor": "IBM:Cloud Compute Server 1.0:bx2-2x8", "chassis_asset_tag": ""},
		Region: "eu-de", InstanceID: "0717_e21b7391-2ca2-4ab5-84a8-b92157a633b0",
		at: []string{linkLocal}, names: []string{"api.metadata.cloud.ibm.com"},
		routes: []metadataRoute{
			{method: "PUT", path: "/instance_identity/v1/token", need: flavor, refuse: 400, kind: jsonKind, body: tokenBody},
			{method: "PUT", path: "/identity/v1/token", need: flavor, refuse: 400, kind: jsonKind, body: tokenBody},
			{path: "/metadata/v1/instance", need: bearer, refuse: 401, kind: jsonKind, body: `{"bandwidth": 4000, "created_at": "2026-11-01T00:00:00.000Z",
  "crn": "crn:v1:bluemix:public:is:eu-de-2:a/123456::instance:0717_e21b7391-2ca2-4ab5-84a8-b92157a633b0", "href": "https://eu-de.iaas.cloud.ibm.com/v1/instances/0717_e21b7391-2ca2-4ab5-84a8-b92157a633b0",
  "id": "0717_e21b7391-2ca2-4ab5-84a8-b92157a633b0", "memory": 8, "name": "mail", "profile": {"name": "bx2-2x8"}, "resource_group": {"id": "5018a8564e8120570150b0764d39ebcc"},
  "vcpu": {"architecture": "amd64", "count": 2}, "zone": {"name": "eu-de-2"}}`},
		},
	}
}

func upCloud() *CloudMachine {
	return &CloudMachine{
		ID: "upcloud", Source: cloudInit + "test_upcloud.py",
		DMI:    map[string]string{"sys_vendor": "UpCloud", "bios_vendor": "SeaBIOS", "bios_version": "1.16", "board_vendor": "", "product_name": "Cloud Server", "product_version": "", "chassis_vendor": "UpCloud", "chassis_asset_tag": ""},
		Region: "fi-hel2", InstanceID: "00322b68-0096-4042-9406-faad61922128", PublicIPv4: labIPv4,
		at: []string{linkLocal},
		routes: []metadataRoute{{path: "/metadata/v1.json", kind: jsonKind, body: `{"cloud_name": "upcloud", "instance_id": "00322b68-0096-4042-9406-faad61922128", "hostname": "mail", "platform": "servers",
  "subplatform": "metadata (http://169.254.169.254)", "public_keys": [], "region": "fi-hel2",
  "network": {"interfaces": [
    {"index": 1, "ip_addresses": [
      {"address": "203.0.113.50", "dhcp": false, "dns": null, "family": "IPv4", "floating": true, "gateway": "", "network": "203.0.113.50/32"},
      {"address": "` + labIPv4 + `", "dhcp": true, "dns": ["192.0.2.53"], "family": "IPv4", "floating": false, "gateway": "203.0.113.1", "network": "203.0.113.0/24"}],
      "mac": "3a:d6:ba:4a:36:e7", "network_id": "031457f4-0f8c-483c-96f2-eccede02909c", "type": "public"},
    {"index": 2, "ip_addresses": [{"address": "10.6.3.27", "dhcp": true, "dns": null, "family": "IPv4", "floating": false, "gateway": "10.6.0.1", "network": "10.6.0.0/22"}],
      "mac": "3a:d6:ba:4a:84:cc", "network_id": "03d82553-5bea-4132-b29a-e1cf67ec2dd1", "type": "utility"}],
    "dns": ["192.0.2.53"]}, "tags": [], "user_data": "", "vendor_data": ""}`}},
	}
}

func exoscaleCloud() *CloudMachine {
	return &CloudMachine{
		ID: "exoscale", Source: cloudInit + "test_exoscale.py and https://community.exoscale.com/product/compute/instances/how-to/cloud-init/",
		DMI:    map[string]string{"sys_vendor": "Exoscale", "bios_vendor": "SeaBIOS", "bios_version": "1.16", "board_vendor": "", "product_name": "Exoscale Compute Platform", "product_version": "1.0", "chassis_vendor": "Exoscale", "chassis_asset_tag": ""},
		Region: "ch-gva-2", InstanceID: "c8b5a1de-2c9f-4f3a-8d1b-7e6f5a4b3c2d", PublicIPv4: labIPv4,
		at: []string{linkLocal},
		routes: values("/1.0/meta-data/", nil, 0, `instance-id c8b5a1de-2c9f-4f3a-8d1b-7e6f5a4b3c2d
			availability-zone ch-gva-2
			local-hostname mail
			public-ipv4 `+labIPv4),
	}
}

// contaboCloud is a plain KVM guest: nothing local tells the provider.
func contaboCloud() *CloudMachine {
	return &CloudMachine{
		ID: "contabo", Source: "the defaults of QEMU, https://www.qemu.org/docs/master/system/invocation.html",
		DMI: map[string]string{"sys_vendor": "QEMU", "bios_vendor": "SeaBIOS", "bios_version": "rel-1.16.3-0-ga6ed6b701f0a-prebuilt.qemu.org", "board_vendor": "", "product_name": "Standard PC (i440FX + PIIX, 1996)", "product_version": "pc-i440fx-9.0", "chassis_vendor": "QEMU", "chassis_asset_tag": ""},
	}
}

// hyperVCloud is Hyper-V at home: Azure's vendor and product, another tag.
func hyperVCloud() *CloudMachine {
	m := azureCloud()
	return &CloudMachine{
		ID: "hyperv", Source: "https://github.com/tailscale/tailscale/blob/main/util/cloudenv/cloudenv.go (comment)",
		DMI: map[string]string{"sys_vendor": m.DMI["sys_vendor"], "bios_vendor": "Microsoft Corporation", "bios_version": "Hyper-V UEFI Release v4.1", "board_vendor": m.DMI["board_vendor"],
			"product_name": m.DMI["product_name"], "product_version": "Hyper-V UEFI Release v4.1", "chassis_vendor": m.DMI["chassis_vendor"], "chassis_asset_tag": "4137-1830-6574-0263-7219-4528-31"},
	}
}

// brightboxCloud answers EC2's paths and is not AWS.
func brightboxCloud() *CloudMachine {
	return &CloudMachine{
		ID: "brightbox", Source: "https://github.com/canonical/cloud-init/blob/main/tests/unittests/test_ds_identify.py",
		DMI: map[string]string{"sys_vendor": "Brightbox", "bios_vendor": "SeaBIOS", "bios_version": "1.0", "board_vendor": "", "product_name": "Cloud Server", "product_version": "", "chassis_vendor": "Brightbox", "chassis_asset_tag": "", "product_serial": "srv-otuxg.gb1.brightbox.com"},
		at:  []string{linkLocal},
		routes: values("/latest/meta-data/", nil, 0, `instance-id srv-otuxg
			ami-id img-xyz12
			public-ipv4 `+labIPv4),
	}
}
