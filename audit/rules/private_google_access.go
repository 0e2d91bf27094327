package rules

import (
	"slices"
	"strconv"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var privateGoogleAccess = &audit.Rule{
	ID:       "private-google-access",
	Title:    "Private nodes reach Google APIs by Private Google Access",
	Severity: audit.Medium,
	Weight:   "Private nodes without it can fail to register or to pull images, and the usual quick fix, external addresses, takes away the layer that private nodes are.",
	Since:    "0.1.0",
	Rationale: `A private node needs Google APIs to pull images and to send logs and metrics.
With Private Google Access its packets stay in Google's network. Without, they
depend on Cloud NAT or a proxy: they take up ports and cost processing, and end
with the gateway; or, where there is none, nodes fail to register. VPC Service
Controls with the restricted address range rest on it as well.`,
	Checks: `privateIpGoogleAccess of each subnetwork that holds private nodes of the cluster,
and of additional subnetworks that node pools may be placed in
(ipAllocationPolicy.additionalIpRangesConfigs, unless draining). Absent means off.
It is a property of the subnetwork, which belongs to the host project in a Shared
VPC; GKE turns it on by itself only outside of a Shared VPC. Routes and DNS zones
are not judged here.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Turn Private Google Access on", Commands: `gcloud compute networks subnets update {subnetwork} \
    --region={region} --project={host} --enable-private-ip-google-access`},
		},
		Terraform: `resource "google_compute_subnetwork" "subnetwork" {
  # name = {subnetwork}, project = {host}
  private_ip_google_access = true
}`,
		Disruption: `None. It takes compute.subnetworks.setPrivateIpGoogleAccess in the project that
owns the subnetwork (roles/compute.networkAdmin has it).`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Private Google Access", URL: "https://docs.cloud.google.com/vpc/docs/private-google-access"},
		{Title: "Configure Private Google Access", URL: "https://docs.cloud.google.com/vpc/docs/configure-private-google-access"},
		{Title: "Clusters with Shared VPC", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/cluster-shared-vpc"},
	},
	Controls: []audit.Control{
		{Framework: audit.SCC, ID: "CLUSTER_PRIVATE_GOOGLE_ACCESS_DISABLED"},
	},
	Needs: []audit.Data{audit.Subnetworks},
	Uses:  []audit.Data{audit.Routers, audit.Routes},
	Reads: []audit.Parameter{audit.AirGappedNetworks},
	Check: checkPrivateGoogleAccess,
}

func checkPrivateGoogleAccess(s *audit.Input, c *audit.Cluster) []audit.Verdict {
	verdicts := audit.EachPrivateSubnetwork(judgeGoogleAccess)(s, c)
	private, _ := c.PrivateSubnetworks()
	if len(private) == 0 {
		return verdicts
	}
	for _, extra := range c.GetIpAllocationPolicy().GetAdditionalIpRangesConfigs() {
		name, ok := c.Subnetwork(extra.GetSubnetwork())
		if !ok && slices.ContainsFunc(verdicts, func(v audit.Verdict) bool { return v.Resource == "" }) {
			continue // the cluster has its verdict for such a name already
		}
		if !ok {
			verdicts = append(verdicts, audit.Unknownf("an additional subnetwork cannot be told by its name, %q", extra.GetSubnetwork()).Because(
				audit.Evidence{Resource: c.ResourceName(), Field: "ipAllocationPolicy.additionalIpRangesConfigs[].subnetwork", Value: strconv.Quote(extra.GetSubnetwork())}))
			continue
		}
		if extra.GetStatus() == containerpb.AdditionalIPRangesConfig_DRAINING ||
			slices.ContainsFunc(verdicts, func(v audit.Verdict) bool { return v.Resource == name.String() }) {
			continue
		}
		v := judgeGoogleAccess(s, c, audit.NodeSubnetwork{Name: name}).On(name.String())
		verdicts = append(verdicts, v.Noting("an additional subnetwork, for node pools to come"))
	}
	return verdicts
}

// nodelessPurposes are the purposes of subnetworks that hold no nodes. Source: purpose
// of subnetworks, in the Compute Engine API reference.
var nodelessPurposes = []string{
	"GLOBAL_MANAGED_PROXY", "INTERNAL_HTTPS_LOAD_BALANCER", "PRIVATE_NAT", "PRIVATE_SERVICE_CONNECT", "REGIONAL_MANAGED_PROXY",
}

func judgeGoogleAccess(s *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork) audit.Verdict {
	const field = "privateIpGoogleAccess"
	name := sn.Name.String()
	subnetwork, gap := s.Subnetwork(sn.Name)
	switch {
	case gap != nil:
		return audit.Hidden(gap)
	case subnetwork == nil:
		return audit.Unknownf("project %s does not list the subnetwork", sn.Name.Project).Because(
			audit.Absent(name, field, "the subnetwork is not in the list of its project"))
	}
	if purpose := subnetwork.GetPurpose(); purpose != "" && purpose != "PRIVATE" && purpose != "PRIVATE_RFC_1918" {
		evidence := audit.Evidence{Resource: name, Field: "purpose", Value: purpose}
		if len(sn.Sources) == 0 && slices.Contains(nodelessPurposes, purpose) {
			return audit.NotApplicablef("a subnetwork of purpose %s holds no nodes", purpose).Because(evidence)
		}
		return audit.Unknownf("what nodes do in a subnetwork of purpose %s is not known", purpose).Because(evidence)
	}
	if subnetwork.GetPrivateIpGoogleAccess() {
		return audit.Passf("Private Google Access is on").Because(audit.Evidence{Resource: name, Field: field, Value: "true"})
	}
	evidence := audit.Evidence{Resource: name, Field: field, Value: "false"}
	if subnetwork.PrivateIpGoogleAccess == nil {
		evidence = audit.Absent(name, field, "off")
	}
	v := audit.Failf("Private Google Access is off").Because(evidence)
	if sn.Name.Project != c.Project {
		v = v.Noting("the subnetwork belongs to host project " + sn.Name.Project)
	}
	if len(sn.Sources) > 0 {
		v = v.Noting("used by " + audit.JoinSources(sn.Sources))
	}
	if network, _, ok := networkOf(s, c, sn.Name); ok && s.Parameters.AirGapped(network) {
		v = v.Noting("the network is declared air-gapped, so that nothing else is to lead to Google APIs")
	}
	note, because := natMeanwhile(s, c, sn, subnetwork.GetNetwork())
	return v.Noting(note).Because(because...)
}

// natMeanwhile says what Cloud NAT does for a subnetwork without Private Google
// Access.
func natMeanwhile(s *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork, networkLink string) (string, []audit.Evidence) {
	network, ok := audit.ParseNetwork(networkLink)
	if !ok {
		return "", nil
	}
	network.Project = sn.Name.Project // the one that was asked for, be it ID or number
	nat, gap := s.NATCoverage(network, sn.Name, nil)
	if len(nat.Nodes) == 0 {
		switch {
		case gap != nil:
			return "whether Cloud NAT stands in for it is unknown: " + gap.String(), nil
		case len(nat.Undecided) > 0:
			return "whether Cloud NAT stands in for it is undecided: " + strings.Join(nat.Undecided, ", "), nat.Evidence
		}
		return "no Cloud NAT gateway stands in for it", nat.Evidence
	}
	gateways := strings.Join(nat.Nodes, ", ")
	routes, gap := s.RoutesOf(network)
	if gap != nil {
		return "whether Cloud NAT (" + gateways + ") stands in for it is unknown: " + gap.String(), nat.Evidence
	}
	sources := sn.Sources
	if len(sources) == 0 {
		sources = []audit.NodeSource{{Cluster: c}}
	}
	for _, n := range sources {
		if found, certain := n.InternetRoutes(routes); !certain || len(found.Gateway) == 0 {
			return "Cloud NAT (" + gateways + ") serves it, but no default route is sure to lead there", nat.Evidence
		}
	}
	return "Google APIs are reached only through Cloud NAT (" + gateways + "), and not without it", nat.Evidence
}
