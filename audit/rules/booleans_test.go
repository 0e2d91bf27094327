package rules_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The clusters that a boolean is put in, each with the network that it is in.
const (
	standard  = `{"networkConfig": ` + inNodes + `, "nodePools": [{"name": "main", "config": {"imageType": "COS_CONTAINERD"}}]}`
	auto      = `{"networkConfig": ` + inNodes + `, "autoscaling": {"enableNodeAutoprovisioning": true, "autoprovisioningNodePoolDefaults": {"shieldedInstanceConfig": {}}}}`
	autopilot = `{"networkConfig": ` + inNodes + `, "autopilot": {"enabled": true}}`
	private   = `{"networkConfig": ` + inNodes + `, "ipAllocationPolicy": {"clusterSecondaryRangeName": "pods"}, "nodePools": [{"name": "main", "networkConfig": {"enablePrivateNodes": true}}]}`
	guarded   = `{"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"authorizedNetworksConfig": {"enabled": true}}}}`

	guardedAnonymous = `{"anonymousAuthenticationConfig": {"mode": "ENABLED"}, "controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"authorizedNetworksConfig": {"enabled": true}}}}`

	// The answer names a private endpoint of the control plane.
	inside = `{"privateClusterConfig": {"privateEndpoint": "10.0.0.2"}}`

	byName = `{"controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": true}}}`

	inNodes = `{"network": "projects/shop-prod/global/networks/prod", "subnetwork": "projects/shop-prod/regions/europe-west4/subnetworks/nodes"}`
)

