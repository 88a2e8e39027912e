package detect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The services that hand out a session token first.

// readAWS starts with the PUT of IMDSv2: a GET without a token raises the
// customer's MetadataNoToken alarm, and IMDSv1 answers forgeries.
func readAWS(ctx context.Context, c *metadataClient) (instance, error) {
	token, err := c.token(ctx, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	if err != nil {
		return instance{}, err
	}
	header := []string{"X-aws-ec2-metadata-token", token}
	var doc struct {
		ImageID    string `json:"imageId"`
		InstanceID string `json:"instanceId"`
		Region     string `json:"region"`
	}
	var address string
	atOnce(
		func() { err = c.json(ctx, &doc, "/latest/dynamic/instance-identity/document", header...) },
		func() { address = c.word(ctx, "/latest/meta-data/public-ipv4", header...) },
	)
	if err != nil {
		return instance{}, err
	}
	if !awsImage.MatchString(doc.ImageID) || !awsInstance.MatchString(doc.InstanceID) {
		return instance{}, shape("no imageId ami-... with an instanceId i-...")
	}
	return instance{region: doc.Region, id: doc.InstanceID, publicIPv4: address, proof: "identity document of EC2"}, nil
}

func readLinode(ctx context.Context, c *metadataClient) (instance, error) {
	token, err := c.token(ctx, "/v1/token", "Metadata-Token-Expiry-Seconds", "300")
	if err != nil {
		return instance{}, err
	}
	header := []string{"Metadata-Token", token, "Accept", "application/json"}
	var doc struct {
		ID     int64  `json:"id"`
		Region string `json:"region"`
	}
	var network struct {
		IPv4 struct {
			Public []string `json:"public"`
		} `json:"ipv4"`
	}
	var noNetwork error
	atOnce(
		func() { err = c.json(ctx, &doc, "/v1/instance", header...) },
		func() { noNetwork = c.json(ctx, &network, "/v1/network", header...) },
	)
	if err != nil {
		return instance{}, err
	}
	if doc.ID <= 0 {
		return instance{}, shape("no id")
	}
	found := instance{region: doc.Region, id: fmt.Sprint(doc.ID), proof: "token and id"}
	if noNetwork == nil && len(network.IPv4.Public) > 0 {
		found.publicIPv4, _, _ = strings.Cut(network.IPv4.Public[0], "/")
	}
	return found, nil
}

func readAlibaba(ctx context.Context, c *metadataClient) (instance, error) {
	token, err := c.token(ctx, "/latest/api/token", "X-aliyun-ecs-metadata-token-ttl-seconds", "60")
	if err != nil {
		return instance{}, err
	}
	values := c.words(ctx, []string{"instance/virtualization-solution", "region-id", "instance-id", "eipv4"},
		"/latest/meta-data/", "X-aliyun-ecs-metadata-token", token)
	if values[0] != "ECS Virt" || !asianRegion.MatchString(values[1]) {
		return instance{}, shape("virtualization-solution is not ECS Virt")
	}
	return instance{region: values[1], id: values[2], publicIPv4: values[3], proof: "virtualization-solution ECS Virt"}, nil
}

// readIBM asks by address with the service's own name in the Host header, so
// that no resolver can answer in its place.
func readIBM(ctx context.Context, c *metadataClient) (instance, error) {
	const version = "?version=2022-03-01"
	a, err := c.ask(ctx, http.MethodPut, "/instance_identity/v1/token"+version, "Metadata-Flavor", "ibm")
	if err != nil {
		return instance{}, err
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(a.body, &token); err != nil || oneLine(token.AccessToken) == "" {
		return instance{}, shape("no access_token")
	}
	var doc struct {
		ID   string `json:"id"`
		CRN  string `json:"crn"`
		Zone struct {
			Name string `json:"name"`
		} `json:"zone"`
	}
	if err := c.json(ctx, &doc, "/metadata/v1/instance"+version, "Authorization", "Bearer "+token.AccessToken); err != nil {
		return instance{}, err
	}
	if !strings.HasPrefix(doc.CRN, "crn:") {
		return instance{}, shape("no crn")
	}
	return instance{region: withoutLast(doc.Zone.Name), id: doc.ID, proof: "token and crn"}, nil
}
