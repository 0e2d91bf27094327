package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"

	"cloud.google.com/go/container/apiv1/containerpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
)

// TestEnumRoundTrip decodes messages and encodes them again: nothing is lost but fields
// that are not known, and what was encoded decodes alike.
func TestEnumRoundTrip(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"known", `{"databaseEncryption": {"state": "ENCRYPTED"}}`, `{"databaseEncryption": {"state": "ENCRYPTED"}}`},
		{"later name", `{"databaseEncryption": {"state": "NEW", "currentState": "NEW", "keyName": "<k>"}}`, `{"databaseEncryption": {"state": "NEW", "currentState": "NEW", "keyName": "<k>"}}`},
		{"later number", `{"databaseEncryption": {"state": 99}}`, `{"databaseEncryption": {"state": 99}}`},
		{"no names", `{"status": "", "releaseChannel": {"channel": "7"}}`, `{"status": "", "releaseChannel": {"channel": "7"}}`},
		{"list", `{"loggingConfig": {"componentConfig": {"enableComponents": ["NEW", "WORKLOADS", 99, "NEWER", "NEW"]}}}`,
			`{"loggingConfig": {"componentConfig": {"enableComponents": ["NEW", "WORKLOADS", 99, "NEWER", "NEW"]}}}`},
		{"list of messages", `{"nodePools": [{"name": "a"}, {"name": "b", "config": {"sandboxConfig": {"type": "NEW"}}}]}`,
			`{"nodePools": [{"name": "a"}, {"name": "b", "config": {"sandboxConfig": {"type": "NEW"}}}]}`},
		{"map", `{"maintenancePolicy": {"window": {"maintenanceExclusions": {"x": {"maintenanceExclusionOptions": {"scope": "NEW"}}}}}}`,
			`{"maintenancePolicy": {"window": {"maintenanceExclusions": {"x": {"maintenanceExclusionOptions": {"scope": "NEW"}}}}}}`},
		{"field's other name", `{"release_channel": {"channel": "NEW"}}`, `{"releaseChannel": {"channel": "NEW"}}`},
		{"beside what is not known or null", `{"newer": {"channel": "X"}, "releaseChannel": {"channel": "NEW", "newest": [1]}, "autopilot": null, "currentNodeCount": 12}`,
			`{"releaseChannel": {"channel": "NEW"}, "currentNodeCount": 12}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, again := &containerpb.Cluster{}, &containerpb.Cluster{}
			if err := audit.Unmarshal([]byte(c.in), first); err != nil {
				t.Fatal(err)
			}
			out, err := audit.Marshal(first)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(parsed(t, c.want), parsed(t, string(out))); diff != "" {
				t.Errorf("encoded differs (-want +got):\n%s", diff)
			}
			if err := audit.Unmarshal(out, again); err != nil || !proto.Equal(first, again) {
				t.Errorf("decoded again it is another message (%v):\n%v\n%v", err, first, again)
			}
		})
	}
	for _, c := range []string{`{"status": ["NEW"]}`, `{"status": "NEW", "status": "NEW"}`, `{"status": "NEW"} {}`, `{"status": "NEW", "nodePools": 7}`, `["NEW"]`, `{"status": "NEW"`} {
		if err := audit.Unmarshal([]byte(c), &containerpb.Cluster{}); err == nil {
			t.Errorf("%s: no error", c)
		}
	}
}

func parsed(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLaterNamesAreTold keeps two names that are not known apart, and finds one equal to
// itself in another message.
func TestLaterNamesAreTold(t *testing.T) {
	channel := func(name string) *containerpb.ReleaseChannel {
		m := &containerpb.ReleaseChannel{}
		if err := audit.Unmarshal([]byte(`{"channel": "`+name+`"}`), m); err != nil {
			t.Fatal(err)
		}
		if got := audit.EnumName(m, m.GetChannel()); got != name {
			t.Errorf("the name of %s is %s", name, got)
		}
		return m
	}
	a, b, again := channel("NEW").GetChannel(), channel("NEWER").GetChannel(), channel("NEW").GetChannel()
	if a == b || a != again || audit.EnumKnown(a) || !audit.EnumKnown(channel("RAPID").GetChannel()) {
		t.Errorf("got %d, %d, %d", a, b, again)
	}
}

// TestManyLaterNames reads a list of very many names: time does not grow with its square.
func TestManyLaterNames(t *testing.T) {
	const many = 200_000
	var b bytes.Buffer
	b.WriteString(`{"enableComponents": ["NEW"`)
	for i := range many {
		fmt.Fprintf(&b, `, "NEW_%d"`, i)
	}
	b.WriteString(`]}`)
	began := time.Now()
	m := &containerpb.LoggingComponentConfig{}
	if err := audit.Unmarshal(b.Bytes(), m); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if _, later := audit.EnumNames(m, m.GetEnableComponents()); len(later) != many+1 {
		t.Errorf("got %d names", len(later))
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("took %v", took)
	}
}

// TestLaterEnums reads snapshots with names of enumerations' values that are not known
// here: no rule takes them for absent.
func TestLaterEnums(t *testing.T) {
	for _, c := range []struct{ rule, cluster string }{
		{"secrets-encryption", `"databaseEncryption": {"state": "ENCRYPTED", "keyName": "k", "currentState": "CURRENT_STATE_NEW"}`},
		{"dataplane-observability-relay", `"monitoringConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}, "advancedDatapathObservabilityConfig": {"relayMode": "PUBLIC_LB_NEW"}}`},
		{"node-kernel-module-policy", `"nodePools": [{"name": "a", "config": {"imageType": "COS_CONTAINERD", "machineType": "e2-standard-4", "linuxNodeConfig": {"nodeKernelModuleLoading": {"policy": "NEW"}}}}]`},
		{"security-bulletin-notifications", `"notificationConfig": {"pubsub": {"enabled": true, "topic": "projects/p/topics/t", "filter": {"eventType": ["NEW_EVENT"]}}}`},
		{"binary-authorization", `"binaryAuthorization": {"evaluationMode": "POLICY_BINDINGS_NEW"}`},
		{"network-policy", `"networkConfig": {"datapathProvider": "MIGRATE_TO_NEW"}, "networkPolicy": {}, "addonsConfig": {"networkPolicyConfig": {"disabled": true}}`},
		{"release-channel", `"releaseChannel": {"channel": "NEW"}`},
		{"node-metadata-server", `"nodePools": [{"name": "a", "config": {"imageType": "COS_CONTAINERD", "workloadMetadataConfig": {"mode": "NEW_MODE"}}}]`},
		{"node-sandbox", `"nodePools": [{"name": "a", "config": {"sandboxConfig": {"type": "NEW_SANDBOX"}}}]`},
		{"anonymous-authentication", `"anonymousAuthenticationConfig": {"mode": "NEW"}`},
		{"cloud-logging", `"loggingConfig": {"componentConfig": {"enableComponents": ["NEW"]}}`},
	} {
		s, err := audit.ReadSnapshot(strings.NewReader(fmt.Sprintf(`{"schema": "gkeaudit.snapshot/v1", "time": "2026-11-01T00:00:00Z", "scope": {"projects": ["shop-prod"]},
			"projects": [{"id": "shop-prod", "clusters": [{"name": "web", "location": "europe-west4", "status": "RUNNING", "currentMasterVersion": "1.35.3-gke.1389000",
			"aFieldOfALaterVersion": {"x": [1]}, %s}]}]}`, c.cluster)))
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		saved := write(t, s)
		if s, err = audit.ReadSnapshot(bytes.NewReader(saved)); err != nil {
			t.Errorf("%s: reading again: %v", c.rule, err)
			continue
		}
		for _, r := range rules.All {
			if r.ID != c.rule {
				continue
			}
			for _, f := range audit.Run(audit.NewInput(s), []*audit.Rule{r}) {
				if f.Status != audit.Unknown || !strings.Contains(f.Message, "NEW") {
					t.Errorf("%s: %s: %s", c.rule, f.Status, f.Message)
				}
			}
		}
	}
}
