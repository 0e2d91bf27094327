package audit

import (
	"regexp"
	"slices"
)

// An Account is a service account by its name: what a node pool's serviceAccount says.
type Account struct {
	// Email is the account's e-mail address in lower case. It is empty for the
	// Compute Engine default account where that is not named by its address.
	Email string

	Kind AccountKind

	// Home is the project that the address says the account belongs to: the number of
	// that of a ComputeDefault, the ID of others. It is empty where the address says
	// none, as that of Google's own accounts.
	Home string
}

// An AccountKind is a kind of service account.
type AccountKind int

// The kinds of service accounts. Source: Types of service accounts, in the IAM
// documentation.
const (
	MalformedAccount AccountKind = iota // not a service account's name
	UserManaged
	ComputeDefault
	AppEngineDefault
	ServiceAgent // of a service of Google's
)

var numberInDNSName = regexp.MustCompile(`^gke-[0-9a-f]+-([0-9]+)\.`)

// ServiceAccount returns the serviceAccount of the nodes as the API gives it, and where
// it does. Empty means that the Compute Engine default account is used.
func (n NodeSource) ServiceAccount() (string, Evidence) {
	field, name := "config.serviceAccount", n.Pool.GetConfig().GetServiceAccount()
	if n.Pool == nil {
		field = "autoscaling.autoprovisioningNodePoolDefaults.serviceAccount"
		name = n.Cluster.GetAutoscaling().GetAutoprovisioningNodePoolDefaults().GetServiceAccount()
	}
	if name == "" {
		return "", Absent(n.ResourceName(), field, "the default service account is used")
	}
	return name, Evidence{n.ResourceName(), field, name}
}

// ProjectNumber returns the number of the cluster's project: what it was asked for
// by, or from the name of the DNS endpoint that current clusters always have,
// gke-ID-NUMBER.LOCATION.gke.goog. It is empty where there is neither.
func (c *Cluster) ProjectNumber() string {
	number, _ := c.projectNumber()
	return number
}

// projectNumber returns the ProjectNumber and, where it is from the name of the DNS
// endpoint, the evidence of it.
func (c *Cluster) projectNumber() (string, Evidence) {
	if isNumber(c.Project) {
		return c.Project, Evidence{}
	}
	endpoint := c.GetControlPlaneEndpointsConfig().GetDnsEndpointConfig().GetEndpoint()
	if m := numberInDNSName.FindStringSubmatch(endpoint); m != nil {
		return m[1], Evidence{c.ResourceName(), "controlPlaneEndpointsConfig.dnsEndpointConfig.endpoint", endpoint}
	}
	return "", Evidence{}
}

// namedProject returns the cluster's project by its ID or, where it was asked for by its
// number, another project of the same universe by its ID, that of the network.
func (c *Cluster) namedProject() string {
	if isNumber(c.Project) {
		return Segment(c.GetNetworkConfig().GetNetwork(), "projects")
	}
	return c.Project
}

// A NodeAccount is a service account that nodes of a cluster run as.
type NodeAccount struct {
	Account

	// Cluster is the cluster, and Sources are those of its node sources that use the
	// account.
	Cluster *Cluster
	Sources []NodeSource

	// Project is the ID of the project that the account belongs to, its number where
	// the snapshot does not tell the ID, and that of the cluster for Google's own
	// accounts.
	Project string

	// numberedBy is what the address of a default account that is not named by it was
	// made from; nothing where the project's number was read.
	numberedBy []Evidence
}

// ResourceName returns "projects/P/serviceAccounts/EMAIL", with "default" in place of
// the address of a Compute Engine default account if the project's number is not known.
func (a NodeAccount) ResourceName() string {
	if a.Email == "" {
		return "projects/" + a.Project + "/serviceAccounts/default"
	}
	return "projects/" + a.Project + "/serviceAccounts/" + a.Email
}

// Evidence says where the nodes' service account is named, and what else tells its
// address.
func (a NodeAccount) Evidence() []Evidence {
	var evidence []Evidence
	for _, n := range a.Sources {
		_, e := n.ServiceAccount()
		evidence = append(evidence, e)
	}
	return append(evidence, a.numberedBy...)
}

// NodeAccounts returns the service accounts of a cluster's nodes, each once, in the
// order of its node sources, and the sources that name none in a form that is known.
func (s *Snapshot) NodeAccounts(c *Cluster) (accounts []NodeAccount, malformed []NodeSource) {
	return s.indexed().nodeAccounts(c)
}

