package rules

import (
	"fmt"
	"strconv"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// widestPublicRange is how many public addresses make a list of authorized
// networks as good as open: as many as in a /8.
const widestPublicRange = 1 << 24

var authorizedNetworks = &audit.Rule{
	ID:       "authorized-networks",
	Title:    "The control plane's public endpoint admits authorized networks only",
	Severity: audit.High,
	Weight:   "One leaked credential, or one flaw in the API server, is enough to take the cluster from anywhere.",
	Since:    "0.1.0",
	Rationale: `A public endpoint without authorized networks answers the whole internet. Then
nothing but authentication stands between anybody and the Kubernetes API: a leaked
token or key, or a flaw in the API server, is enough.`,
	Checks: `Whether the control plane has a public IP endpoint
(controlPlaneEndpointsConfig.ipEndpointsConfig, else the deprecated
privateClusterConfig), and then its authorized networks. Disabled fails. Enabled
with an empty list passes: nobody from outside is admitted. A list that is as good
as open fails: a block of length 0, or 16,777,216 (2^24) or more public IPv4
addresses when overlaps are counted once and private and reserved ranges not at
all. Which IPv6 ranges GKE admits is not documented: as many addresses as a /16 has, or
more, are unknown. Without IP endpoints (DNS endpoint only) it does not apply, because
authorized networks do not filter that endpoint. Access from Google Cloud's own
addresses is noted, not judged.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Name the networks that may reach the control plane", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-master-authorized-networks --master-authorized-networks=CIDR,CIDR`},
			{Title: "Or do without IP endpoints, with the DNS endpoint in their place", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --enable-dns-access`},
			{Title: "Then turn IP endpoints off", Before: "Check that every caller reaches the DNS endpoint: callers of the IP endpoints are locked out at once.", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-ip-access`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false
    cidr_blocks {
      cidr_block   = "CIDR"
      display_name = "office"
    }
  }
}`,
		Disruption: `No restart. The list is replaced as a whole: callers that are missing from it are
locked out at once. Users of the DNS endpoint need container.clusters.connect.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Add authorized networks for control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks"},
		{Title: "About network isolation in GKE", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/network-isolation"},
		{Title: "Harden your cluster's security: restrict control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#restrict_control_plane_access"},
	},
	Controls: []audit.Control{
		{Framework: audit.CISGKE19, ID: "5.6.3"},
		{Framework: audit.CISGKEAutopilot13, ID: "5.4.2"},
		{Framework: audit.SCC, ID: "MASTER_AUTHORIZED_NETWORKS_DISABLED"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		return judgeControlPlane(c).Noting(openDNSEndpoint(c))
	}),
}

func judgeControlPlane(c *audit.Cluster) audit.Verdict {
	if v, off := ipEndpointsOff(c); off {
		return v
	}
	public, endpoint := publicEndpoint(c)
	networks, field := authorizedNetworksOf(c)
	if !public {
		v := audit.Passf("the control plane has no public endpoint").Because(endpoint...)
		if (!networks.GetEnabled() || !networks.GetPrivateEndpointEnforcementEnabled()) && !listHoldsByPeering(c) {
			v = v.Noting("whoever can route to its private endpoint reaches it")
		}
		return v
	}
	name := c.ResourceName()
	enabled := audit.Evidence{Resource: name, Field: field + ".enabled", Value: "true"}
	if !networks.GetEnabled() {
		// Plain bool: false is left out, and the message may hold other fields.
		enabled = audit.Absent(name, enabled.Field, "authorized networks are off")
		return audit.Failf("the public endpoint is open to the internet").Because(enabled).Because(endpoint...)
	}
	note, because := googleCloudAccess(c)
	return judgeBlocks(name, field, networks.GetCidrBlocks(), widestPublicRange-1).Noting(note).Because(because...).Because(enabled).Because(endpoint...)
}

// judgeBlocks judges a list of authorized networks that is to admit so many public IPv4
// addresses at most.
func judgeBlocks(name, field string, blocks []*containerpb.MasterAuthorizedNetworksConfig_CidrBlock, most uint64) audit.Verdict {
	field += ".cidrBlocks"
	if len(blocks) == 0 {
		return audit.Passf("authorized networks are on with an empty list").Because(
			audit.Absent(name, field, "the list admits nobody"))
	}
	var list, invalid []string
	var as addressSet
	for _, b := range blocks {
		list = append(list, b.GetCidrBlock())
		if !as.add(b.GetCidrBlock()) {
			invalid = append(invalid, strconv.Quote(b.GetCidrBlock()))
		}
	}
	evidence := audit.Evidence{Resource: name, Field: field, Value: shorten(list)}
	public := as.publicIPv4()
	switch {
	case as.allIPv4():
		return audit.Failf("authorized networks are on but admit every address").Because(evidence)
	case as.allIPv6():
		return audit.Failf("authorized networks are on but admit every IPv6 address").Because(evidence)
	case public > most:
		return audit.Failf("authorized networks are on but admit %s", count(public, "public address", "public addresses")).Because(evidence)
	case len(invalid) > 0:
		return audit.Unknownf("not a CIDR block: %s", strings.Join(invalid, ", ")).Because(evidence)
	case as.wideIPv6():
		return audit.Unknownf("authorized networks hold a wide IPv6 range, and whether GKE admits it is not documented").Because(evidence)
	}
	v := audit.Passf("%s admitted", count(public, "public address is", "public addresses are"))
	if public == 0 && len(as.v6) == 0 {
		v = audit.Passf("authorized networks are on; the list holds private ranges only, which admit nobody to the public endpoint")
	}
	if len(as.v6) > 0 {
		v = v.Noting("besides IPv6 ranges, which are not counted")
	}
	return v.Because(evidence)
}

// googleCloudAccess says for a message whether addresses of Google Cloud reach the public
// endpoint.
func googleCloudAccess(c *audit.Cluster) (string, []audit.Evidence) {
	const open = "besides, all of Google Cloud's public addresses are admitted, other customers' VMs among them"
	v := judgeGoogleCloudAccess(c)
	switch v.Status {
	case audit.Fail:
		return open, v.Evidence
	case audit.Unknown:
		return open + " (assumed)", v.Evidence
	}
	return "", v.Evidence
}

func shorten(list []string) string {
	const most = 20
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes a number with commas.
func thousands(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
