package audit

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/container/apiv1/containerpb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A Replacement is what gcloud needs to create another node pool with the settings of one
// that has to be recreated.
type Replacement struct {
	// NodePool is the node pool to replace:
	// projects/P/locations/L/clusters/C/nodePools/N.
	NodePool string `json:"nodePool"`

	// NewName is a valid name that no node pool of the cluster has.
	NewName string `json:"newName"`

	// Flags are arguments of gcloud container node-pools create, one flag each, not quoted
	// for a shell. They are printable ASCII.
	Flags []string `json:"flags"`

	// LeftOut are the fields of the node pool that are set and that no flag carries over.
	LeftOut []string `json:"leftOut,omitempty"`
}

// The longest names that GKE takes. Of node pools gcloud documents fewer than 40 characters.
// https://docs.cloud.google.com/sdk/gcloud/reference/container/node-pools/create
// https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters#Cluster.FIELDS.name
const (
	LongestNodePool = 39
	LongestCluster  = 40
)

// longestFlags bounds the flags of one node pool in bytes: labels and taints can be many, and a
// report holds them for every node pool that has to be recreated.
const longestFlags = 4096

// replacementFlag is what [Replacement.Flags] holds.
var replacementFlag = regexp.MustCompile(`^--[a-z][a-z0-9-]*(=[ -~]*)?$`)