// booleans says of each boolean that a rule reads what the rule gives where the field is
// absent, false and true. Paths begin in the project; they have one cluster, one node pool
// and one subnetwork, router and gateway, written without an index.
var booleans = []struct {
	rule, cluster, field string
	absent, no, yes      audit.Status
}{
	{"authorized-networks", standard, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.enabled", audit.Fail, audit.NotApplicable, audit.Fail},
	{"authorized-networks", standard, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.enablePublicEndpoint", audit.Fail, audit.Pass, audit.Fail},
	{"authorized-networks", standard, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.enabled", audit.Fail, audit.Fail, audit.Pass},
	{"authorized-networks", guarded, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.gcpPublicCidrsAccessEnabled", audit.Pass, audit.Pass, audit.Pass},
	{"authorized-networks", guarded, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.privateEndpointEnforcementEnabled", audit.Pass, audit.Pass, audit.Pass},
	{"authorized-networks", guarded, "clusters.controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic", audit.Pass, audit.Pass, audit.Pass},
	{"authorized-networks", standard, "clusters.masterAuthorizedNetworksConfig.enabled", audit.Fail, audit.Fail, audit.Pass},
	{"authorized-networks", standard, "clusters.privateClusterConfig.enablePrivateEndpoint", audit.Fail, audit.Fail, audit.Pass},
	{"autopilot-mode", standard, "clusters.autopilot.enabled", audit.Fail, audit.Fail, audit.Pass},
	{"cloud-nat", private, "clusters.networkConfig.defaultSnatStatus.disabled", audit.Pass, audit.Pass, audit.Pass},
	{"cloud-nat", standard, "clusters.nodePools.networkConfig.enablePrivateNodes", audit.NotApplicable, audit.NotApplicable, audit.Pass},
	{"confidential-nodes", standard, "clusters.confidentialNodes.enabled", audit.Fail, audit.Fail, audit.Pass},
	{"confidential-nodes", standard, "clusters.nodePools.config.confidentialNodes.enabled", audit.Fail, audit.Fail, audit.Pass},
	{"kubelet-readonly-port", standard, "clusters.nodePools.config.kubeletConfig.insecureKubeletReadonlyPortEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"kubelet-readonly-port", standard, "clusters.nodePoolDefaults.nodeConfigDefaults.nodeKubeletConfig.insecureKubeletReadonlyPortEnabled", audit.Unknown, audit.Unknown, audit.Fail},
	{"kubelet-readonly-port", auto, "clusters.nodePoolDefaults.nodeConfigDefaults.nodeKubeletConfig.insecureKubeletReadonlyPortEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"kubelet-readonly-port", auto, "clusters.nodePoolAutoConfig.nodeKubeletConfig.insecureKubeletReadonlyPortEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"kubelet-readonly-port", auto, "clusters.autoscaling.autoprovisioningNodePoolDefaults.insecureKubeletReadonlyPortEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"kubelet-readonly-port", autopilot, "clusters.nodePoolAutoConfig.nodeKubeletConfig.insecureKubeletReadonlyPortEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"node-integrity-monitoring", standard, "clusters.nodePools.config.shieldedInstanceConfig.enableIntegrityMonitoring", audit.Fail, audit.Fail, audit.Pass},
	{"node-integrity-monitoring", auto, "clusters.autoscaling.autoprovisioningNodePoolDefaults.shieldedInstanceConfig.enableIntegrityMonitoring", audit.Fail, audit.Fail, audit.Pass},
	{"node-secure-boot", standard, "clusters.nodePools.config.shieldedInstanceConfig.enableSecureBoot", audit.Fail, audit.Fail, audit.Pass},
	{"node-secure-boot", auto, "clusters.autoscaling.autoprovisioningNodePoolDefaults.shieldedInstanceConfig.enableSecureBoot", audit.Fail, audit.Fail, audit.Pass},
	{"node-writable-cgroups", standard, "clusters.nodePools.config.containerdConfig.writableCgroups.enabled", audit.Pass, audit.Pass, audit.Fail},
	{"node-writable-cgroups", auto, "clusters.nodePoolDefaults.nodeConfigDefaults.containerdConfig.writableCgroups.enabled", audit.Pass, audit.Pass, audit.Fail},
	{"subnet-flow-logs", standard, "subnetworks.logConfig.enable", audit.Fail, audit.Fail, audit.Pass},
	{"subnet-flow-logs", standard, "subnetworks.enableFlowLogs", audit.Fail, audit.Fail, audit.Pass},
	{"custom-mode-network", standard, "networks.autoCreateSubnetworks", audit.Unknown, audit.Pass, audit.Fail},
	{"legacy-network", standard, "networks.autoCreateSubnetworks", audit.Unknown, audit.Pass, audit.Pass},
	{"private-google-access", private, "subnetworks.privateIpGoogleAccess", audit.Fail, audit.Fail, audit.Pass},
	{"private-nodes", standard, "clusters.nodePools.networkConfig.enablePrivateNodes", audit.Fail, audit.Fail, audit.Pass},
	{"private-nodes", standard, "clusters.networkConfig.defaultEnablePrivateNodes", audit.Fail, audit.Fail, audit.Pass},
	{"private-nodes", standard, "clusters.privateClusterConfig.enablePrivateNodes", audit.Fail, audit.Fail, audit.Pass},
	{"private-nodes", auto, "clusters.networkConfig.defaultEnablePrivateNodes", audit.Fail, audit.Fail, audit.Pass},
	{"private-nodes", autopilot, "clusters.networkConfig.defaultEnablePrivateNodes", audit.Fail, audit.Fail, audit.Pass},
	{"service-external-ips", standard, "clusters.networkConfig.serviceExternalIpsConfig.enabled", audit.Unknown, audit.Pass, audit.Fail},
	{"shielded-nodes", standard, "clusters.shieldedNodes.enabled", audit.Unknown, audit.Fail, audit.Pass},
	{"authorized-networks-google-cloud", guarded, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.gcpPublicCidrsAccessEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"control-plane-anonymous-access", guardedAnonymous, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.gcpPublicCidrsAccessEnabled", audit.Unknown, audit.Pass, audit.Fail},
	{"authorized-networks-private-endpoint", guarded, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.privateEndpointEnforcementEnabled", audit.Fail, audit.Fail, audit.Pass},
	{"cloud-nat-endpoint-independent-mapping", private, "routers.nats.enableEndpointIndependentMapping", audit.Pass, audit.Pass, audit.Fail},
	{"cloud-nat-logging", private, "routers.nats.logConfig.enable", audit.Fail, audit.Fail, audit.Pass},
	{"cloud-nat-ports", private, "routers.nats.enableDynamicPortAllocation", audit.Pass, audit.Pass, audit.Pass},
	{"control-plane-dns-endpoint", standard, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.enabled", audit.Fail, audit.Pass, audit.Fail},
	{"control-plane-dns-endpoint-credentials", standard, "clusters.controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic", audit.NotApplicable, audit.NotApplicable, audit.Pass},
	{"control-plane-dns-endpoint-credentials", byName, "clusters.controlPlaneEndpointsConfig.dnsEndpointConfig.enableK8sTokensViaDns", audit.Pass, audit.Pass, audit.Fail},
	{"control-plane-dns-endpoint-credentials", byName, "clusters.controlPlaneEndpointsConfig.dnsEndpointConfig.enableK8sCertsViaDns", audit.Pass, audit.Pass, audit.Fail},
	{"control-plane-global-access", inside, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.globalAccess", audit.Pass, audit.Pass, audit.Fail},
	{"control-plane-public-endpoint", standard, "clusters.controlPlaneEndpointsConfig.ipEndpointsConfig.enablePublicEndpoint", audit.Fail, audit.Pass, audit.Fail},
	{"rbac-system-bindings", standard, "clusters.rbacBindingConfig.enableInsecureBindingSystemAuthenticated", audit.Unknown, audit.Unknown, audit.Fail},
	{"rbac-system-bindings", standard, "clusters.rbacBindingConfig.enableInsecureBindingSystemUnauthenticated", audit.Unknown, audit.Unknown, audit.Fail},
}

// TestBooleans walks the booleans that rules read through absent, false and true.
func TestBooleans(t *testing.T) {
	for _, b := range booleans {
		i := slices.IndexFunc(rules.All, func(r *audit.Rule) bool { return r.ID == b.rule })
		if i < 0 {
			t.Errorf("there is no rule %q", b.rule)
			continue
		}
		for value, want := range map[any]audit.Status{nil: b.absent, false: b.no, true: b.yes} {
			findings := audit.Run(audit.NewInput(project(t, b.cluster, b.field, value)), rules.All[i:i+1])
			if len(findings) != 1 || findings[0].Status != want {
				t.Errorf("%s: %s = %v: got %s want %s", b.rule, b.field, value, format(findings), want)
			}
		}
	}
}

// project returns a snapshot of a project with one cluster, and one field set in it, unless
// the value is nil.
func project(t *testing.T, cluster, field string, value any) *audit.Snapshot {
	t.Helper()
	const network = `"network": "projects/shop-prod/global/networks/prod"`
	var snapshot map[string]any
	if err := json.Unmarshal([]byte(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": ["shop-prod"]},
 "projects": [{"id": "shop-prod",
  "clusters": [`+cluster+`],
  "subnetworks": [{"name": "nodes", "region": "projects/shop-prod/regions/europe-west4", `+network+`}],
  "routers": [{"name": "egress", "region": "projects/shop-prod/regions/europe-west4", `+network+`,
   "nats": [{"name": "nat", "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}]}],
  "networks": [{"name": "prod"}],
  "routes": [{"name": "default-internet", `+network+`, "destRange": "0.0.0.0/0", "priority": 1000,
   "nextHopGateway": "projects/shop-prod/global/gateways/default-internet-gateway"}]}]}`), &snapshot); err != nil {
		t.Fatal(err)
	}
	message := only(snapshot["projects"])
	path := strings.Split(field, ".")
	for _, name := range path[:len(path)-1] {
		if message[name] == nil && value != nil {
			message[name] = map[string]any{}
		}
		if message[name] == nil {
			break
		}
		message = only(message[name])
	}
	if value != nil {
		message[path[len(path)-1]] = value
	}
	c := only(only(snapshot["projects"])["clusters"])
	c["name"], c["location"], c["status"] = "web", "europe-west4", "RUNNING"
	data, err := json.Marshal(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	s, err := audit.ReadSnapshotStrict(strings.NewReader(string(data)))
	if err != nil {
		t.Fatalf("%s: %v", field, err)
	}
	return s
}

// only returns a message, or the only one of a list.
func only(v any) map[string]any {
	if list, ok := v.([]any); ok {
		v = list[0]
	}
	return v.(map[string]any)
}

// otherFields are selectors of a file that are named like an optional boolean and are none, or
// that decide no verdict.
var otherFields = []string{
	"nat.go GetEnable", // of a BGP peer, a string

	// Absent or false, another node pool needs no flag for them.
	"replacement.go GetPreemptible",
	"replacement.go GetEnableNestedVirtualization",
	"replacement.go GetFlexStart",
}

// TestOptionalBooleansAreWalked keeps rules from reading an optional boolean of which
// booleans does not say what absent, false and true mean. It goes by the names of fields.
func TestOptionalBooleansAreWalked(t *testing.T) {
	optional := map[string]string{} // names in Go to names in JSON
	for _, file := range []protoreflect.FileDescriptor{
		containerpb.File_google_container_v1_cluster_service_proto,
		computepb.File_google_cloud_compute_v1_compute_proto,
	} {
		addOptionalBooleans(optional, file.Messages())
	}
	walked := map[string]bool{}
	for _, b := range booleans {
		walked[b.field[strings.LastIndex(b.field, ".")+1:]] = true
	}
	for _, folder := range []string{".", ".."} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, source, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					field := optional[strings.TrimPrefix(s.Sel.Name, "Get")]
					if field != "" && !walked[field] && !slices.Contains(otherFields, filepath.Base(name)+" "+s.Sel.Name) {
						t.Errorf("%s: booleans has no line for %s", set.Position(s.Sel.Pos()), field)
					}
				}
				return true
			})
		}
	}
}

func addOptionalBooleans(names map[string]string, messages protoreflect.MessageDescriptors) {
	for i := range messages.Len() {
		m := messages.Get(i)
		for j := range m.Fields().Len() {
			if f := m.Fields().Get(j); f.Kind() == protoreflect.BoolKind && f.HasOptionalKeyword() {
				names[goName(f)] = f.JSONName()
			}
		}
		addOptionalBooleans(names, m.Messages())
	}
}

// goName returns the name of a field in generated Go code.
func goName(f protoreflect.FieldDescriptor) string {
	var b strings.Builder
	for _, word := range strings.Split(string(f.Name()), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
