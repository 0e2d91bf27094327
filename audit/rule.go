package audit

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/container/apiv1/containerpb"
)

// A Rule is one thing that ought to hold for every cluster: why, how to check
// it, how to mend it. All text is Markdown; commands are indented by four spaces.
type Rule struct {
	// ID is made of words in lower case with dashes. It never changes and is
	// never used again for something else.
	ID string `json:"id"`

	// Title says what holds when all is well.
	Title string `json:"title"`

	Severity Severity `json:"severity"`

	// Weight says in one sentence why it has that severity.
	Weight string `json:"weight"`

	// Optional says why the rule is not among the recommended ones: that its advice
	// is a matter of cost or taste, or does not fit every estate. Empty if it is
	// recommended.
	Optional string `json:"optional,omitempty"`

	// Obsolete says why the rule finds nothing that matters today: Google removed what it is
	// about, so that it cannot fail on any version that GKE runs, or what it fails on has no
	// effect. Such a rule stays for benchmarks and old snapshots, and is not among the
	// recommended ones. Empty if the rule is of use.
	Obsolete string `json:"obsolete,omitempty"`

	// Since is the version of gkeaudit that the rule came with.
	Since string `json:"since"`

	// Rationale says what happens when it does not hold.
	Rationale string `json:"rationale"`

	// Checks says exactly what is looked at, and what passes, fails and is left
	// undecided.
	Checks string `json:"checks"`

	Remediation Remediation `json:"remediation"`

	// References are pages to read on, most useful first.
	References []Reference `json:"references"`

	// Controls are what benchmarks, detectors and policies of others say of the same
	// thing.
	Controls []Control `json:"controls,omitempty"`

	// Needs is the data that the rule judges by, besides the clusters, which every
	// rule needs. What no rule of a run needs is not read.
	Needs []Data `json:"needs,omitempty"`

	// Uses is data that the rule says more with, and judges without.
	Uses []Data `json:"uses,omitempty"`

	// Reads are the parameters that the rule judges by, in the order of
	// [Parameters.Changed]; empty if there are none.
	Reads []Parameter `json:"reads,omitempty"`

	// Permissions are the IAM permissions without which the rule cannot judge every
	// cluster, sorted. They follow from what it needs; see [Rule.Complete].
	Permissions []string `json:"permissions"`

	// Check judges one cluster. Its verdicts are about the cluster or parts of
	// it, at most one for each resource, and at least one in all.
	Check func(*Input, *Cluster) []Verdict `json:"-"`
}

// An Input is what rules judge: what was read, and what its owner has laid down.
type Input struct {
	*Snapshot
	Parameters Parameters
}

// NewInput returns a snapshot to be judged by the default parameters.
func NewInput(s *Snapshot) *Input { return &Input{s, DefaultParameters()} }

// A Control is an entry of a benchmark, a detector or a policy that is about the same
// thing as a rule.
type Control struct {
	Framework Framework `json:"framework"`

	// ID is the control's own: "5.6.5", "PRIVATE_CLUSTER_DISABLED",
	// "container.managed.enablePrivateNodes".
	ID string `json:"id"`
}

// A Framework is where controls come from. Benchmarks are named with their version:
// their numbers change from one to the next.
type Framework string

// The frameworks.
const (
	CISGKE19          Framework = "CIS GKE 1.9.0"
	CISGKEAutopilot13 Framework = "CIS GKE Autopilot 1.3.0"
	CISGKE20          Framework = "CIS GKE 2.0.0"
	SCC               Framework = "Security Command Center"     // detectors of Security Health Analytics
	OrgPolicy         Framework = "Organization Policy Service" // constraints that prevent what the rule finds
)