var (
	newName   = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)
	fieldPath = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z0-9]+)*$`)
)

// IsNodePoolName reports whether GKE takes a name for a node pool.
func IsNodePoolName(name string) bool {
	return newName.MatchString(name) && len(name) <= LongestNodePool
}

// Validate reports what of a replacement that was read from a file is not as [Replacement]
// promises.
func (r Replacement) Validate() error {
	size := 0
	for _, f := range r.Flags {
		if size += len(f); !replacementFlag.MatchString(f) {
			return fmt.Errorf("%q is not a flag", f)
		}
	}
	for _, path := range r.LeftOut {
		if len(path) > 100 || !fieldPath.MatchString(path) {
			return fmt.Errorf("%q is not a field", path)
		}
	}
	switch {
	case Segment(r.NodePool, "nodePools") == "":
		return fmt.Errorf("%q is not a node pool", r.NodePool)
	case !IsNodePoolName(r.NewName):
		return fmt.Errorf("%q is not a name for a node pool", r.NewName)
	case size > longestFlags || len(r.LeftOut) > 200:
		return fmt.Errorf("%s has more flags or fields than a node pool has", r.NodePool)
	}
	return nil
}

var (
	numbered = regexp.MustCompile(`-[0-9]{1,4}$`)
	unusable = regexp.MustCompile(`[^a-z0-9-]+`)
)

// FreeName returns a valid name for a resource that takes the place of another: the other's
// name with the next number that is free, cut to a length.
func FreeName(name string, longest int, taken func(string) bool) string {
	name = strings.TrimLeft(unusable.ReplaceAllString(strings.ToLower(name), "-"), "-0123456789")
	next := 2
	if n := numbered.FindString(name); n != "" {
		old, _ := strconv.Atoi(n[1:])
		name, next = strings.TrimSuffix(name, n), old+1
	}
	for ; ; next++ {
		suffix := "-" + strconv.Itoa(next)
		base := strings.TrimRight(name[:min(len(name), longest-len(suffix))], "-")
		if free := cmp.Or(base, "new") + suffix; !taken(free) {
			return free
		}
	}
}

// Replacements returns what is needed to replace node pools of the cluster, in the order of
// their names. Others than its node pools are skipped.
func (c *Cluster) Replacements(resources map[string]bool) []Replacement {
	taken := map[string]bool{}
	for _, p := range c.GetNodePools() {
		taken[p.GetName()] = true
	}
	var all []Replacement
	for _, n := range c.NodeSources() {
		if n.Pool == nil || !resources[n.ResourceName()] {
			continue
		}
		free := FreeName(n.Pool.GetName(), LongestNodePool, func(name string) bool { return taken[name] })
		taken[free] = true
		s := poolSettings{flags: []string{}}
		s.read(c, n.Pool)
		all = append(all, Replacement{NodePool: n.ResourceName(), NewName: free, Flags: slices.Clone(s.flags), LeftOut: s.left})
	}
	slices.SortFunc(all, func(a, b Replacement) int { return strings.Compare(a.NodePool, b.NodePool) })
	return all
}

// poolSettings collects the flags that create another node pool like one, and the fields
// for which there are none.
type poolSettings struct {
	flags []string
	left  []string
	size  int
}

// set adds a flag for a field. A value that gcloud would read as more than one, or that is
// not printable, is left out, and the field with it.
func (s *poolSettings) set(field, flag string, values ...string) {
	for _, v := range values {
		if v == "" || strings.ContainsAny(v, ",") || strings.HasPrefix(v, "^") {
			s.left = append(s.left, field)
			return
		}
	}
	if flag += "=" + strings.Join(values, ","); !replacementFlag.MatchString(flag) || s.size+len(flag) > longestFlags {
		s.left = append(s.left, field)
		return
	}
	s.size += len(flag)
	s.flags = append(s.flags, flag)
}

// text adds a flag unless the value is not set.
func (s *poolSettings) text(field, flag, value string) {
	if value != "" {
		s.set(field, flag, value)
	}
}

// list adds a flag unless there are no values.
func (s *poolSettings) list(field, flag string, values []string) {
	if len(values) > 0 {
		s.set(field, flag, values...)
	}
}

func (s *poolSettings) number(field, flag string, n int64) {
	if n != 0 {
		s.set(field, flag, strconv.FormatInt(n, 10))
	}
}

// enum adds a flag unless the value is not set. The values that the flag takes are those of the
// API, perhaps in lower case; another is left out.
func (s *poolSettings) enum(field, flag string, value protoreflect.Enum, takes ...string) {
	if value.Number() == 0 {
		return
	}
	known := value.Descriptor().Values().ByNumber(value.Number())
	for _, word := range takes {
		if known != nil && strings.EqualFold(strings.TrimPrefix(string(known.Name()), "OS_VERSION_"), word) {
			s.set(field, flag, word)
			return
		}
	}
	s.left = append(s.left, field)
}

// duration adds a flag unless the duration is not set.
func (s *poolSettings) duration(field, flag string, d *durationpb.Duration) {
	if d != nil {
		s.set(field, flag, inSeconds(d))
	}
}

// inSeconds writes a duration as gcloud takes it; it is empty for one of part of a second.
func inSeconds(d *durationpb.Duration) string {
	if d.GetNanos() != 0 {
		return ""
	}
	return strconv.FormatInt(d.GetSeconds(), 10) + "s"
}

// pairs adds a flag with keys and values, in the order of keys.
func (s *poolSettings) pairs(field, flag string, m map[string]string) {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, key+"="+m[key])
	}
	s.list(field, flag, all)
}

// on adds a flag without a value.
func (s *poolSettings) on(flag string, on bool) {
	if on {
		s.flags = append(s.flags, flag)
	}
}

// either adds a flag, or the one that says no.
func (s *poolSettings) either(flag string, on bool) {
	if !on {
		flag = "--no-" + strings.TrimPrefix(flag, "--")
	}
	s.flags = append(s.flags, flag)
}

// read reads a node pool. The flags and their values are those of gcloud 528.0.0; a test
// compares them.
func (s *poolSettings) read(c *Cluster, p *containerpb.NodePool) {
	config := p.GetConfig()
	s.text("config.machineType", "--machine-type", config.GetMachineType())
	s.disk(config)
	s.text("config.imageType", "--image-type", config.GetImageType())
	s.list("locations", "--node-locations", p.GetLocations())
	s.scaling(p)
	s.pairs("config.labels", "--node-labels", nodeLabels(config))
	s.taints(c, config)
	s.text("config.serviceAccount", "--service-account", config.GetServiceAccount())
	s.list("config.oauthScopes", "--scopes", config.GetOauthScopes())
	s.on("--spot", config.GetSpot())
	s.on("--preemptible", config.GetPreemptible())
	s.accelerators(config)
	s.number("maxPodsConstraint.maxPodsPerNode", "--max-pods-per-node", p.GetMaxPodsConstraint().GetMaxPodsPerNode())
	s.network(c, p.GetNetworkConfig())
	s.list("config.tags", "--tags", config.GetTags())
	s.pairs("config.resourceLabels", "--labels", ownLabels(config.GetResourceLabels()))
	s.pairs("config.resourceManagerTags.tags", "--resource-manager-tags", config.GetResourceManagerTags().GetTags())
	s.security(config)
	s.hardware(config)
	s.placement(p)
	s.upkeep(p)
	s.rest("", p.ProtoReflect())
}

func (s *poolSettings) disk(config *containerpb.NodeConfig) {
	s.text("config.diskType", "--disk-type", cmp.Or(config.GetBootDisk().GetDiskType(), config.GetDiskType()))
	if size := cmp.Or(config.GetBootDisk().GetSizeGb(), int64(config.GetDiskSizeGb())); size != 0 {
		s.set("config.diskSizeGb", "--disk-size", strconv.FormatInt(size, 10)+"GB")
	}
	s.text("config.bootDiskKmsKey", "--boot-disk-kms-key", config.GetBootDiskKmsKey())
	s.localSSDs(config)
	s.list("config.storagePools", "--storage-pools", config.GetStoragePools())
}

// localSSDs is what local SSDs are for. gcloud takes one of the flags. Of the two that say what
// for, the one without a count means as many as belong to the machine type.
func (s *poolSettings) localSSDs(config *containerpb.NodeConfig) {
	var uses []localSSDUse
	if c := config.GetEphemeralStorageLocalSsdConfig(); c != nil {
		uses = append(uses, localSSDUse{"config.ephemeralStorageLocalSsdConfig", "--ephemeral-storage-local-ssd", c.GetLocalSsdCount()})
	}
	if c := config.GetLocalNvmeSsdBlockConfig(); c != nil {
		uses = append(uses, localSSDUse{"config.localNvmeSsdBlockConfig", "--local-nvme-ssd-block", c.GetLocalSsdCount()})
	}
	slices.SortStableFunc(uses, func(a, b localSSDUse) int { return cmp.Compare(b.count, a.count) })
	count := int64(config.GetLocalSsdCount())
	if len(uses) == 0 {
		s.number("config.localSsdCount", "--local-ssd-count", count)
		return
	}
	if count != 0 {
		s.left = append(s.left, "config.localSsdCount")
	}
	for _, other := range uses[1:] {
		s.left = append(s.left, other.field)
	}
	if first := uses[0]; first.count != 0 {
		s.set(first.field, first.flag, "count="+strconv.Itoa(int(first.count)))
	} else {
		s.on(first.flag, true)
	}
}

type localSSDUse struct {
	field, flag string
	count       int32
}

// scaling is how many nodes there are. The number of nodes of each zone is the one that the
// API calls initial: a node pool does not say how many it has now.
func (s *poolSettings) scaling(p *containerpb.NodePool) {
	s.set("initialNodeCount", "--num-nodes", strconv.Itoa(int(p.GetInitialNodeCount())))
	a := p.GetAutoscaling()
	if !a.GetEnabled() {
		return
	}
	s.on("--enable-autoscaling", true)
	if a.GetTotalMinNodeCount() != 0 || a.GetTotalMaxNodeCount() != 0 {
		s.set("autoscaling.totalMinNodeCount", "--total-min-nodes", strconv.Itoa(int(a.GetTotalMinNodeCount())))
		s.set("autoscaling.totalMaxNodeCount", "--total-max-nodes", strconv.Itoa(int(a.GetTotalMaxNodeCount())))
	} else {
		s.set("autoscaling.minNodeCount", "--min-nodes", strconv.Itoa(int(a.GetMinNodeCount())))
		s.set("autoscaling.maxNodeCount", "--max-nodes", strconv.Itoa(int(a.GetMaxNodeCount())))
	}
	s.enum("autoscaling.locationPolicy", "--location-policy", a.GetLocationPolicy(), "BALANCED", "ANY")
	s.on("--enable-autoprovisioning", a.GetAutoprovisioned())
}

// taints are those of the owner, without those that GKE adds by itself.
func (s *poolSettings) taints(c *Cluster, config *containerpb.NodeConfig) {
	effects := map[containerpb.NodeTaint_Effect]string{
		containerpb.NodeTaint_NO_SCHEDULE:        "NoSchedule",
		containerpb.NodeTaint_PREFER_NO_SCHEDULE: "PreferNoSchedule",
		containerpb.NodeTaint_NO_EXECUTE:         "NoExecute",
	}
	var all []string
	for _, t := range config.GetTaints() {
		taint := t.GetKey() + "=" + t.GetValue() + ":" + effects[t.GetEffect()]
		switch {
		case addsTaint(c, config, taint):
		case effects[t.GetEffect()] == "":
			s.left = append(s.left, "config.taints")
			return
		default:
			all = append(all, taint)
		}
	}
	s.list("config.taints", "--node-taints", all)
}

// sandboxKey is the key of a label and a taint of nodes with GKE Sandbox. GKE adds both, and
// refuses node pools that are created with either.
// https://github.com/crossplane-contrib/provider-gcp/pull/187
// https://github.com/crossplane-contrib/provider-gcp/issues/491
const sandboxKey = "sandbox.gke.io/runtime"

// addsTaint reports whether GKE adds a taint to new nodes by itself. To nodes with GPUs it does
// where the cluster has others; there it has refused the taint as a duplicate. Sources: Run GPUs
// in GKE Standard node pools, and Prepare to deploy an Arm workload, in the GKE documentation.
// https://github.com/hashicorp/terraform-provider-google/issues/7928
func addsTaint(c *Cluster, config *containerpb.NodeConfig, taint string) bool {
	switch taint {
	case "nvidia.com/gpu=present:NoSchedule":
		return len(config.GetAccelerators()) > 0 && slices.ContainsFunc(c.GetNodePools(), func(p *containerpb.NodePool) bool {
			return len(p.GetConfig().GetAccelerators()) == 0
		})
	case "kubernetes.io/arch=arm64:NoSchedule":
		return config.GetTaintConfig() == nil
	}
	return strings.HasPrefix(taint, sandboxKey+"=") && config.GetSandboxConfig().GetType() != 0
}

// nodeLabels are those of the owner.
func nodeLabels(config *containerpb.NodeConfig) map[string]string {
	labels := maps.Clone(config.GetLabels())
	if config.GetSandboxConfig().GetType() != 0 {
		delete(labels, sandboxKey)
	}
	return labels
}

// accelerators is the one kind that a node pool has: gcloud takes one.
func (s *poolSettings) accelerators(config *containerpb.NodeConfig) {
	accelerators := config.GetAccelerators()
	if len(accelerators) == 0 {
		return
	}
	a := accelerators[0]
	values := []string{"type=" + a.GetAcceleratorType(), "count=" + strconv.FormatInt(a.GetAcceleratorCount(), 10)}
	if size := a.GetGpuPartitionSize(); size != "" {
		values = append(values, "gpu-partition-size="+size)
	}
	version := a.GetGpuDriverInstallationConfig().GetGpuDriverVersion()
	driver := map[containerpb.GPUDriverInstallationConfig_GPUDriverVersion]string{
		containerpb.GPUDriverInstallationConfig_INSTALLATION_DISABLED: "disabled",
		containerpb.GPUDriverInstallationConfig_DEFAULT:               "default",
		containerpb.GPUDriverInstallationConfig_LATEST:                "latest",
	}[version]
	if driver != "" {
		values = append(values, "gpu-driver-version="+driver)
	}
	strategy := map[containerpb.GPUSharingConfig_GPUSharingStrategy]string{
		containerpb.GPUSharingConfig_TIME_SHARING: "time-sharing",
		containerpb.GPUSharingConfig_MPS:          "mps",
	}[a.GetGpuSharingConfig().GetGpuSharingStrategy()]
	if strategy != "" {
		values = append(values, "gpu-sharing-strategy="+strategy,
			"max-shared-clients-per-gpu="+strconv.FormatInt(a.GetGpuSharingConfig().GetMaxSharedClientsPerGpu(), 10))
	}
	if len(accelerators) > 1 || driver == "" && version != 0 || strategy == "" && a.GetGpuSharingConfig() != nil {
		s.left = append(s.left, "config.accelerators")
		return
	}
	s.set("config.accelerators", "--accelerator", values...)
}

func (s *poolSettings) network(c *Cluster, n *containerpb.NodeNetworkConfig) {
	if n == nil {
		return
	}
	if n.EnablePrivateNodes != nil {
		s.either("--enable-private-nodes", n.GetEnablePrivateNodes())
	}
	s.text("networkConfig.podRange", "--pod-ipv4-range", n.GetPodRange())
	own, known := ParseSubnetwork(n.GetSubnetwork())
	of, _ := ParseSubnetwork(c.GetNetworkConfig().GetSubnetwork())
	if n.GetSubnetwork() != "" && (!known || own != of) {
		s.left = append(s.left, "networkConfig.subnetwork")
	}
}

func (s *poolSettings) security(config *containerpb.NodeConfig) {
	if shielded := config.GetShieldedInstanceConfig(); shielded != nil {
		s.either("--shielded-secure-boot", shielded.GetEnableSecureBoot())
		s.either("--shielded-integrity-monitoring", shielded.GetEnableIntegrityMonitoring())
	}
	s.enum("config.workloadMetadataConfig.mode", "--workload-metadata", config.GetWorkloadMetadataConfig().GetMode(), "GCE_METADATA", "GKE_METADATA")
	if config.GetSandboxConfig().GetType() == containerpb.SandboxConfig_GVISOR {
		s.set("config.sandboxConfig.type", "--sandbox", "type=gvisor")
	} else if config.GetSandboxConfig().GetType() != 0 {
		s.left = append(s.left, "config.sandboxConfig.type")
	}
	if port := config.GetKubeletConfig(); port != nil && port.InsecureKubeletReadonlyPortEnabled != nil {
		s.either("--enable-insecure-kubelet-readonly-port", port.GetInsecureKubeletReadonlyPortEnabled())
	}
	// Other keys may hold secrets, and are not in the snapshot.
	if v, ok := config.GetMetadata()["disable-legacy-endpoints"]; ok {
		s.set("config.metadata", "--metadata", "disable-legacy-endpoints="+v)
	}
	if len(config.GetMetadata()) > 1 || len(config.GetMetadata()) == 1 && config.GetMetadata()["disable-legacy-endpoints"] == "" {
		s.left = append(s.left, "config.metadata")
	}
	if confidential := config.GetConfidentialNodes(); confidential.GetConfidentialInstanceType() == 0 {
		s.on("--enable-confidential-nodes", confidential.GetEnabled())
	} else {
		s.enum("config.confidentialNodes.confidentialInstanceType", "--confidential-node-type",
			confidential.GetConfidentialInstanceType(), "sev", "sev_snp", "tdx")
	}
	s.on("--enable-confidential-storage", config.GetEnableConfidentialStorage())
}

func (s *poolSettings) hardware(config *containerpb.NodeConfig) {
	s.text("config.minCpuPlatform", "--min-cpu-platform", config.GetMinCpuPlatform())
	s.on("--enable-gvnic", config.GetGvnic().GetEnabled())
	s.on("--enable-image-streaming", config.GetGcfsConfig().GetEnabled())
	s.number("config.advancedMachineFeatures.threadsPerCore", "--threads-per-core", config.GetAdvancedMachineFeatures().GetThreadsPerCore())
	s.on("--enable-nested-virtualization", config.GetAdvancedMachineFeatures().GetEnableNestedVirtualization())
	s.enum("config.loggingConfig.variantConfig.variant", "--logging-variant",
		config.GetLoggingConfig().GetVariantConfig().GetVariant(), "DEFAULT", "MAX_THROUGHPUT")
	s.enum("config.windowsNodeConfig.osVersion", "--windows-os-version", config.GetWindowsNodeConfig().GetOsVersion(), "ltsc2019", "ltsc2022")
}

// placement is where nodes run and for how long.
func (s *poolSettings) placement(p *containerpb.NodePool) {
	config := p.GetConfig()
	s.reservation(config.GetReservationAffinity())
	s.text("config.nodeGroup", "--node-group", config.GetNodeGroup())
	s.enum("placementPolicy.type", "--placement-type", p.GetPlacementPolicy().GetType(), "COMPACT")
	s.text("placementPolicy.policyName", "--placement-policy", p.GetPlacementPolicy().GetPolicyName())
	s.text("placementPolicy.tpuTopology", "--tpu-topology", p.GetPlacementPolicy().GetTpuTopology())
	s.on("--enable-queued-provisioning", p.GetQueuedProvisioning().GetEnabled())
	s.on("--flex-start", config.GetFlexStart())
	s.duration("config.maxRunDuration", "--max-run-duration", config.GetMaxRunDuration())
}

// reservation is which reservations nodes take. gcloud takes one, by its name.
func (s *poolSettings) reservation(affinity *containerpb.ReservationAffinity) {
	const field = "config.reservationAffinity"
	byName := affinity.GetKey() == "compute.googleapis.com/reservation-name" && len(affinity.GetValues()) == 1
	switch kind := affinity.GetConsumeReservationType(); {
	case affinity == nil:
	case kind == containerpb.ReservationAffinity_SPECIFIC_RESERVATION && byName:
		s.set(field, "--reservation-affinity", "specific")
		s.set(field, "--reservation", affinity.GetValues()[0])
	case affinity.GetKey() != "" || len(affinity.GetValues()) > 0:
		s.left = append(s.left, field)
	case kind == containerpb.ReservationAffinity_NO_RESERVATION:
		s.set(field, "--reservation-affinity", "none")
	case kind == containerpb.ReservationAffinity_ANY_RESERVATION:
		s.set(field, "--reservation-affinity", "any")
	case kind != 0:
		s.left = append(s.left, field)
	}
}

func (s *poolSettings) upkeep(p *containerpb.NodePool) {
	if m := p.GetManagement(); m != nil {
		s.either("--enable-autoupgrade", m.GetAutoUpgrade())
		s.either("--enable-autorepair", m.GetAutoRepair())
	}
	s.upgrades(p.GetUpgradeSettings())
}

// upgrades is how nodes are replaced by newer ones. Surge upgrades are the default, and gcloud
// takes both of their numbers or none. Source: Node upgrade strategies, in the GKE documentation.
func (s *poolSettings) upgrades(u *containerpb.NodePool_UpgradeSettings) {
	switch u.GetStrategy() {
	case containerpb.NodePoolUpdateStrategy_NODE_POOL_UPDATE_STRATEGY_UNSPECIFIED, containerpb.NodePoolUpdateStrategy_SURGE:
		if u.GetMaxSurge() != 0 || u.GetMaxUnavailable() != 0 {
			s.set("upgradeSettings.maxSurge", "--max-surge-upgrade", strconv.Itoa(int(u.GetMaxSurge())))
			s.set("upgradeSettings.maxUnavailable", "--max-unavailable-upgrade", strconv.Itoa(int(u.GetMaxUnavailable())))
		}
		if u.GetBlueGreenSettings() != nil {
			s.left = append(s.left, "upgradeSettings.blueGreenSettings")
		}
	case containerpb.NodePoolUpdateStrategy_BLUE_GREEN:
		s.on("--enable-blue-green-upgrade", true)
		s.blueGreen(u.GetBlueGreenSettings())
	default:
		s.left = append(s.left, "upgradeSettings.strategy")
	}
}

func (s *poolSettings) blueGreen(b *containerpb.BlueGreenSettings) {
	const field = "upgradeSettings.blueGreenSettings"
	s.duration(field+".nodePoolSoakDuration", "--node-pool-soak-duration", b.GetNodePoolSoakDuration())
	if b.GetAutoscaledRolloutPolicy() != nil {
		s.left = append(s.left, field+".autoscaledRolloutPolicy")
	}
	policy := b.GetStandardRolloutPolicy()
	var values []string
	switch size := policy.GetUpdateBatchSize().(type) {
	case *containerpb.BlueGreenSettings_StandardRolloutPolicy_BatchNodeCount:
		values = append(values, "batch-node-count="+strconv.Itoa(int(size.BatchNodeCount)))
	case *containerpb.BlueGreenSettings_StandardRolloutPolicy_BatchPercentage:
		values = append(values, "batch-percent="+strconv.FormatFloat(float64(size.BatchPercentage), 'f', -1, 32))
	}
	if d := policy.GetBatchSoakDuration(); d != nil && inSeconds(d) == "" {
		s.left = append(s.left, field+".standardRolloutPolicy.batchSoakDuration")
	} else if d != nil {
		values = append(values, "batch-soak-duration="+inSeconds(d))
	}
	s.list(field+".standardRolloutPolicy", "--standard-rollout-policy", values)
}

// ownLabels are the labels that the owner gave: Google adds those that begin with goog-.
func ownLabels(labels map[string]string) map[string]string {
	own := maps.Clone(labels)
	maps.DeleteFunc(own, func(key, _ string) bool { return strings.HasPrefix(key, "goog-") })
	return own
}

// settled are the fields of a node pool that flags carry over or that only GKE sets.
// What is neither here nor within one of those is left out, and named, so that a field that is
// new in the API is, too.
var settled = setOf(`name selfLink version instanceGroupUrls status statusMessage conditions podIpv4CidrSize updateInfo
	etag kubeletCertInfo initialNodeCount locations autoscaling management maxPodsConstraint queuedProvisioning.enabled
	upgradeSettings.maxSurge upgradeSettings.maxUnavailable upgradeSettings.strategy upgradeSettings.blueGreenSettings
	placementPolicy.type placementPolicy.policyName placementPolicy.tpuTopology
	networkConfig.createPodRange networkConfig.podRange networkConfig.podIpv4CidrBlock networkConfig.enablePrivateNodes
	networkConfig.podIpv4RangeUtilization networkConfig.subnetwork
	config.machineType config.diskSizeGb config.diskType config.bootDisk.diskType config.bootDisk.sizeGb
	config.oauthScopes config.serviceAccount config.metadata config.imageType config.labels config.localSsdCount config.tags
	config.preemptible config.spot config.accelerators config.minCpuPlatform config.workloadMetadataConfig.mode config.taints
	config.sandboxConfig.type config.nodeGroup config.reservationAffinity config.shieldedInstanceConfig config.bootDiskKmsKey
	config.gcfsConfig.enabled config.gvnic.enabled config.confidentialNodes config.resourceLabels
	config.advancedMachineFeatures.threadsPerCore config.advancedMachineFeatures.enableNestedVirtualization
	config.kubeletConfig.insecureKubeletReadonlyPortEnabled config.loggingConfig.variantConfig.variant
	config.windowsNodeConfig.osVersion config.localNvmeSsdBlockConfig.localSsdCount
	config.ephemeralStorageLocalSsdConfig.localSsdCount config.resourceManagerTags.tags
	config.enableConfidentialStorage config.storagePools config.maxRunDuration config.flexStart config.effectiveCgroupMode`)

// opened are the messages of which some fields are settled.
var opened = func() map[string]bool {
	all := map[string]bool{}
	for path := range settled {
		for i := strings.LastIndex(path, "."); i > 0; i = strings.LastIndex(path[:i], ".") {
			all[path[:i]] = true
		}
	}
	return all
}()

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		set[word] = true
	}
	return set
}

// rest leaves out the fields of a message that are set and not settled.
func (s *poolSettings) rest(prefix string, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		path := prefix + f.JSONName()
		message := f.Message() != nil && !f.IsList() && !f.IsMap()
		switch {
		case settled[path]:
		case opened[path] && message:
			s.rest(path+".", v.Message())
		case message && proto.Size(v.Message().Interface()) == 0: // set, and says nothing
		default:
			s.left = append(s.left, path)
		}
		return true
	})
	if prefix == "" {
		slices.Sort(s.left)
		s.left = slices.Compact(s.left)
	}
}
