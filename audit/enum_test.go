package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"gkeaudit/audit"
	"gkeaudit/audit/rules"
)

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
		{"release-channel", `"releaseChannel": {"channel": "FANCY"}`},
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
		for _, r := range rules.All {
			if r.ID != c.rule {
				continue
			}
			for _, f := range audit.Run(audit.NewInput(s), []*audit.Rule{r}) {
				if f.Status != audit.Unknown {
					t.Errorf("%s: %s: %s", c.rule, f.Status, f.Message)
				}
			}
		}
	}
}