// Remediation is how to make a rule hold. Names in braces stand for those of the
// finding: {project}, {location}, {cluster}, {pool}, {subnetwork}, {region},
// {network}, {router}, {gateway}, {account}, {account-project} and {host}, the project
// that owns the network. Those of [AccountDomain], [AgentDomain] and [WorkloadPool] are
// {account-domain}, {agent-domain} and {workload-pool}: a remediation writes no address by
// itself. {nodes-account} is the ID of an account for the cluster's nodes alone. {new-pool},
// {sandbox-pool} and {new-cluster} are valid names that are free, and {pool-flags} the
// flags that create another node pool like the old one, but for those that the command has
// itself; see [Replacement].
type Remediation struct {
	// Gcloud are steps, of which those count that fit the finding.
	Gcloud []Step `json:"gcloud"`

	// Terraform is a snippet for the Google provider.
	Terraform string `json:"terraform"`

	// Disruption says what the change interrupts, and whether something has to
	// be made anew.
	Disruption string `json:"disruption"`

	// Recreates is what is made anew by the change.
	Recreates Recreation `json:"recreates"`
}

// A Recreation is what a change makes anew.
type Recreation string

// The recreations, least first.
const (
	RecreatesNothing  Recreation = "nothing"
	RecreatesNodes    Recreation = "nodes"     // in place: GKE replaces them by the node pool's upgrade strategy
	RecreatesNodePool Recreation = "node-pool" // another has to be made, and the old one deleted
	RecreatesCluster  Recreation = "cluster"   // another has to be made, and workloads moved
)

// A Step is some commands that mend a finding.
type Step struct {
	// For is what the step is for; empty for every finding of the rule.
	For Subject `json:"for,omitempty"`

	// Title says what the commands do, or when they are needed.
	Title string `json:"title"`

	// Before says what to check before the commands run, and what they destroy. A step
	// that deletes, evicts, revokes or locks out has it, and does nothing else.
	Before string `json:"before,omitempty"`

	// Commands are for a POSIX shell. Each but the last ends in &&, so that none runs
	// after one that failed, and pasting them cannot end an interactive shell.
	Commands string `json:"commands"`
}

// A Subject is a kind of thing that a finding is about.
type Subject string

// The subjects of steps.
const (
	StandardPool     Subject = "standard-node-pool" // a node pool of a Standard cluster
	AutoProvisioning Subject = "auto-provisioning"  // the defaults of a Standard cluster for the node pools it makes
	AutopilotCluster Subject = "autopilot"          // an Autopilot cluster or a node pool of one
)

// A Reference is a page to read on.
type Reference struct {
	Title string `json:"title"`
	URL   string `json:"url"`
}

// EachCluster makes a Check that judges the cluster as a whole.
func EachCluster(judge func(*Input, *Cluster) Verdict) func(*Input, *Cluster) []Verdict {
	return func(in *Input, c *Cluster) []Verdict {
		return []Verdict{judge(in, c)}
	}
}

// EachNodeSource makes a Check that judges each node pool, and the cluster where
// it makes node pools by its own defaults. What passes by defaults says what it does not see.
func EachNodeSource(judge func(*Input, NodeSource) Verdict) func(*Input, *Cluster) []Verdict {
	return eachNodeSource(func(in *Input, n NodeSource) Verdict {
		v := judge(in, n)
		if n.Pool != nil {
			return v
		}
		origin, _ := n.Cluster.makesNodePools()
		// Where a cluster uses its defaults, their failure stands whatever a class sets.
		if v.Status == Pass || v.Status == Fail && ForComputeClasses(origin) {
			v = v.Noting(byDefaults)
		}
		return v
	})
}

// EachNodeSourceInUse makes a Check as EachNodeSource does, of what is judged by nodes that
// the cluster has and not by the defaults of those to come.
func EachNodeSourceInUse(judge func(*Input, NodeSource) Verdict) func(*Input, *Cluster) []Verdict {
	return eachNodeSource(judge)
}

func eachNodeSource(judge func(*Input, NodeSource) Verdict) func(*Input, *Cluster) []Verdict {
	return func(in *Input, c *Cluster) []Verdict {
		var vs []Verdict
		for _, n := range c.NodeSources() {
			v := judge(in, n).On(n.ResourceName())
			if n.Pool == nil {
				origin, _ := c.makesNodePools()
				v = v.Because(origin)
			}
			vs = append(vs, v)
		}
		if vs == nil {
			return []Verdict{NoNodes(c)}
		}
		return vs
	}
}

