package rules

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An Other is a check that other tools make or that engineers have asked for, and what
// answers it here. Checks that several tools make in other words are one.
type Other struct {
	ID string

	// Tools are those that make it, or write about it; none if no tool does.
	Tools []string

	// Rules are the IDs of the rules that answer it.
	Rules []string

	// Why says why no rule does, or what is another in ours; empty if there is nothing
	// to say.
	Why string
}

// Sources say by what the checks of each tool are known: its source, or where that is
// closed its documentation.
var Sources = map[string]string{
	"CIS":                     "CIS GKE Benchmark 1.9.0 and CIS GKE Autopilot Benchmark 1.3.0",
	"Checkov":                 "its Terraform checks at 03d5fda, August 2026",
	"Cloud Custodian":         "c7n_gcp at df800e9, August 2026",
	"Cloud Foundation Fabric": "FAST's hardened constraints at 11c1d24, July 2026",
	"CloudSploit":             "4b5bbd8, December 2025",
	"Defender for Cloud":      "documentation, 2026",
	"Forseti":                 "its last version, which is archived",
	"GKE Policy Automation":   "93c3754, July 2025",
	"InSpec":                  "gke-cis-benchmark of September 2021",
	"KICS":                    "its queries in forks of October 2025 to April 2026",
	"Kubescape":               "regolibrary at ce7ef32, August 2026",
	"Mondoo":                  "cnspec's policy gcp-security 9.11.0 at 62835b1, August 2026",
	"Network Analyzer":        "documentation, 2026",
	"Organization Policy":     "names of the constraints container.managed.*, 2026",
	"Policy Library":          "4a2abc7, June 2023",
	"Prowler":                 "3e000fa, August 2026",
	"ScoutSuite":              "7909f2f, May 2024",
	"Security Command Center": "documentation of Security Health Analytics, 2026",
	"Steampipe":               "its gcp-compliance mod at 3ac6530, May 2026",
	"Terrascan":               "d0405c2, May 2025",
	"Trivy":                   "trivy-checks (Terraform) at 80e5382, August 2026",
	"gcpdiag":                 "its lint rules at 178be24, 2026",
	"golden path":             "google/skills, 2026",
	"hardening guide":         "Google's Harden your cluster's security, April 2026",
	"kube-bench":              "cfg/gke-1.9.0 at a73ce37, June 2026",
}

