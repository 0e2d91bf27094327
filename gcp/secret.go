package gcp

import (
	"slices"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// Redacted stands where a value was dropped that may hold a secret.
const Redacted = "REDACTED"

// dropSecrets removes from a cluster what is secret or may hold a secret, and the
// deprecated copies of what node pools say themselves, which may hold it again.
func dropSecrets(c *containerpb.Cluster) {
	if auth := c.GetMasterAuth(); auth != nil {
		auth.Password = ""
		auth.ClientKey = ""
		// Certificates are no secrets, but long; of the client's a rule needs that there
		// is one.
		if auth.ClientCertificate != "" {
			auth.ClientCertificate = Redacted
		}
		auth.ClusterCaCertificate = ""
	}
	if len(c.GetNodePools()) > 0 {
		c.NodeConfig = nil
	}
	c.InstanceGroupUrls = nil
	dropNodeSecrets(c.GetNodeConfig())
	for _, p := range c.GetNodePools() {
		p.InstanceGroupUrls = nil // many, and no rule needs them
		dropNodeSecrets(p.GetConfig())
	}
	dropRegistryHeaders(c.GetNodePoolDefaults().GetNodeConfigDefaults().GetContainerdConfig())
	dropScriptArguments(c.GetNodePoolAutoConfig().GetLinuxNodeConfig())
}

// tellingMetadata are the instance metadata keys whose values are settings and no
// secrets. Any other, such as startup-script or ssh-keys, may hold one.
var tellingMetadata = []string{
	"block-project-ssh-keys",
	"disable-legacy-endpoints",
	"enable-oslogin",
	"enable-oslogin-2fa",
	"google-compute-enable-virtio-rng",
	"serial-port-enable",
	"serial-port-logging-enable",
}

func dropNodeSecrets(n *containerpb.NodeConfig) {
	for key := range n.GetMetadata() {
		if !slices.Contains(tellingMetadata, key) {
			n.Metadata[key] = Redacted
		}
	}
	dropRegistryHeaders(n.GetContainerdConfig())
	dropScriptArguments(n.GetLinuxNodeConfig())
}

// dropRegistryHeaders removes the values of the headers that containerd sends to
// registries: often they are credentials.
func dropRegistryHeaders(cc *containerpb.ContainerdConfig) {
	for _, server := range cc.GetRegistryHosts() {
		for _, host := range server.GetHosts() {
			for _, header := range host.GetHeader() {
				header.Value = []string{Redacted}
			}
		}
	}
}

func dropScriptArguments(l *containerpb.LinuxNodeConfig) {
	if script := l.GetCustomNodeInit().GetInitScript(); len(script.GetArgs()) > 0 {
		script.Args = []string{Redacted}
	}
}