func (ix *index) nodeAccounts(c *Cluster) (accounts []NodeAccount, malformed []NodeSource) {
	for _, n := range c.NodeSources() {
		name, _ := n.ServiceAccount()
		a := NodeAccount{Account: ParseAccount(name), Cluster: c, Project: c.Project}
		switch {
		case a.Kind == MalformedAccount:
			malformed = append(malformed, n)
			continue
		case a.Kind == ComputeDefault && a.Email == "":
			if a.Home = ix.numbers[c.Project]; a.Home != "" {
				a.Email = computeDefaultAddress(a.Home, c.namedProject())
				if e, ok := ix.numberedBy[c.Project]; ok {
					a.numberedBy = []Evidence{e}
				}
			}
		case a.Kind == ComputeDefault:
			if a.Project = ix.ids[a.Home]; a.Project == "" {
				a.Project = a.Home
			}
		case a.Home != "" && a.Home != ix.numbers[c.Project]:
			a.Project = a.Home
		}
		name = a.ResourceName()
		i := slices.IndexFunc(accounts, func(o NodeAccount) bool { return o.ResourceName() == name })
		if i < 0 {
			accounts = append(accounts, a)
			i = len(accounts) - 1
		} else if a.numberedBy != nil {
			accounts[i].numberedBy = a.numberedBy
		}
		accounts[i].Sources = append(accounts[i].Sources, n)
	}
	return accounts, malformed
}

// NodesAccount returns the ID of a service account for the nodes of a cluster alone, in its
// project. It is that of [NodesAccountID] but where another cluster of the project has the
// name, or an account has the ID: one that nodes of this cluster alone run as is taken for the
// cluster's own. Of accounts that were not read only those are known that nodes run as.
func (s *Snapshot) NodesAccount(c *Cluster) string {
	return s.indexed().nodesAccounts[c.ResourceName()]
}

// freeNodesAccounts makes the IDs for all clusters. Those whose names are not unique come last,
// so that they leave to the others what is made of their names.
func (ix *index) freeNodesAccounts() map[string]string {
	named := map[[2]string]int{}
	for _, c := range ix.all {
		named[[2]string{c.Project, LastSegment(c.ResourceName())}]++
	}
	ids, given := map[string]string{}, map[string]bool{}
	for _, unique := range []bool{true, false} {
		for _, c := range ix.all {
			name := LastSegment(c.ResourceName())
			if (named[[2]string{c.Project, name}] == 1) != unique {
				continue
			}
			if !unique {
				name += "-" + Segment(c.ResourceName(), "locations")
			}
			taken := func(id string) bool {
				email := id + "@" + AccountDomain(c.Project)
				users := ix.users["projects/"+c.Project+"/serviceAccounts/"+email]
				own := len(users) == 1 && users[0] == c
				by := ix.byAccount[c.Project]
				return given[c.Project+"/"+id] || !own && (len(users) > 0 || by != nil && by.accounts[email] != nil)
			}
			id := NodesAccountID(name)
			if taken(id) {
				id = FreeName(id, longestAccount, taken)
			}
			ids[c.ResourceName()], given[c.Project+"/"+id] = id, true
		}
	}
	return ids
}

// ClustersOf returns the clusters whose nodes run as a service account, in the order of
// their names.
func (s *Snapshot) ClustersOf(a NodeAccount) []*Cluster {
	return s.indexed().users[a.ResourceName()]
}

// MayShare returns another cluster whose nodes may or may not run as the same service
// account: a Compute Engine default account that is known by its project's ID alone here,
// and by a project's number alone there, or the other way round. It is nil if there is none.
func (s *Snapshot) MayShare(a NodeAccount) *Cluster {
	ix := s.indexed()
	var may []*Cluster
	switch {
	case a.unnumbered():
		may = ix.unnamed
	case ix.unnamedDefault(a):
		may = ix.unnumbered
	}
	for _, c := range may {
		if c.ResourceName() != a.Cluster.ResourceName() {
			return c
		}
	}
	return nil
}

// unnumbered reports whether of a default account the project's number is not known.
func (a NodeAccount) unnumbered() bool { return a.Kind == ComputeDefault && a.Email == "" }

// unnamedDefault reports whether of a default account nothing but the project's number is
// known.
func (ix *index) unnamedDefault(a NodeAccount) bool {
	return a.Kind == ComputeDefault && a.Home != "" && ix.ids[a.Home] == ""
}

// ClusterGap returns the first gap that hides clusters, or projects that may have some;
// nil if there is none.
func (s *Snapshot) ClusterGap() *Gap { return s.indexed().clusterGap }

// ProjectNumber returns the number of a project, or the gap that hides it.
func (s *Snapshot) ProjectNumber(id string) (string, *Gap) {
	ix := s.indexed()
	if isNumber(id) {
		return id, nil
	}
	if number := ix.numbers[id]; number != "" {
		return number, nil
	}
	return "", s.hidden(id, "projects/"+id+"/number", "cloudresourcemanager.projects.get")
}

// EachNodeAccount makes a Check that judges each service account that nodes of the
// cluster run as, once.
func EachNodeAccount(judge func(*Input, NodeAccount) Verdict) func(*Input, *Cluster) []Verdict {
	return func(in *Input, c *Cluster) []Verdict {
		var vs []Verdict
		accounts, malformed := in.NodeAccounts(c)
		for _, a := range accounts {
			v := judge(in, a).On(a.ResourceName()).Because(a.Evidence()...)
			v.Evidence = Distinct(v.Evidence)
			vs = append(vs, v)
		}
		for _, n := range malformed {
			name, evidence := n.ServiceAccount()
			vs = append(vs, Unknownf("%q has not the form of a service account's e-mail address", name).
				On(n.ResourceName()).Because(evidence))
		}
		if vs == nil {
			return []Verdict{NoNodes(c)}
		}
		return vs
	}
}
