package rules

import (
	"strconv"

	"gkeaudit/audit"
)

var controlPlaneAnonymousAccess = &audit.Rule{
	ID:       "control-plane-anonymous-access",
	Title:    "No anonymous access to the control plane from the internet",
	Severity: audit.Critical,
	Weight:   "Anyone on the internet can call the Kubernetes API now, without credentials; one RBAC binding or one flaw decides what they get.",
	Since:    "0.1.0",
	Rationale: `Two settings meet here: the control plane has a public IP endpoint that takes connections
from anywhere, and requests without credentials are not limited to health checks. The API
server then takes such requests as system:anonymous, in the group system:unauthenticated,
and asks RBAC what they may do. Without further bindings that is the version and health
checks. With a binding to that user or group it is whatever the binding grants, up to the
whole cluster, for anyone: clusters have been taken over that way. A flaw in the API server
that needs no credentials is open to anyone, too.`,
	Checks: `Where the public IP endpoint is open to the internet, as authorized-networks judges it,
and requests without credentials are not limited, as anonymous-authentication judges it, it
fails. Either alone passes here and is left to those rules. Authorized networks that allow all
of Google Cloud's public addresses (gcpPublicCidrsAccessEnabled) are open, too: anyone can
rent a VM there. Where that field is absent and the control plane is not on VPC peering, GKE
is assumed to allow them, and it is unknown. The message also says whether
RBAC bindings to system:anonymous and system:unauthenticated are allowed
(rbacBindingConfig.enableInsecureBindingSystemUnauthenticated); bindings that exist stay
either way, and are not read. The DNS endpoint asks IAM before the Kubernetes API sees a
request. Where it is open and takes Kubernetes credentials (enableK8sTokensViaDns,
enableK8sCertsViaDns), what a request without any gets is not documented, and it is
unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "Limit anonymous access (needs 1.32.2-gke.1234000 or later)", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --anonymous-authentication-config=LIMITED`},
			{Title: "Then allow only the networks that need the public endpoint", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} \
    --enable-master-authorized-networks --master-authorized-networks=CIDR,CIDR`},
			{Title: "And keep Google Cloud's public addresses out; the list stays as it is", Commands: `gcloud container clusters update {cluster} \
    --location={location} --project={project} --no-enable-google-cloud-access`},
			{Title: "Look among the bindings for the subjects system:anonymous and system:unauthenticated, to whom Kubernetes itself binds system:public-info-viewer only", Commands: `gcloud container clusters get-credentials {cluster} \
    --location={location} --project={project} &&
kubectl --context=gke_{project}_{location}_{cluster} \
    get clusterrolebindings,rolebindings --all-namespaces \
    --output=custom-columns='KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name,ROLE:.roleRef.name,SUBJECTS:.subjects[*].name'`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  anonymous_authentication_config {
    mode = "LIMITED"
  }
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false
    cidr_blocks {
      cidr_block   = "CIDR"
      display_name = "office"
    }
  }
}`,
		Disruption: `No restart. Callers without credentials are refused at once everywhere except at
/healthz, /livez and /readyz. The list of authorized networks is replaced as a whole:
callers that are missing from it are locked out at once.`,
		Recreates: audit.RecreatesNothing,
	},
	References: []audit.Reference{
		{Title: "Harden your cluster's security", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster"},
		{Title: "Add authorized networks for control plane access", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/how-to/authorized-networks"},
		{Title: "Best practices for GKE RBAC: prevent the use of default groups", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/best-practices/rbac#prevent-default-group-usage"},
		{Title: "Anonymous requests, in the Kubernetes documentation", URL: "https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests"},
	},
	Check: audit.EachCluster(func(_ *audit.Input, c *audit.Cluster) audit.Verdict {
		endpoint, anonymous := judgeControlPlane(c), judgeAnonymous(c)
		both := func(v audit.Verdict) audit.Verdict {
			return v.Because(endpoint.Evidence...).Because(anonymous.Evidence...)
		}
		switch {
		case anonymous.Status == audit.Pass:
			return anonymous
		case endpoint.Status == audit.Fail && anonymous.Status == audit.Fail:
			note, because := anonymousBindings(c)
			return both(audit.Failf("%s, and %s", endpoint.Message, anonymous.Message).Noting(note)).Because(because)
		case endpoint.Status == audit.Fail:
			return anonymous.Noting(endpoint.Message).Because(endpoint.Evidence...)
		}
		const toCloud = "the public endpoint is open to all of Google Cloud's public addresses, VMs that anyone can rent among them"
		switch cloud := judgeGoogleCloudAccess(c).Status; {
		case cloud == audit.Fail && anonymous.Status == audit.Fail:
			note, because := anonymousBindings(c)
			return both(audit.Failf("%s, and %s", toCloud, anonymous.Message).Noting(note)).Because(because)
		case cloud == audit.Fail:
			return anonymous.Noting(toCloud).Because(endpoint.Evidence...)
		case cloud == audit.Unknown && endpoint.Status == audit.Pass:
			return both(audit.Unknownf("the API response does not include whether %s", toCloud).Noting(anonymous.Message))
		}
		if endpoint.Status == audit.Unknown {
			return endpoint.Because(anonymous.Evidence...)
		}
		if dns := c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig(); openDNSEndpoint(c) != "" && (dns.GetEnableK8STokensViaDns() || dns.GetEnableK8SCertsViaDns()) {
			_, open := dnsEndpointAdmits(c)
			return both(audit.Unknownf("whether the DNS endpoint, which takes Kubernetes credentials, takes requests without any is not documented").Because(open,
				dnsCredential(c, "enableK8sTokensViaDns", dns.EnableK8STokensViaDns),
				dnsCredential(c, "enableK8sCertsViaDns", dns.EnableK8SCertsViaDns)))
		}
		return both(audit.Passf("the control plane is not open to the internet: %s", endpoint.Message))
	}),
}

// anonymousBindings says whether RBAC bindings to callers without credentials can be created.
func anonymousBindings(c *audit.Cluster) (string, audit.Evidence) {
	const field = "rbacBindingConfig.enableInsecureBindingSystemUnauthenticated"
	var allowed *bool
	if config := c.GetRbacBindingConfig(); config != nil {
		allowed = config.EnableInsecureBindingSystemUnauthenticated
	}
	if allowed == nil {
		return "", audit.Absent(c.ResourceName(), field, "the default, which depends on the cluster's age and mode")
	}
	evidence := audit.Evidence{Resource: c.ResourceName(), Field: field, Value: strconv.FormatBool(*allowed)}
	if *allowed {
		return "RBAC bindings to system:anonymous are allowed", evidence
	}
	return "new RBAC bindings to system:anonymous are refused, and existing ones stay", evidence
}
