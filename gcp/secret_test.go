package gcp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/gcp"
	"gkeaudit/gcp/gcptest"

	"cloud.google.com/go/compute/apiv1/computepb"
	"cloud.google.com/go/container/apiv1/containerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// secret is a number, so that it can stand where a string is expected and make an
// answer that cannot be decoded.
const secret = "3141592653589793"

// withSecrets is a snapshot whose every field that can hold a secret does.
func withSecrets() *audit.Snapshot {
	script := &containerpb.LinuxNodeConfig{CustomNodeInit: &containerpb.LinuxNodeConfig_CustomNodeInit{
		InitScript: &containerpb.LinuxNodeConfig_CustomNodeInit_InitScript{GcsUri: "gs://shop/init.sh", Args: []string{"--token", secret}},
	}}
	registries := &containerpb.ContainerdConfig{RegistryHosts: []*containerpb.ContainerdConfig_RegistryHostConfig{{
		Server: "registry.example.com",
		Hosts: []*containerpb.ContainerdConfig_RegistryHostConfig_HostConfig{{
			Host:   "https://mirror.example.com",
			Header: []*containerpb.ContainerdConfig_RegistryHostConfig_RegistryHeader{{Key: "Authorization", Value: []string{"Basic " + secret, secret}}},
		}},
	}}}
	node := func() *containerpb.NodeConfig {
		return proto.CloneOf(&containerpb.NodeConfig{
			Metadata: map[string]string{
				"disable-legacy-endpoints": "true",
				"startup-script":           "curl -H 'Authorization: " + secret + "' https://example.com",
				"ssh-keys":                 "me:ssh-ed25519 " + secret,
				"something-else":           secret,
			},
			ContainerdConfig: registries,
			LinuxNodeConfig:  script,
		})
	}
	auth := func() *containerpb.MasterAuth {
		return &containerpb.MasterAuth{Username: "admin", Password: secret, ClientKey: secret, ClientCertificate: secret}
	}
	network := &containerpb.NetworkConfig{
		Network:    "projects/shop-prod/global/networks/main",
		Subnetwork: "projects/shop-prod/regions/europe-west4/subnetworks/nodes",
	}
	router := &computepb.Router{
		Name:                  proto.String("edge"),
		Region:                proto.String("projects/shop-prod/regions/europe-west4"),
		Md5AuthenticationKeys: []*computepb.RouterMd5AuthenticationKey{{Name: proto.String("peer"), Key: proto.String(secret)}},
	}
	return &audit.Snapshot{
		Time:  now,
		Scope: audit.Scope{Projects: []string{"shop-prod"}},
		Projects: []*audit.Project{{
			ID: "shop-prod",
			Clusters: []*containerpb.Cluster{
				{
					Name: "web", Location: "europe-west4", NetworkConfig: network,
					MasterAuth: auth(),
					NodeConfig: node(), // deprecated: what the first node pool says
					NodePools:  []*containerpb.NodePool{{Name: "main", Config: node()}, {Name: "batch", Config: node()}},
					NodePoolDefaults: &containerpb.NodePoolDefaults{NodeConfigDefaults: &containerpb.NodeConfigDefaults{
						ContainerdConfig: proto.CloneOf(registries),
					}},
					NodePoolAutoConfig: &containerpb.NodePoolAutoConfig{LinuxNodeConfig: proto.CloneOf(script)},
				},
				{Name: "no-pools", Location: "europe-west4", MasterAuth: auth(), NodeConfig: node()},
			},
			Subnetworks: []*computepb.Subnetwork{},
			Routers:     []*computepb.Router{router},
			Routes:      []*computepb.Route{},
		}},
	}
}

