package rules

import (
	"fmt"
	"slices"
	"strings"

	"gkeaudit/audit"

	"cloud.google.com/go/container/apiv1/containerpb"
)

var versionSupported = &audit.Rule{
	ID:       "version-supported",
	Title:    "Control plane and nodes run minor versions that GKE still offers",
	Severity: audit.High,
	Weight:   "One compromised Pod or one request is enough once a flaw is known, because the version gets no more patches.",
	Since:    "0.1.0",
	Rationale: `GKE patches a minor version for about 14 months, and for about 24 in the Extended
channel. After that it offers it to nobody, and what runs it stays as it is:
holes in the API server, the kubelet and the kernel that become known stay open
until somebody upgrades.`,
	Checks: `The minor versions of currentMasterVersion and of each node pool's version, against
those that the location's server config offers for control planes:
validMasterVersions, and channels[].validVersions of RAPID, REGULAR, STABLE and
the cluster's own channel. A minor version that only the Extended channel offers
fails in a cluster that is not in it. What only a channel offers that this version of
gkeaudit does not know is unknown. validNodeVersions is not used: it goes back
for years. Where the answer names no node pools of an Autopilot cluster, the deprecated
currentNodeVersion counts, the oldest that its nodes have; without it, the nodes are
unknown. The server config is read once for each location, in one of the projects that have
clusters there, which the evidence names.

Offered is less than supported: a minor version may be offered for some time after
its support ended. A patch that is no longer offered passes, and the message says
so: newer patches are there, but this one is not known to be out of support. A
version newer than all that are offered, and one of another form, are unknown.`,
	Remediation: audit.Remediation{
		Gcloud: []audit.Step{
			{Title: "See which versions GKE offers", Commands: `gcloud container get-server-config --location={location} --project={project}`},
			{Title: "Upgrade the control plane, one minor version at a time", Commands: `gcloud container clusters upgrade {cluster} --master \
    --location={location} --project={project} --cluster-version=VERSION`},
			{For: audit.StandardPool, Title: "Then the node pool", Commands: `gcloud container clusters upgrade {cluster} --node-pool={pool} \
    --location={location} --project={project}`},
		},
		Terraform: `resource "google_container_cluster" "cluster" {
  # name = {cluster}
  release_channel {
    channel = "REGULAR" # keeps it within support from then on
  }
}`,
		Disruption: `The control plane of a zonal cluster is away for some minutes; nodes are replaced
by the node pool's upgrade strategy. Look for APIs that are gone in the new minor
version first.`,
		Recreates: audit.RecreatesNodes,
	},
	References: []audit.Reference{
		{Title: "GKE versioning and support", URL: "https://docs.cloud.google.com/kubernetes-engine/versioning"},
		{Title: "GKE release schedule", URL: "https://docs.cloud.google.com/kubernetes-engine/docs/release-schedule"},
	},
	Needs: []audit.Data{audit.ServerConfigs},
	Check: checkVersions,
}

func checkVersions(in *audit.Input, c *audit.Cluster) []audit.Verdict {
	config, server, gap := in.ServerConfig(c.Project, c.GetLocation())
	judge := func(resource, field, version string) audit.Verdict {
		evidence := audit.Evidence{Resource: resource, Field: field, Value: version}
		if version == "" {
			evidence = audit.Absent(resource, field, "the version is not known")
		}
		if gap != nil {
			return audit.Hidden(gap).Because(evidence).On(resource)
		}
		v := judgeVersion(c, config, server, version).On(resource)
		v.Evidence = append([]audit.Evidence{evidence}, v.Evidence...)
		return v
	}
	verdicts := []audit.Verdict{judge(c.ResourceName(), "currentMasterVersion", c.GetCurrentMasterVersion()).On("")}
	for _, n := range c.NodeSources() {
		version, oldest := nodeVersion(n)
		switch {
		case oldest && version == "":
			nodes := audit.Unknownf("neither the node pools nor the version of the nodes is in the answer").Because(noNodeVersion(n)...)
			verdicts[0] = controlPlaneAndNodes(verdicts[0], nodes)
		case oldest:
			verdicts[0] = controlPlaneAndNodes(verdicts[0], judge(n.ResourceName(), "currentNodeVersion", version))
		case n.Pool != nil: // those that the cluster will make begin with its own version
			verdicts = append(verdicts, judge(n.ResourceName(), "version", version))
		}
	}
	return verdicts
}

