package rules

import "gkeaudit/audit"

// kubeletReadonly is the traffic to the kubelet's read-only port.
var kubeletReadonly = traffic{"tcp", 10255, 10255}

var kubeletReadonlyPortExposure = &audit.Rule{
	ID:       "kubelet-readonly-port-exposure",
	Title:    "No kubelet read-only port on the internet",
	Severity: audit.Critical,
	Weight:   "Anyone on the internet can read the Pods of a node now, with their arguments and environment variables, without credentials.",
	Optional: "It takes one more permission in each project that owns a network, and one more call for each network and region in use.",
	Since:    "0.1.0",
	Rationale: `The kubelet answers on port 10255 without authentication. On a node with an external
address, a firewall rule that allows this port from anywhere makes the answer public: the
Pods on the node with their images, arguments and environment variables, where passwords
often are, and metrics.`,
	Checks: `A node pool, or what the cluster makes by itself, fails where three things meet: the
kubelet's read-only port is open, as kubelet-readonly-port judges it; the nodes have
external addresses; and the firewall lets the internet reach tcp:10255 on them, as
node-firewall-open-ingress judges it. A closed port passes, and so does an open one that
the firewall keeps from the internet. Nodes without external addresses are not applicable.
Where the port or the firewall is unknown, and the other does not decide, it is unknown,
and so it is where only a rule of the form that GKE makes for Services lets the internet
in.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Stop the traffic first. If a firewall rule of the network is named: narrow it to those who need it", Commands: `gcloud compute firewall-rules update RULE --project={host} \
    --source-ranges=CIDR,CIDR`},
			{Title: "If a rule of a network firewall policy is named: narrow it there (--firewall-policy-region={region} for a regional one)", Commands: `gcloud compute network-firewall-policies rules update PRIORITY --project={host} \
    --firewall-policy=POLICY --global-firewall-policy \
    --src-ip-ranges=CIDR,CIDR`},
			{Title: "If a rule of a hierarchical firewall policy is named: narrow it in the organization or folder", Commands: `gcloud compute firewall-policies rules update PRIORITY \
    --firewall-policy=POLICY --organization=ORGANIZATION \
    --src-ip-ranges=CIDR,CIDR`},
			{For: audit.StandardPool, Title: "Then close the port on the nodes of the node pool", Commands: `gcloud container node-pools update {pool} --cluster={cluster} \
    --location={location} --project={project} --no-enable-insecure-kubelet-readonly-port`},
			{For: audit.AutoProvisioning, Title: "Then close it in the node pools that are made from now on", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-autoprovisioning-enable-insecure-kubelet-readonly-port`},
			{For: audit.AutopilotCluster, Title: "Then close it on all nodes", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-autoprovisioning-enable-insecure-kubelet-readonly-port`},
		},
		Terraform: `resource "google_compute_firewall" "nodes" {
  # network = {network}, project = {host}; the rule that is named
  source_ranges = ["CIDR"]
}

resource "google_container_node_pool" "pool" {
  # name = {pool}
  node_config {
    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }
}`,
		Disruption: `The firewall rule takes effect at once, for everything that came in by it. Closing the
port recreates the nodes of the node pool, on Autopilot all nodes; first move what reads
metrics from port 10255 to the authenticated port 10250.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "Disable the kubelet read-only port in GKE clusters", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/disable-kubelet-readonly-port"},
		{Title: "Automatically created firewall rules", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/concepts/firewall-rules"},
	},
	Needs: []audit.Data{audit.Firewalls},
	Uses:  []audit.Data{audit.Networks, audit.Subnetworks},
	Check: audit.EachNodeSource(configured(func(in *audit.Input, n audit.NodeSource) audit.Verdict {
		port := judgeKubeletPort(n)
		if port.Status == audit.Pass {
			return port
		}
		reach := judgeIngressTo(in, n, kubeletReadonly)
		switch {
		case reach.Status == audit.Fail && port.Status == audit.Fail:
			return audit.Failf("%s, and %s", port.Message, reach.Message).Because(port.Evidence...).Because(reach.Evidence...)
		case reach.Status == audit.Fail:
			return port.Noting(reach.Message).Because(reach.Evidence...)
		}
		return reach.Because(port.Evidence...)
	})),
}
