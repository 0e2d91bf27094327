package gcp_test

import (
	"fmt"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/proto"
)

// BenchmarkCollect reads 300 projects of four clusters from a server that answers
// each call after 50 ms. Its figure ideal is the time that it took by the time that
// the calls take if all places are taken all the time: calls x 50 ms / concurrency.
func BenchmarkCollect(b *testing.B) {
	for _, concurrency := range []int{8, 16, 32, 64} {
		b.Run(fmt.Sprintf("concurrency=%d", concurrency), func(b *testing.B) {
			const latency = 50 * time.Millisecond
			s := estate(300, 4)
			srv := gcptest.NewServer(s)
			defer srv.Close()
			srv.Latency = latency
			client, err := gcp.NewClient(b.Context(), gcp.Config{
				ContainerEndpoint: srv.URL,
				ComputeEndpoint:   srv.URL,
				NoCredentials:     true,
				Concurrency:       concurrency,
			})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				got := client.Collect(b.Context(), s.Scope, networkData, time.Now())
				if len(got.Gaps) > 0 || len(got.Clusters()) != 1200 {
					b.Fatalf("%d clusters and %d gaps", len(got.Clusters()), len(got.Gaps))
				}
			}
			calls := float64(len(srv.Calls())) / float64(b.N)
			b.ReportMetric(calls, "calls/op")
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/(calls*latency.Seconds()/float64(concurrency)), "ideal")
		})
	}
}

// estate makes projects of clusters, each with a network of its own.
func estate(projects, clusters int) *audit.Snapshot {
	s := &audit.Snapshot{}
	for i := range projects {
		id := fmt.Sprintf("shop-%04d", i)
		network, region := "projects/"+id+"/global/networks/shop", "projects/"+id+"/regions/europe-west4"
		subnetwork := region + "/subnetworks/apps"
		p := &audit.Project{
			ID:          id,
			Subnetworks: []*computepb.Subnetwork{{Name: proto.String("apps"), Region: &region, Network: &network, PrivateIpGoogleAccess: proto.Bool(true)}},
			Routers: []*computepb.Router{{Name: proto.String("router"), Region: &region, Network: &network, Nats: []*computepb.RouterNat{{
				Name: proto.String("nat"), NatIpAllocateOption: proto.String("AUTO_ONLY"), SourceSubnetworkIpRangesToNat: proto.String("ALL_SUBNETWORKS_ALL_IP_RANGES"),
			}}}},
			Routes: []*computepb.Route{{Name: proto.String("default"), Network: &network, DestRange: proto.String("0.0.0.0/0"),
				NextHopGateway: proto.String("projects/" + id + "/global/gateways/default-internet-gateway")}},
		}
		for j := range clusters {
			p.Clusters = append(p.Clusters, &containerpb.Cluster{
				Name: fmt.Sprintf("web-%d", j), Location: "europe-west4", Status: containerpb.Cluster_RUNNING,
				NetworkConfig: &containerpb.NetworkConfig{Network: network, Subnetwork: subnetwork, DefaultEnablePrivateNodes: proto.Bool(true)},
				NodePools: []*containerpb.NodePool{{
					Name:          "main",
					NetworkConfig: &containerpb.NodeNetworkConfig{EnablePrivateNodes: proto.Bool(true), Subnetwork: subnetwork},
					Config:        &containerpb.NodeConfig{ServiceAccount: "gke-nodes@" + id + ".iam.gserviceaccount.com"},
				}},
			})
		}
		s.Projects = append(s.Projects, p)
		s.Scope.Projects = append(s.Scope.Projects, id)
	}
	return s
}