// controlPlaneAndNodes makes one verdict of two on the same cluster, of which the worse
// one counts.
func controlPlaneAndNodes(control, nodes audit.Verdict) audit.Verdict {
	v := control
	if nodes.Status == audit.Fail || nodes.Status == audit.Unknown && control.Status == audit.Pass {
		v.Status = nodes.Status
	}
	if nodes.Message != control.Message {
		v.Message = "control plane: " + control.Message + "; nodes: " + nodes.Message
	}
	v = v.Because(nodes.Evidence...)
	v.Evidence = audit.Distinct(v.Evidence)
	return v
}

// judgeVersion judges a version by what GKE offers, which the named resource tells. Its
// evidence is what is offered.
func judgeVersion(c *audit.Cluster, config *containerpb.ServerConfig, server, text string) audit.Verdict {
	version, ok := audit.ParseVersion(text)
	if !ok {
		return audit.Unknownf("version %q cannot be read", text)
	}
	own, ownChannel := channelOf(c)
	offered := slices.Clone(config.GetValidMasterVersions())
	var extended, later []string
	var laterChannel audit.Evidence
	for _, channel := range config.GetChannels() {
		switch offers := channel.GetChannel(); {
		case offers == own:
		case offers == containerpb.ReleaseChannel_EXTENDED:
			extended = channel.GetValidVersions()
			continue
		case !audit.EnumKnown(offers):
			later = append(later, channel.GetValidVersions()...)
			laterChannel = audit.Evidence{Resource: server, Field: "channels[].channel", Value: audit.EnumName(channel, offers)}
			continue
		}
		offered = append(offered, channel.GetValidVersions()...)
	}
	minors := minorsOf(offered)
	if minors == nil {
		return audit.Unknownf("the server config offers no version").Because(audit.Absent(server, "validMasterVersions", "not known what is offered"))
	}
	name := minorName(version)
	offers := audit.Evidence{Resource: server, Field: "validMasterVersions, channels[].validVersions", Value: joinMinors(minors)}
	newest := minors[0]
	switch {
	case slices.Contains(offered, text):
		return audit.Passf("%s is offered", version).Because(offers)
	case slices.Contains(minors, minorOf(version)):
		return audit.Passf("%s is offered, but not this patch (%s)", name, version).Because(offers)
	case slices.Contains(minorsOf(later), minorOf(version)):
		return audit.UnknownValue(laterChannel).Because(offers)
	case minorOf(version).Compare(newest) > 0:
		return audit.Unknownf("%s is newer than all that is offered", name).Because(offers)
	case slices.Contains(minorsOf(extended), minorOf(version)) && !audit.EnumKnown(own):
		return audit.UnknownValue(ownChannel).Because(offers)
	case slices.Contains(minorsOf(extended), minorOf(version)):
		return audit.Failf("%s is offered in the Extended channel only, and the cluster is not in it", name).Because(offers)
	}
	return audit.Failf("%s is no longer offered", name).Because(offers)
}

func minorOf(v audit.Version) audit.Version { return audit.Version{Major: v.Major, Minor: v.Minor} }

func minorName(v audit.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// minorsOf returns the minor versions of versions, each once, the newest first.
func minorsOf(versions []string) []audit.Version {
	var minors []audit.Version
	for _, text := range versions {
		if v, ok := audit.ParseVersion(text); ok {
			minors = append(minors, minorOf(v))
		}
	}
	slices.SortFunc(minors, func(a, b audit.Version) int { return b.Compare(a) })
	return slices.Compact(minors)
}

func joinMinors(minors []audit.Version) string {
	names := make([]string, len(minors))
	for i, m := range minors {
		names[i] = minorName(m)
	}
	return strings.Join(names, ", ")
}