// Others are the checks of other tools about the Google Cloud side of GKE clusters, by
// their [Sources].
var Others = []Other{
	{ID: "authorized-networks-enabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"authorized-networks"}},
	{ID: "authorized-networks-no-public-cidr", Tools: []string{"InSpec", "Checkov", "KICS", "Trivy", "Terrascan", "Policy Library", "CloudSploit"}, Rules: []string{"authorized-networks", "authorized-networks-breadth"}},
	{ID: "authorized-networks-not-empty", Tools: []string{"GKE Policy Automation", "InSpec"}, Rules: []string{"authorized-networks"}, Why: "an empty list is the tightest there is, and passes"},
	{ID: "authorized-networks-deny-google-cloud-external-ips", Tools: []string{"CloudSploit", "hardening guide", "CIS"}, Rules: []string{"authorized-networks-google-cloud"}},
	{ID: "authorized-networks-cover-node-subnet", Tools: []string{"Network Analyzer"}, Why: "nodes are always admitted, so it would be a false alarm"},
	{ID: "control-plane-public-endpoint-disabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "KICS", "Terrascan", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "kube-bench", "CIS", "hardening guide"}, Rules: []string{"control-plane-public-endpoint"}},
	{ID: "control-plane-dns-endpoint-only", Tools: []string{"Organization Policy", "hardening guide", "CIS"}, Rules: []string{"control-plane-dns-endpoint"}},
	{ID: "control-plane-internet-exposure", Tools: []string{"CloudSploit", "Terrascan"}, Rules: []string{"authorized-networks", "control-plane-anonymous-access", "control-plane-public-endpoint", "private-nodes", "node-firewall-open-ingress"}},
	{ID: "control-plane-node-connectivity", Tools: []string{"Network Analyzer"}, Why: "it is about whether something works, which shows by itself, and not about security"},
	{ID: "private-nodes", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "Checkov", "Trivy", "KICS", "Terrascan", "Policy Library", "Mondoo", "Organization Policy", "golden path", "Security Command Center", "Defender for Cloud", "kube-bench", "hardening guide", "CIS", "gcpdiag"}, Rules: []string{"private-nodes"}},
	{ID: "node-pool-private-nodes", Tools: []string{"CloudSploit"}, Rules: []string{"private-nodes"}},
	{ID: "node-instance-no-external-ip", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "Trivy", "Checkov", "Mondoo", "Security Command Center"}, Why: "it reads every VM, and its calls grow with the nodes; what the node pool says is judged by private-nodes"},
	{ID: "cloud-nat-no-endpoint-independent-mapping", Tools: []string{"Mondoo"}, Rules: []string{"cloud-nat-endpoint-independent-mapping"}},
	{ID: "cluster-subnet-private-google-access", Tools: []string{"ScoutSuite", "Steampipe", "Security Command Center", "Network Analyzer", "gcpdiag"}, Rules: []string{"private-google-access"}},
	{ID: "vpc-subnets-private-google-access", Tools: []string{"Steampipe", "CloudSploit", "Trivy", "Checkov", "KICS", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center"}, Rules: []string{"private-google-access"}, Why: "for every subnetwork that holds nodes; others are not about clusters"},
	{ID: "private-google-access-route", Tools: []string{"Network Analyzer"}, Rules: []string{"private-google-access-route"}},
	{ID: "private-ipv6-google-access", Tools: []string{"Checkov"}, Rules: []string{"private-ipv6-google-access"}},
	{ID: "node-service-account-not-default", Tools: []string{"GKE Policy Automation", "Prowler", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Policy Library", "Mondoo", "Organization Policy", "Security Command Center", "Network Analyzer", "kube-bench", "hardening guide", "CIS", "gcpdiag"}, Rules: []string{"node-service-account"}},
	{ID: "nap-service-account-not-default", Tools: []string{"GKE Policy Automation", "Trivy"}, Rules: []string{"node-service-account"}},
	{ID: "node-oauth-scopes-limited", Tools: []string{"ScoutSuite", "CloudSploit", "Policy Library", "Security Command Center"}, Rules: []string{"node-oauth-scopes"}},
	{ID: "node-oauth-scopes-sufficient", Tools: []string{"Network Analyzer"}, Rules: []string{"node-oauth-scopes-sufficient"}},
	{ID: "node-service-account-enabled", Tools: []string{"Network Analyzer", "gcpdiag"}, Rules: []string{"node-service-account-enabled"}},
	{ID: "node-service-account-required-role", Tools: []string{"Network Analyzer", "hardening guide", "CIS"}, Rules: []string{"node-service-account-required-role"}},
	{ID: "node-service-account-least-privilege", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "Checkov", "Trivy", "KICS", "Terrascan", "Security Command Center", "CIS"}, Rules: []string{"node-service-account-roles"}},
	{ID: "default-service-account-disabled", Tools: []string{"Mondoo"}, Rules: []string{"default-service-account-disabled"}},
	{ID: "default-service-account-no-automatic-grants", Tools: []string{"CloudSploit", "Cloud Foundation Fabric"}, Why: "needs the Organization Policy API; what was granted is judged by node-service-account-roles"},
	{ID: "service-account-no-user-managed-keys", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "KICS", "Mondoo", "Policy Library", "Security Command Center"}, Rules: []string{"node-service-account-keys"}},
	{ID: "no-project-level-service-account-impersonation", Tools: []string{"ScoutSuite", "Steampipe", "Checkov", "Trivy", "KICS", "Terrascan", "Mondoo", "CloudSploit", "Cloud Foundation Fabric", "Security Command Center"}, Rules: []string{"project-service-account-impersonation"}},
	{ID: "shielded-nodes-enabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Policy Library", "Mondoo", "Organization Policy", "golden path", "Security Command Center", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"shielded-nodes"}},
	{ID: "node-secure-boot", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Checkov", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "kube-bench", "hardening guide", "golden path", "CIS"}, Rules: []string{"node-secure-boot"}},
	{ID: "node-integrity-monitoring", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Checkov", "Policy Library", "Cloud Foundation Fabric", "Security Command Center", "kube-bench", "hardening guide", "KICS", "CIS"}, Rules: []string{"node-integrity-monitoring"}},
	{ID: "nap-integrity-monitoring", Tools: []string{"GKE Policy Automation"}, Rules: []string{"node-integrity-monitoring"}},
	{ID: "node-image-cos-containerd", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"node-image"}},
	{ID: "nap-image-cos-containerd", Tools: []string{"GKE Policy Automation"}, Rules: []string{"node-image"}},
	{ID: "legacy-metadata-endpoints-disabled", Tools: []string{"ScoutSuite", "Steampipe", "InSpec", "Trivy", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center"}, Rules: []string{"legacy-metadata-endpoints"}},
	{ID: "node-metadata-server-enabled", Tools: []string{"ScoutSuite", "InSpec", "Trivy", "Checkov", "Mondoo", "Cloud Foundation Fabric", "kube-bench", "golden path", "hardening guide", "CIS"}, Rules: []string{"node-metadata-server"}},
	{ID: "workload-identity-enabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Policy Library", "Mondoo", "Organization Policy", "golden path", "Security Command Center", "kube-bench", "hardening guide", "CIS", "gcpdiag"}, Rules: []string{"workload-identity"}},
	{ID: "kubelet-readonly-port-disabled", Tools: []string{"Organization Policy", "hardening guide"}, Rules: []string{"kubelet-readonly-port"}},
	{ID: "node-sandbox-gvisor", Tools: []string{"Cloud Foundation Fabric", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"node-sandbox"}},
	{ID: "confidential-nodes", Tools: []string{"Cloud Foundation Fabric", "hardening guide"}, Rules: []string{"confidential-nodes"}},
	{ID: "service-external-ips-denied", Tools: []string{"Organization Policy", "hardening guide"}, Rules: []string{"service-external-ips"}},
	{ID: "node-vm-ssh-hardening", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "Trivy", "Checkov", "KICS", "Mondoo", "Cloud Foundation Fabric", "Security Command Center"}, Why: "it is about VMs of any kind, and reads metadata of projects, which may hold secrets"},
	{ID: "autopilot-mode", Tools: []string{"GKE Policy Automation", "golden path"}, Rules: []string{"autopilot-mode"}},
	{ID: "basic-auth-disabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "InSpec", "CloudSploit", "Trivy", "KICS", "Terrascan", "Policy Library", "Mondoo", "hardening guide"}, Rules: []string{"basic-auth"}},
	{ID: "client-certificate-disabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Organization Policy", "Cloud Foundation Fabric", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"client-certificate"}},
	{ID: "legacy-abac-disabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Organization Policy", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"legacy-abac"}},
	{ID: "google-groups-rbac", Tools: []string{"GKE Policy Automation", "Checkov", "Organization Policy", "kube-bench", "hardening guide", "CIS", "gcpdiag"}, Rules: []string{"google-groups-rbac"}},
	{ID: "rbac-insecure-system-bindings-blocked", Tools: []string{"Mondoo", "Organization Policy", "golden path", "hardening guide"}, Rules: []string{"rbac-system-bindings"}},
	{ID: "anonymous-authentication-limited", Tools: []string{"hardening guide"}, Rules: []string{"anonymous-authentication", "control-plane-anonymous-access"}},
	{ID: "public-iam-members", Tools: []string{"Steampipe", "Mondoo", "Policy Library"}, Rules: []string{"project-public-members"}},
	{ID: "no-basic-roles", Tools: []string{"ScoutSuite", "Mondoo", "Checkov", "Security Command Center"}, Rules: []string{"project-basic-roles"}},
	{ID: "secrets-encryption-cmek", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Mondoo", "Organization Policy", "Kubescape", "Security Command Center", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"secrets-encryption"}},
	{ID: "secrets-encryption-key-protection-level", Tools: []string{"CloudSploit"}, Why: "needs the Cloud KMS API"},
	{ID: "boot-disk-cmek", Tools: []string{"GKE Policy Automation", "CloudSploit", "Cloud Foundation Fabric", "Security Command Center", "kube-bench", "CIS"}, Rules: []string{"boot-disk-cmek"}},
	{ID: "persistent-disk-cmek", Tools: []string{"Mondoo", "CloudSploit", "Trivy", "Checkov", "Security Command Center", "kube-bench", "CIS"}, Why: "it reads every disk, and its calls grow with the volumes; which cluster a disk is of is not documented"},
	{ID: "kms-key-rotation", Tools: []string{"Prowler", "Steampipe", "Checkov", "Trivy", "KICS", "CloudSploit", "Mondoo", "Cloud Foundation Fabric", "Security Command Center"}, Why: "needs the Cloud KMS API"},
	{ID: "cloud-logging-enabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Organization Policy", "Kubescape", "Security Command Center", "Defender for Cloud", "kube-bench", "hardening guide", "CIS", "gcpdiag"}, Rules: []string{"cloud-logging"}},
	{ID: "cloud-monitoring-enabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "CIS", "gcpdiag"}, Rules: []string{"cloud-monitoring"}},
	{ID: "data-access-audit-logs", Tools: []string{"Prowler", "Steampipe", "Trivy", "KICS", "Terrascan", "Mondoo", "CloudSploit", "Policy Library", "Security Command Center"}, Rules: []string{"kubernetes-data-access-logs"}},
	{ID: "vpc-dns-logging", Tools: []string{"Prowler", "Steampipe", "CloudSploit", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "KICS"}, Why: "needs the Cloud DNS API"},
	{ID: "upgrade-notifications", Tools: []string{"GKE Policy Automation"}, Rules: []string{"cluster-notifications"}},
	{ID: "security-bulletin-notifications", Tools: []string{"Organization Policy", "hardening guide"}, Rules: []string{"security-bulletin-notifications"}},
	{ID: "notification-topic-same-project", Tools: []string{"Mondoo"}, Why: "the API takes no topic of another project, so there is nothing to find"},
	{ID: "security-bulletin-open", Tools: []string{"Security Command Center", "Forseti"}, Why: "needs Security Command Center"},
	{ID: "backup-plan-exists", Tools: []string{"Mondoo"}, Why: "needs the Backup for GKE API"},
	{ID: "release-channel-enrolled", Tools: []string{"GKE Policy Automation", "Steampipe", "Checkov", "Mondoo", "Security Command Center", "kube-bench", "hardening guide", "KICS", "CIS"}, Rules: []string{"release-channel"}},
	{ID: "release-channel-stable-or-regular", Tools: []string{"ScoutSuite", "InSpec", "Cloud Foundation Fabric"}, Rules: []string{"release-channel-stable"}},
	{ID: "node-auto-upgrade", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "hardening guide", "CIS"}, Rules: []string{"node-auto-upgrade"}},
	{ID: "node-auto-repair", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "CIS"}, Rules: []string{"node-auto-repair"}},
	{ID: "node-version-skew", Tools: []string{"GKE Policy Automation", "gcpdiag"}, Rules: []string{"node-version-skew"}},
	{ID: "version-supported", Tools: []string{"Cloud Custodian", "Forseti", "KICS", "Policy Library", "gcpdiag"}, Rules: []string{"version-supported"}},
	{ID: "maintenance-window", Tools: []string{"GKE Policy Automation", "gcpdiag"}, Rules: []string{"maintenance-window"}},
	{ID: "node-pool-upgrade-strategy", Tools: []string{"Mondoo"}, Why: "a node pool without one has surge upgrades, so there is nothing to find"},
	{ID: "accelerated-patch-upgrades", Tools: []string{"hardening guide"}, Rules: []string{"accelerated-patch-upgrades"}},
	{ID: "deprecated-api-usage", Tools: []string{"Network Analyzer"}, Why: "needs the Recommender API"},
	{ID: "alpha-cluster-disabled", Tools: []string{"Steampipe", "InSpec", "CloudSploit", "Checkov", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "kube-bench", "KICS", "CIS"}, Rules: []string{"alpha-cluster"}},
	{ID: "small-cluster-auto-upgrade", Tools: []string{"Steampipe"}, Why: "it wants automatic upgrades off where there are few nodes, which makes nothing safer"},
	{ID: "vpc-native", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "CIS", "gcpdiag"}, Rules: []string{"vpc-native"}},
	{ID: "intranode-visibility", Tools: []string{"GKE Policy Automation", "Steampipe", "InSpec", "Checkov", "Cloud Foundation Fabric", "Security Command Center", "kube-bench", "golden path", "CIS"}, Rules: []string{"intranode-visibility"}},
	{ID: "subnet-flow-logs", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Security Command Center", "CIS"}, Rules: []string{"subnet-flow-logs"}},
	{ID: "network-policy-enforced", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan", "Policy Library", "Mondoo", "Organization Policy", "golden path", "Security Command Center", "Defender for Cloud", "Kubescape", "hardening guide"}, Rules: []string{"network-policy"}},
	{ID: "dataplane-v2", Tools: []string{"Cloud Foundation Fabric", "golden path"}, Rules: []string{"dataplane-v2"}},
	{ID: "network-policy-provider-set", Tools: []string{"Mondoo"}, Rules: []string{"network-policy"}, Why: "Calico is the only provider that there is"},
	{ID: "cluster-not-on-default-network", Tools: []string{"Steampipe"}, Rules: []string{"cluster-default-network"}},
	{ID: "project-no-default-network", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "Trivy", "Checkov", "Terrascan", "Mondoo", "Security Command Center"}, Why: "it is about networks without clusters; cluster-default-network is about those with"},
	{ID: "no-legacy-network", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "KICS", "Mondoo", "Security Command Center"}, Rules: []string{"legacy-network"}},
	{ID: "custom-mode-network", Tools: []string{"Steampipe", "Cloud Foundation Fabric"}, Rules: []string{"custom-mode-network"}},
	{ID: "cluster-network-no-open-ingress", Tools: []string{"Steampipe", "Cloud Custodian", "CloudSploit", "Mondoo", "Trivy", "ScoutSuite", "Security Command Center", "kube-bench", "CIS"}, Rules: []string{"node-firewall-open-ingress"}},
	{ID: "kubelet-ports-not-public", Tools: []string{"Steampipe"}, Rules: []string{"kubelet-readonly-port-exposure", "node-firewall-open-ingress"}},
	{ID: "ssh-rdp-not-public", Tools: []string{"Prowler", "Steampipe", "ScoutSuite", "CloudSploit", "Trivy", "Checkov", "KICS", "Mondoo", "Cloud Foundation Fabric", "Terrascan", "Security Command Center"}, Rules: []string{"node-firewall-open-ingress"}},
	{ID: "firewall-rule-logging", Tools: []string{"Steampipe", "CloudSploit", "Policy Library", "Cloud Foundation Fabric", "Security Command Center"}, Why: "it is about firewall rules of any kind; those that GKE makes cannot be changed for good"},
	{ID: "egress-restricted", Tools: []string{"Mondoo", "Trivy", "CloudSploit", "Security Command Center"}, Why: "it is about firewall rules of any kind, and every network lets all out that no rule denies"},
	{ID: "no-default-internet-route", Tools: []string{"Mondoo"}, Why: "Public Cloud NAT works only through such a route: it would forbid what cloud-nat asks for"},
	{ID: "subnet-not-overly-broad", Tools: []string{"Mondoo"}, Why: "how large a range is exposes nothing"},
	{ID: "pod-ip-utilization", Tools: []string{"Network Analyzer", "gcpdiag"}, Rules: []string{"pod-ip-utilization"}},
	{ID: "ssl-policy-strong", Tools: []string{"Steampipe", "Checkov", "Trivy", "KICS", "Mondoo", "Cloud Foundation Fabric", "Security Command Center"}, Why: "it is about load balancers of any kind; those of a cluster need the Kubernetes API"},
	{ID: "http-load-balancing-addon", Tools: []string{"Steampipe", "gcpdiag"}, Rules: []string{"http-load-balancing"}},
	{ID: "l4-ilb-subsetting", Tools: []string{"GKE Policy Automation"}, Rules: []string{"l4-ilb-subsetting"}},
	{ID: "nodelocal-dns-cache", Tools: []string{"GKE Policy Automation", "gcpdiag"}, Rules: []string{"nodelocal-dns-cache"}},
	{ID: "vpc-service-controls", Tools: []string{"Mondoo"}, Why: "needs the Access Context Manager API"},
	{ID: "binary-authorization-enabled", Tools: []string{"GKE Policy Automation", "ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Checkov", "Policy Library", "Mondoo", "Organization Policy", "golden path", "Security Command Center", "kube-bench", "CIS"}, Rules: []string{"binary-authorization"}},
	{ID: "binary-authorization-policy-not-allow-all", Tools: []string{"Mondoo", "CIS"}, Why: "needs the Binary Authorization API"},
	{ID: "binary-authorization-global-policy", Tools: []string{"Mondoo"}, Why: "needs the Binary Authorization API"},
	{ID: "container-scanning-api-enabled", Tools: []string{"Prowler", "Steampipe", "InSpec", "kube-bench", "CIS"}, Why: "needs the Service Usage API"},
	{ID: "artifact-registry-repo-scanning-enabled", Tools: []string{"Mondoo", "Kubescape"}, Why: "needs the Artifact Registry API"},
	{ID: "registry-user-access-minimized", Tools: []string{"InSpec", "Kubescape", "kube-bench", "CIS"}, Why: "needs the Artifact Registry API"},
	{ID: "node-sa-registry-read-only", Tools: []string{"InSpec", "kube-bench", "CIS"}, Why: "needs the Artifact Registry API"},
	{ID: "artifact-registry-not-public", Tools: []string{"Checkov", "KICS", "Mondoo"}, Why: "needs the Artifact Registry API"},
	{ID: "artifact-registry-cmek", Tools: []string{"Checkov", "Mondoo", "Cloud Foundation Fabric"}, Why: "needs the Artifact Registry API"},
	{ID: "security-posture-enabled", Tools: []string{"GKE Policy Automation", "Mondoo", "kube-bench", "CIS"}, Rules: []string{"security-posture"}},
	{ID: "workload-vulnerability-scanning", Tools: []string{"GKE Policy Automation", "Mondoo"}, Why: "its field is no longer supported, so every cluster would fail"},
	{ID: "pod-security-policy-enabled", Tools: []string{"ScoutSuite", "InSpec", "CloudSploit", "Checkov", "KICS", "Terrascan", "Kubescape", "Security Command Center"}, Why: "PodSecurityPolicy was removed in Kubernetes 1.25"},
	{ID: "kubernetes-dashboard-disabled", Tools: []string{"ScoutSuite", "Steampipe", "InSpec", "CloudSploit", "Policy Library", "Cloud Foundation Fabric", "Security Command Center", "Defender for Cloud", "kube-bench", "KICS", "CIS"}, Rules: []string{"kubernetes-dashboard"}},
	{ID: "gce-pd-csi-driver", Tools: []string{"GKE Policy Automation"}, Rules: []string{"pd-csi-driver"}},
	{ID: "secret-manager-addon", Tools: []string{"golden path", "hardening guide"}, Rules: []string{"secret-manager"}},
	{ID: "regional-control-plane", Tools: []string{"GKE Policy Automation", "Cloud Foundation Fabric", "gcpdiag"}, Rules: []string{"regional-cluster"}},
	{ID: "node-pool-multi-zone", Tools: []string{"GKE Policy Automation", "Steampipe"}, Rules: []string{"node-pool-multi-zone"}},
	{ID: "nap-multi-zone", Tools: []string{"GKE Policy Automation"}, Rules: []string{"node-pool-multi-zone"}},
	{ID: "node-pool-autoscaling", Tools: []string{"GKE Policy Automation"}, Rules: []string{"node-pool-autoscaling"}},
	{ID: "cluster-labels", Tools: []string{"ScoutSuite", "Steampipe", "CloudSploit", "Trivy", "Checkov", "KICS", "Terrascan"}, Rules: []string{"cluster-labels"}},
	{ID: "cluster-location-allowed", Tools: []string{"Policy Library"}, Rules: []string{"cluster-location"}},
	{ID: "cluster-own-subnetwork", Tools: []string{"gcpdiag"}, Why: "clusters that share a subnetwork expose nothing by that"},
	{ID: "cluster-idle-or-misprovisioned", Tools: []string{"Network Analyzer"}, Why: "needs the Recommender API"},
	{ID: "scalability-limit-nodes", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-nodes-per-pool-zone", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-pods", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-pods-per-node", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-containers", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-namespaces", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-services", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-services-per-namespace", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-hpas", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "scalability-limit-secrets-with-kms", Tools: []string{"GKE Policy Automation"}, Why: "needs the Cloud Monitoring API"},
	{ID: "cloud-nat-covers-node-subnets", Rules: []string{"cloud-nat"}},
	{ID: "cloud-nat-covers-pod-ranges", Rules: []string{"cloud-nat-pod-ranges"}},
	{ID: "cloud-nat-logging", Rules: []string{"cloud-nat-logging"}},
	{ID: "cloud-nat-static-ips", Rules: []string{"cloud-nat-static-addresses"}},
	{ID: "cloud-nat-ports", Rules: []string{"cloud-nat-ports"}},
	{ID: "cloud-nat-default-route", Rules: []string{"cloud-nat"}},
	{ID: "pool-subnets-private-google-access", Rules: []string{"private-google-access"}},
	{ID: "dns-endpoint-external-traffic", Rules: []string{"control-plane-dns-endpoint"}},
	{ID: "dns-endpoint-legacy-credentials", Rules: []string{"control-plane-dns-endpoint-credentials"}},
	{ID: "authorized-networks-private-endpoint-enforced", Rules: []string{"authorized-networks-private-endpoint"}},
	{ID: "private-endpoint-global-access", Rules: []string{"control-plane-global-access"}},
	{ID: "control-plane-egress-mode", Rules: []string{"control-plane-egress"}},
	{ID: "node-service-account-shared", Rules: []string{"node-service-account-shared"}},
	{ID: "node-service-account-impersonation", Rules: []string{"node-service-account-impersonation"}},
	{ID: "in-transit-encryption", Rules: []string{"in-transit-encryption"}},
	{ID: "control-plane-keys", Rules: []string{"control-plane-keys"}},
	{ID: "secrets-encryption-state", Rules: []string{"secrets-encryption"}},
	{ID: "logging-components", Rules: []string{"logging-components"}},
	{ID: "kubernetes-data-access-logs", Rules: []string{"kubernetes-data-access-logs"}},
	{ID: "version-end-of-support", Tools: []string{"gcpdiag"}, Why: "fetchClusterUpgradeInfo, which tells it, takes a call for each cluster; version-supported judges by what is offered"},
	{ID: "auto-upgrade-paused", Why: "fetchClusterUpgradeInfo, which tells it, takes a call for each cluster; maintenance-exclusion judges what pauses upgrades by configuration"},
	{ID: "maintenance-exclusion-no-upgrades", Rules: []string{"maintenance-exclusion"}},
	{ID: "dataplane-observability-relay", Rules: []string{"dataplane-observability-relay"}},
	{ID: "node-writable-cgroups", Rules: []string{"node-writable-cgroups"}},
	{ID: "node-custom-init", Rules: []string{"node-custom-init"}},
	{ID: "node-unsafe-sysctls", Rules: []string{"node-unsafe-sysctls"}},
	{ID: "node-kernel-module-policy", Rules: []string{"node-kernel-module-policy"}},
	{ID: "autopilot-privileged-admission", Rules: []string{"autopilot-privileged-admission"}},
	{ID: "nap-defaults", Rules: []string{"boot-disk-cmek", "node-secure-boot", "node-auto-upgrade"}},
	{ID: "binary-authorization-dry-run", Why: "needs the Binary Authorization API"},
	{ID: "node-firewall-effective", Rules: []string{"node-firewall-open-ingress"}},
}

// WriteOthers writes them as a Markdown page.
func WriteOthers(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Checks of other tools

Whoever comes from another tool finds its checks here: the rule that answers each, or why
there is none. A check that several tools make in other words is one. By what the tools are
known is said [below](#sources). Made from the rules themselves.

| Check | Made by | Answered by |
|---|---|---|
`)
	for _, o := range Others {
		var answers []string
		for _, id := range o.Rules {
			answers = append(answers, fmt.Sprintf("[%s](README.md#%s)", id, id))
		}
		answer := strings.Join(answers, ", ")
		switch {
		case answer == "":
			answer = "no rule: " + o.Why
		case o.Why != "":
			answer += " (" + o.Why + ")"
		}
		by := strings.Join(o.Tools, ", ")
		if by == "" {
			by = "none"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", o.ID, by, answer)
	}
	b.WriteString("\n## Sources\n\n| Tool | Known by |\n|---|---|\n")
	for _, tool := range slices.Sorted(maps.Keys(Sources)) {
		fmt.Fprintf(&b, "| %s | %s |\n", tool, Sources[tool])
	}
	_, err := io.WriteString(w, b.String())
	return err
}
