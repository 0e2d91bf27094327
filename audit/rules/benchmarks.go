package rules

import "gkeaudit/audit"

// Benchmarks are the benchmarks whose recommendations reports can list. Numbers, titles,
// levels and whether a recommendation is assessed by a tool or by hand are those of the
// CIS Google Kubernetes Engine (GKE) Benchmark 1.9.0 and the GKE Autopilot Benchmark
// 1.3.0; see https://www.cisecurity.org/benchmark/kubernetes. Levels in section 4 of the
// Autopilot benchmark are taken from the same recommendations of the other.
var Benchmarks = []audit.Benchmark{
	{Framework: audit.CISGKE19, Recommendations: []audit.Recommendation{
		{ID: "3.1.1", Title: "Ensure that the proxy kubeconfig file permissions are set to 644 or more restrictive", Level: 1, Automated: true, Otherwise: byNodeFile},
		{ID: "3.1.2", Title: "Ensure that the proxy kubeconfig file ownership is set to root:root", Level: 1, Automated: true, Otherwise: byNodeFile},
		{ID: "3.1.3", Title: "Ensure that the kubelet configuration file has permissions set to 644", Level: 1, Automated: true, Otherwise: byNodeFile},
		{ID: "3.1.4", Title: "Ensure that the kubelet configuration file ownership is set to root:root", Level: 1, Automated: true, Otherwise: byNodeFile},
		{ID: "4.1.1", Title: "Ensure that the cluster-admin role is only used where required", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.2", Title: "Minimize access to secrets", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.3", Title: "Minimize wildcard use in Roles and ClusterRoles", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.4", Title: "Ensure that default service accounts are not actively used", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.5", Title: "Ensure that Service Account Tokens are only mounted where necessary", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.6", Title: "Avoid use of system:masters group", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.7", Title: "Limit use of the Bind, Impersonate and Escalate permissions in the Kubernetes cluster", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.8", Title: "Avoid bindings to system:anonymous", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.9", Title: "Avoid non-default bindings to system:unauthenticated", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.10", Title: "Avoid non-default bindings to system:authenticated", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.2.1", Title: "Ensure that the cluster enforces Pod Security Standard Baseline profile or stricter for all namespaces", Level: 1, Otherwise: byKubernetes},
		{ID: "4.3.1", Title: "Ensure that the CNI in use supports Network Policies", Level: 1},
		{ID: "4.3.2", Title: "Ensure that all Namespaces have Network Policies defined", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.4.1", Title: "Prefer using secrets as files over secrets as environment variables", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.4.2", Title: "Consider external secret storage", Level: 2, Otherwise: byKubernetes},
		{ID: "4.5.1", Title: "Configure Image Provenance using ImagePolicyWebhook admission controller", Level: 2, Otherwise: byKubernetes},
		{ID: "4.6.1", Title: "Create administrative boundaries between resources using namespaces", Level: 1, Otherwise: byKubernetes},
		{ID: "4.6.2", Title: "Ensure that the seccomp profile is set to RuntimeDefault in the pod definitions", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.6.3", Title: "Apply Security Context to Pods and Containers", Level: 2, Otherwise: byKubernetes},
		{ID: "4.6.4", Title: "The default namespace should not be used", Level: 2, Otherwise: byKubernetes},
		{ID: "5.1.1", Title: "Ensure Image Vulnerability Scanning is enabled", Level: 2, Automated: true, Otherwise: byOtherAPI("Service Usage and Artifact Registry")},
		{ID: "5.1.2", Title: "Minimize user access to Container Image repositories", Level: 2, Otherwise: byOtherAPI("Artifact Registry")},
		{ID: "5.1.3", Title: "Minimize cluster access to read-only for Container Image repositories", Level: 2, Otherwise: byOtherAPI("Artifact Registry")},
		{ID: "5.1.4", Title: "Ensure only trusted container images are used", Level: 2, Otherwise: byOtherAPI("Binary Authorization")},
		{ID: "5.2.1", Title: "Ensure GKE clusters are not running using the Compute Engine default service account", Level: 1, Automated: true},
		{ID: "5.2.2", Title: "Prefer using dedicated GCP Service Accounts and Workload Identity", Level: 2, Otherwise: byKubernetes},
		{ID: "5.3.1", Title: "Ensure Kubernetes Secrets are encrypted using keys managed in Cloud KMS", Level: 2, Automated: true},
		{ID: "5.4.1", Title: "Ensure the GKE Metadata Server is Enabled", Level: 2, Automated: true},
		{ID: "5.5.1", Title: "Ensure Container-Optimized OS (cos_containerd) is used for GKE node images", Level: 1, Automated: true},
		{ID: "5.5.2", Title: "Ensure Node Auto-Repair is enabled for GKE nodes", Level: 2, Automated: true},
		{ID: "5.5.3", Title: "Ensure Node Auto-Upgrade is enabled for GKE nodes", Level: 2, Automated: true},
		{ID: "5.5.4", Title: "When creating New Clusters - Automate GKE version management using Release Channels", Level: 1, Automated: true},
		{ID: "5.5.5", Title: "Ensure Shielded GKE Nodes are Enabled", Level: 1, Automated: true},
		{ID: "5.5.6", Title: "Ensure Integrity Monitoring for Shielded GKE Nodes is Enabled", Level: 1, Automated: true},
		{ID: "5.5.7", Title: "Ensure Secure Boot for Shielded GKE Nodes is Enabled", Level: 2, Automated: true},
		{ID: "5.6.1", Title: "Enable VPC Flow Logs and Intranode Visibility", Level: 2, Automated: true},
		{ID: "5.6.2", Title: "Ensure use of VPC-native clusters", Level: 1, Automated: true},
		{ID: "5.6.3", Title: "Ensure Control Plane Authorized Networks is Enabled", Level: 2, Automated: true},
		{ID: "5.6.4", Title: "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled", Level: 2, Automated: true},
		{ID: "5.6.5", Title: "Ensure clusters are created with Private Nodes", Level: 1, Automated: true},
		{ID: "5.6.6", Title: "Consider firewalling GKE worker nodes", Level: 2, Otherwise: byHand},
		{ID: "5.6.7", Title: "Ensure use of Google-managed SSL Certificates", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "5.7.1", Title: "Ensure Logging and Cloud Monitoring is Enabled", Level: 1, Automated: true},
		{ID: "5.7.2", Title: "Enable Linux auditd logging", Level: 2, Otherwise: byKubernetes},
		{ID: "5.8.1", Title: "Ensure authentication using Client Certificates is Disabled", Level: 1, Automated: true},
		{ID: "5.8.2", Title: "Manage Kubernetes RBAC users with groups in Google Workspace", Level: 2},
		{ID: "5.8.3", Title: "Ensure Legacy Authorization (ABAC) is Disabled", Level: 1, Automated: true},
		{ID: "5.9.1", Title: "Enable Customer-Managed Encryption Keys (CMEK) for GKE Persistent Disks (PD)", Level: 2, Otherwise: byHand},
		{ID: "5.9.2", Title: "Enable Customer-Managed Encryption Keys (CMEK) for Boot Disks", Level: 2, Automated: true},
		{ID: "5.10.1", Title: "Ensure Kubernetes Web UI is Disabled", Level: 1, Automated: true},
		{ID: "5.10.2", Title: "Ensure that Alpha clusters are not used for production workloads", Level: 1, Automated: true},
		{ID: "5.10.3", Title: "Consider GKE Sandbox for running untrusted workloads", Level: 2, Automated: true},
		{ID: "5.10.4", Title: "Enable Security Posture", Level: 2, Automated: true},
	}},
	{Framework: audit.CISGKEAutopilot13, Recommendations: []audit.Recommendation{
		{ID: "4.1.1", Title: "Ensure that the cluster-admin role is only used where required", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.2", Title: "Minimize access to secrets", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.3", Title: "Minimize wildcard use in Roles and ClusterRoles", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.4", Title: "Ensure that default service accounts are not actively used", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.5", Title: "Ensure that Service Account Tokens are only mounted where necessary", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.6", Title: "Avoid use of system:masters group", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.7", Title: "Limit use of the Bind, Impersonate and Escalate permissions in the Kubernetes cluster", Level: 1, Otherwise: byKubernetes},
		{ID: "4.1.8", Title: "Avoid bindings to system:anonymous", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.9", Title: "Avoid non-default bindings to system:unauthenticated", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.1.10", Title: "Avoid non-default bindings to system:authenticated", Level: 1, Automated: true, Otherwise: byKubernetes},
		{ID: "4.2.1", Title: "Ensure that the cluster enforces Pod Security Standard Baseline profile or stricter for all namespaces", Level: 1, Otherwise: byKubernetes},
		{ID: "4.3.1", Title: "Ensure that all Namespaces have Network Policies defined", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.4.1", Title: "Consider external secret storage", Level: 2, Otherwise: byKubernetes},
		{ID: "4.5.1", Title: "Configure Image Provenance using ImagePolicyWebhook admission controller", Level: 2, Otherwise: byKubernetes},
		{ID: "4.6.1", Title: "Create administrative boundaries between resources using namespaces", Level: 1, Otherwise: byKubernetes},
		{ID: "4.6.2", Title: "Ensure that the seccomp profile is set to RuntimeDefault in the pod definitions", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "4.6.3", Title: "Apply Security Context to Pods and Containers", Level: 2, Otherwise: byKubernetes},
		{ID: "4.6.4", Title: "The default namespace should not be used", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "5.1.1", Title: "Ensure Image Vulnerability Scanning is enabled", Level: 2, Automated: true, Otherwise: byOtherAPI("Service Usage and Artifact Registry")},
		{ID: "5.1.2", Title: "Minimize user access to Container Image repositories", Level: 2, Otherwise: byOtherAPI("Artifact Registry")},
		{ID: "5.1.3", Title: "Minimize cluster access to read-only for Container Image repositories", Level: 2, Otherwise: byOtherAPI("Artifact Registry")},
		{ID: "5.1.4", Title: "Ensure only trusted container images are used", Level: 2, Automated: true, Otherwise: byOtherAPI("Binary Authorization")},
		{ID: "5.2.1", Title: "Ensure GKE clusters are not running using the Compute Engine default service account", Level: 2, Automated: true},
		{ID: "5.3.1", Title: "Ensure Kubernetes Secrets are encrypted using keys managed in Cloud KMS", Level: 2, Automated: true},
		{ID: "5.4.1", Title: "Enable VPC Flow Logs and Intranode Visibility", Level: 1, Automated: true},
		{ID: "5.4.2", Title: "Ensure Control Plane Authorized Networks is Enabled", Level: 2},
		{ID: "5.4.3", Title: "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled", Level: 2, Automated: true},
		{ID: "5.4.4", Title: "Ensure clusters are created with Private Nodes", Level: 2, Automated: true},
		{ID: "5.4.5", Title: "Ensure use of Google-managed SSL Certificates", Level: 2, Automated: true, Otherwise: byKubernetes},
		{ID: "5.5.1", Title: "Manage Kubernetes RBAC users with Google Groups for GKE", Level: 2},
		{ID: "5.6.1", Title: "Enable Customer-Managed Encryption Keys (CMEK) for GKE Persistent Disks (PD)", Level: 2, Otherwise: byHand},
		{ID: "5.7.1", Title: "Enable Security Posture", Level: 2, Automated: true},
	}},
}

// Why rules do not judge a recommendation.
const (
	byNodeFile   = "needs the files of the nodes"
	byKubernetes = "needs the Kubernetes API"
	byHand       = "manual: what is right depends on what is intended"
)

func byOtherAPI(name string) string { return "needs the " + name + " API" }

func init() {
	for _, b := range Benchmarks {
		for i := range b.Recommendations {
			r := &b.Recommendations[i]
			r.Rules = []string{}
			for _, rule := range All {
				if rule.Answers(b.Framework, r.ID) {
					r.Rules = append(r.Rules, rule.ID)
				}
			}
		}
	}
}