// byDefaults says what a verdict on the node pools that a cluster creates by itself is based on.
// On Autopilot and Standard clusters alike, a compute class can set the service account, image,
// boot disk key, public or private nodes, shielded instance options and more. Source:
// ComputeClass, in the GKE reference of custom resources
// (https://docs.cloud.google.com/kubernetes-engine/docs/reference/crds/computeclass).
const byDefaults = "by the cluster's defaults; what compute classes set instead is not visible in the GKE API"

// EachPrivateSubnetwork makes a Check that judges each subnetwork that holds
// private nodes of the cluster.
func EachPrivateSubnetwork(judge func(*Input, *Cluster, NodeSubnetwork) Verdict) func(*Input, *Cluster) []Verdict {
	return func(in *Input, c *Cluster) []Verdict {
		subnetworks, unnamed := c.PrivateSubnetworks()
		var vs []Verdict
		for _, sn := range subnetworks {
			vs = append(vs, judge(in, c, sn).On(sn.Name.String()))
		}
		if unnamed != nil {
			vs = append(vs, Unknownf("%s: no subnetwork is named, as on a legacy network", JoinSources(unnamed)).
				Because(Absent(c.ResourceName(), "networkConfig.subnetwork", "the subnetwork is not known")))
		}
		if vs != nil {
			return vs
		}
		sources := c.NodeSources()
		if len(sources) == 0 {
			return []Verdict{NoNodes(c)}
		}
		v := NotApplicablef("no private nodes")
		for _, n := range sources {
			v = v.Because(n.Privacy().Evidence...)
		}
		v.Evidence = Distinct(v.Evidence)
		return []Verdict{v}
	}
}

// StandardOnly makes a Check of one that concerns Standard clusters alone. Of an Autopilot
// cluster it says that the question does not arise, and why: "Autopilot always ...". Where
// the answer says otherwise all the same, the verdict is unknown.
func StandardOnly(why string, check func(*Input, *Cluster) []Verdict) func(*Input, *Cluster) []Verdict {
	return func(in *Input, c *Cluster) []Verdict {
		if !c.Autopilot() {
			return check(in, c)
		}
		autopilot := Evidence{c.ResourceName(), "autopilot.enabled", "true"}
		// An answer that says otherwise is not waved through: an Autopilot cluster may
		// have node pools that Google does not manage, unless its policy rules them out
		// (autopilot.clusterPolicyConfig.noStandardNodePools).
		var otherwise []Verdict
		for _, v := range check(in, c) {
			if v.later || v.Status == Fail && len(v.Evidence) > 0 && !strings.HasPrefix(v.Evidence[0].Value, "absent") {
				v.Status, v.Message = Unknown, why+", and yet: "+v.Message
				otherwise = append(otherwise, v.Because(autopilot))
			}
		}
		if otherwise != nil {
			return otherwise
		}
		return []Verdict{NotApplicablef("%s", why).Because(autopilot)}
	}
}

// NotOnAutopilot makes a Check of one whose question does not arise on Autopilot clusters,
// whatever their answers say: there it is Google's to decide.
func NotOnAutopilot(why string, check func(*Input, *Cluster) []Verdict) func(*Input, *Cluster) []Verdict {
	return func(in *Input, c *Cluster) []Verdict {
		if c.Autopilot() {
			return []Verdict{NotApplicablef("%s", why).Because(Evidence{c.ResourceName(), "autopilot.enabled", "true"})}
		}
		return check(in, c)
	}
}

// NoNodes returns the verdict on a cluster that no nodes are known of. currentNodeCount and
// nodeConfig are deprecated; they are looked at because they say when the list of node
// pools cannot be all there is.
func NoNodes(c *Cluster) Verdict {
	if n := c.GetCurrentNodeCount(); n > 0 {
		return Unknownf("the cluster has nodes (%d), but its node pools are not in the answer", n).Because(
			Evidence{c.ResourceName(), "currentNodeCount", strconv.Itoa(int(n))},
			Absent(c.ResourceName(), "nodePools", "the node pools are not known"))
	}
	if c.NodeConfig != nil { // it mirrors the first node pool
		return Unknownf("the cluster has nodes, but its node pools are not in the answer").Because(
			Evidence{c.ResourceName(), "nodeConfig", "present"},
			Absent(c.ResourceName(), "nodePools", "the node pools are not known"))
	}
	return NotApplicablef("the cluster has no node pools and is not set to make any by itself").Because(
		Absent(c.ResourceName(), "nodePools", "no nodes"))
}