// TestSecrets looks for secrets in the snapshot, in the program's log and in what
// the client libraries write to the standard streams when told to log everything,
// also where calls fail and are repeated.
func TestSecrets(t *testing.T) {
	t.Setenv("GOOGLE_SDK_GO_LOGGING_LEVEL", "debug")
	const routers = "/aggregated/routers"
	for _, tc := range []struct {
		name   string
		faults []*gcptest.Fault
	}{
		{"none", nil},
		{"unavailable", []*gcptest.Fault{{Times: 3, Status: 502, Body: quoted("<html>" + secret)}, {Path: routers, Status: 503}}},
		{"denied", []*gcptest.Fault{{Path: routers, Status: 403, Body: quoted(secret)}}},
		{"cut", []*gcptest.Fault{{Times: 3, Cut: true}, {Path: routers, Cut: true}}},
		{"not JSON", []*gcptest.Fault{{Body: quoted(secret)}}},
		{"half", []*gcptest.Fault{{Body: quoted(`{"clusters": [{"masterAuth": {"password": "` + secret)}}},
		{"wrong type", []*gcptest.Fault{{Merge: map[string]json.RawMessage{
			"clusters": json.RawMessage(`[{"masterAuth": {"password": ` + secret + `}}]`),
		}}}},
		{"wrong type of a key", []*gcptest.Fault{{Path: routers, Merge: map[string]json.RawMessage{
			"items": json.RawMessage(`{"regions/r": {"routers": [{"md5AuthenticationKeys": [{"key": ` + secret + `}]}]}}`),
		}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			streams := standardStreams(t)
			srv := serve(t, withSecrets())
			srv.Faults = tc.faults
			var log bytes.Buffer
			config := configFor(srv)
			config.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			s := collect(t.Context(), t, config, audit.Scope{Projects: []string{"shop-prod"}})

			for where, text := range map[string]string{"snapshot": string(written(t, s)), "log": log.String(), "standard streams": streams()} {
				if i := strings.Index(text, secret); i >= 0 {
					t.Errorf("the %s holds a secret: …%s", where, text[max(0, i-200):i+len(secret)])
				}
			}
			if tc.faults != nil {
				return
			}
			if len(s.Projects[0].Clusters) != 2 {
				t.Errorf("got %d clusters, want 2: the test tests nothing", len(s.Projects[0].Clusters))
			}
			for _, c := range s.Projects[0].Clusters {
				if got := c.GetMasterAuth().GetClientCertificate(); got != gcp.Redacted {
					t.Errorf("client certificate of %s is %q, want %s: that there is one is kept", c.GetName(), got, gcp.Redacted)
				}
			}
		})
	}
}

// quoted makes a body of any text.
func quoted(text string) json.RawMessage {
	raw, _ := json.Marshal(text)
	return raw
}

// standardStreams turns standard output and error into a file until the test ends.
// The function that it returns reads what came.
func standardStreams(t *testing.T) func() string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "streams"))
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = f, f
	t.Cleanup(func() {
		os.Stdout, os.Stderr = stdout, stderr
		f.Close()
	})
	return func() string {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

// secretive are words in the names of fields that may hold secrets.
var secretive = regexp.MustCompile(`password|secret|token|key|credential|cert|header|metadata|args|init_script`)

// harmless are the fields with such names that are kept, by the last two parts of
// their paths.
var harmless = []string{
	// Names of keys of Cloud KMS.
	"autoprovisioning_node_pool_defaults.boot_disk_kms_key",
	"config.boot_disk_kms_key",
	"database_encryption.decryption_keys",
	"database_encryption.key_name",
	"last_operation_errors.key_name",
	"user_managed_keys_config.control_plane_disk_encryption_key",
	"user_managed_keys_config.control_plane_disk_encryption_key_versions",
	"user_managed_keys_config.gkeops_etcd_backup_encryption_key",
	"user_managed_keys_config.service_account_signing_keys",
	"user_managed_keys_config.service_account_verification_keys",
	// Names of certificate authorities.
	"user_managed_keys_config.aggregation_ca",
	"user_managed_keys_config.cluster_ca",
	"user_managed_keys_config.etcd_api_ca",
	"user_managed_keys_config.etcd_peer_ca",
	// Where secrets, certificates and scripts are, and for what.
	"ca.gcp_secret_manager_secret_uri",
	"cert.gcp_secret_manager_secret_uri",
	"certificate_authority_domain_config.fqdns",
	"gcp_secret_manager_certificate_config.secret_uri",
	"init_script.gcp_secret_manager_secret_uri",
	"init_script.gcs_uri",
	"key.gcp_secret_manager_secret_uri",
	// Names of headers, labels, taints and peers.
	"data.key",
	"header.key",
	"md5_authentication_keys.name",
	"bgp_peers.md5_authentication_key_name",
	"node_affinities.key",
	"reservation_affinity.key",
	"taints.key",
	// Which fields flow logs have.
	"log_config.metadata",
	"log_config.metadata_fields",
}

// TestSecretFields fills every text field of every message and looks which come
// through, so that a field that a later version of the API adds is seen here.
func TestSecretFields(t *testing.T) {
	served := withSecrets()
	p := served.Projects[0]
	cluster, router := &containerpb.Cluster{}, &computepb.Router{}
	subnetwork, route := &computepb.Subnetwork{}, &computepb.Route{}
	for name, m := range map[string]proto.Message{"cluster": cluster, "router": router, "subnetwork": subnetwork, "route": route} {
		fill(m.ProtoReflect(), name)
	}
	cluster.Name, cluster.Location = "web", "europe-west4"
	cluster.NetworkConfig.Network = p.Clusters[0].NetworkConfig.Network
	p.Clusters = append(p.Clusters[1:], cluster)
	p.Routers = []*computepb.Router{router}
	p.Subnetworks = []*computepb.Subnetwork{subnetwork}
	p.Routes = []*computepb.Route{route}

	srv := serve(t, served)
	s := collect(t.Context(), t, configFor(srv), served.Scope)
	if len(s.Gaps) > 0 {
		t.Fatalf("got gaps: %v", s.Gaps)
	}
	var kept []string
	for _, m := range regexp.MustCompile(`FILLED ([\w.]+)`).FindAllStringSubmatch(string(written(t, s)), -1) {
		parts := strings.Split(m[1], ".")
		if name := strings.Join(parts[len(parts)-2:], "."); secretive.MatchString(name) {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	if diff := cmp.Diff(slices.Sorted(slices.Values(harmless)), slices.Compact(kept)); diff != "" {
		t.Errorf("fields that may hold secrets and are kept differ (-known as harmless +kept):\n%s", diff)
	}
}

// fill sets every text field of a message, and of those within it, to its path.
func fill(m protoreflect.Message, path string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		path := path + "." + string(f.Name())
		text := protoreflect.ValueOfString("FILLED " + path)
		switch {
		case f.IsMap() && f.MapValue().Kind() == protoreflect.StringKind:
			m.Mutable(f).Map().Set(protoreflect.ValueOfString("key").MapKey(), text)
		case f.IsMap() && f.MapValue().Message() != nil:
			fill(m.Mutable(f).Map().Mutable(protoreflect.ValueOfString("key").MapKey()).Message(), path)
		case f.IsList() && f.Kind() == protoreflect.StringKind:
			m.Mutable(f).List().Append(text)
		case f.IsList() && f.Message() != nil:
			fill(m.Mutable(f).List().AppendMutable().Message(), path)
		case f.IsMap(), f.IsList():
		case f.Kind() == protoreflect.StringKind:
			m.Set(f, text)
		case f.Message() != nil && f.Message().ParentFile().Package() != "google.protobuf":
			fill(m.Mutable(f).Message(), path)
		}
	}
}
