package rules

import (
	"slices"
	"strings"

	"gkeaudit/audit"
)

// eachGateway makes a Check that judges each Public NAT gateway which serves private
// nodes of the cluster or their pods. Of a subnetwork that none serves it says so:
// whether one ought to is for cloud-nat.
func eachGateway(judge func(*audit.Input, audit.NATGateway) audit.Verdict) func(*audit.Input, *audit.Cluster) []audit.Verdict {
	return func(in *audit.Input, c *audit.Cluster) []audit.Verdict {
		var gateways []audit.Verdict
		served := map[string]bool{}
		subnetworks := audit.EachPrivateSubnetwork(func(in *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork) audit.Verdict {
			nat, v, ok := servingNAT(in, c, sn)
			for _, g := range nat.Gateways {
				if !slices.ContainsFunc(gateways, func(v audit.Verdict) bool { return v.Resource == g.ResourceName() }) {
					gateways = append(gateways, judge(in, g).On(g.ResourceName()))
				}
			}
			served[sn.Name.String()] = ok
			return v
		})(in, c)
		subnetworks = slices.DeleteFunc(subnetworks, func(v audit.Verdict) bool { return served[v.Resource] })
		return slices.Concat(gateways, subnetworks)
	}
}

// servingNAT returns how Cloud NAT serves a subnetwork of private nodes. It reports
// false, and gives the verdict on the subnetwork, where no gateway serves it or others
// may.
func servingNAT(in *audit.Input, c *audit.Cluster, sn audit.NodeSubnetwork) (audit.NATCoverage, audit.Verdict, bool) {
	network, v, ok := networkOf(in, c, sn.Name)
	if !ok {
		return audit.NATCoverage{}, v, false
	}
	nat, gap := in.NATCoverage(network, sn.Name, sn.PodRanges())
	switch {
	case gap != nil:
		return nat, audit.Hidden(gap), false
	case len(nat.Undecided) > 0:
		return nat, audit.Unknownf("whether Cloud NAT serves the subnetwork is undecided: %s", strings.Join(nat.Undecided, ", ")).Because(nat.Evidence...), false
	case nat.CoversAny():
		return nat, audit.Verdict{}, true
	}
	v = audit.NotApplicablef("no Cloud NAT gateway serves the subnetwork").Because(nat.Evidence...)
	if nat.Evidence == nil {
		v = v.Because(noGateway(network, sn.Name.Region))
	}
	return nat, v, false
}

// noGateway is evidence that a network has no gateway in a region.
func noGateway(network audit.NetworkName, region string) audit.Evidence {
	return audit.Absent("projects/"+network.Project+"/regions/"+region+"/routers", "nats", "no gateway for the network")
}