// JoinSources names node sources for a message.
func JoinSources(sources []NodeSource) string {
	names := make([]string, len(sources))
	for i, n := range sources {
		names[i] = n.String()
	}
	return strings.Join(names, ", ")
}

// Distinct drops evidence that was given before.
func Distinct(evidence []Evidence) []Evidence {
	seen := map[Evidence]bool{}
	return slices.DeleteFunc(evidence, func(e Evidence) bool {
		if seen[e] {
			return true
		}
		seen[e] = true
		return false
	})
}

// Run applies rules to the clusters of an input. It returns findings in the
// order of cluster, rule and resource.
//
// Clusters that are being created or deleted get NotApplicable from every rule:
// their configuration is not settled. Clusters in another state than RUNNING are
// judged, and their findings name the state, also one that is not known here.
func Run(in *Input, rules []*Rule) []Finding {
	var findings []Finding
	for _, of := range Judge(in, rules) {
		findings = append(findings, of...)
	}
	return findings
}

// Judge is Run for one cluster after the other, in the order of their names, each with
// its findings. The list of findings is good until the next cluster.
func Judge(in *Input, rules []*Rule) iter.Seq2[*Cluster, []Finding] {
	rules = slices.Clone(rules)
	slices.SortFunc(rules, func(a, b *Rule) int { return cmp.Compare(a.ID, b.ID) })
	return func(yield func(*Cluster, []Finding) bool) {
		var findings []Finding
		for _, c := range in.Clusters() {
			findings = findings[:0]
			for _, r := range rules {
				findings = appendFindings(findings, in, r, c)
			}
			if !yield(c, findings) {
				return
			}
		}
	}
}

// Drain is Judge that lets go of each cluster once it has been looked at, so that what
// is made of the findings can take the place of a large snapshot. The snapshot is of no
// use after that: of its clusters only the names are left.
func Drain(in *Input, rules []*Rule) iter.Seq2[*Cluster, []Finding] {
	return func(yield func(*Cluster, []Finding) bool) {
		in.release()
		for c, findings := range Judge(in, rules) {
			more := yield(c, findings)
			*c = Cluster{Project: c.Project, name: c.name}
			if !more {
				return
			}
		}
	}
}

// appendFindings adds those of a rule on a cluster.
func appendFindings(findings []Finding, in *Input, r *Rule, c *Cluster) []Finding {
	cluster := c.ResourceName()
	status := Evidence{cluster, "status", EnumName(c.Cluster, c.GetStatus())}
	var verdicts []Verdict
	switch c.GetStatus() {
	case containerpb.Cluster_PROVISIONING:
		verdicts = []Verdict{NotApplicablef("the cluster is being created (PROVISIONING)").Because(status)}
	case containerpb.Cluster_STOPPING:
		verdicts = []Verdict{NotApplicablef("the cluster is being deleted (STOPPING)").Because(status)}
	case containerpb.Cluster_STATUS_UNSPECIFIED, containerpb.Cluster_RUNNING:
		verdicts = r.Check(in, c)
	default: // ERROR, DEGRADED, RECONCILING, or a state that is not known here
		note := "the cluster is " + status.Value
		if !EnumKnown(c.GetStatus()) {
			note = "the cluster's status is " + status.Value + ", which this version of gkeaudit does not know"
		}
		for _, v := range r.Check(in, c) {
			verdicts = append(verdicts, v.Noting(note).Because(status))
		}
	}
	first := len(findings)
	for _, v := range verdicts {
		findings = append(findings, Finding{
			Rule:     r.ID,
			Severity: r.Severity,
			Status:   v.Status,
			Cluster:  cluster,
			Resource: cmp.Or(v.Resource, cluster),
			Message:  v.Message,
			Evidence: v.Evidence,

			Undecided: v.Status == Unknown && !v.Unread,
		})
	}
	slices.SortFunc(findings[first:], func(a, b Finding) int { return strings.Compare(a.Resource, b.Resource) })
	return findings
}
