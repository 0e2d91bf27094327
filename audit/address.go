package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// The addresses of a project's accounts depend on what its ID begins with. That of most
// projects is a name alone. In a universe of Google's other than the public one, it is a
// prefix and a name, eu0:shop; an old ID in the public universe may have a domain and a
// name, example.com:shop. A prefix has no dot. Source: Key differences from Google Cloud,
// in the documentation of Cloud de Confiance by S3NS.

// universePrefix returns the prefix of a project of another universe, "eu0" for eu0:shop;
// it is empty for others.
func universePrefix(project string) string {
	if prefix, _, ok := strings.Cut(project, ":"); ok && !strings.Contains(prefix, ".") {
		return prefix
	}
	return ""
}

// InPublicUniverse reports whether a project, given by its ID, is in Google Cloud and not in
// another universe of Google's. A number does not tell, and is taken for Google Cloud's.
func InPublicUniverse(project string) bool { return universePrefix(project) == "" }

// longestAccount is the longest ID of a service account that IAM takes.
const longestAccount = 30

// accountID is the form of one, of 6 to 30 characters.
var accountID = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

// IsAccountID reports whether IAM takes an ID for a service account.
func IsAccountID(id string) bool { return accountID.MatchString(id) }

// NodesAccountID returns a valid ID, of 6 to 30 characters, for a service account of the nodes
// of one cluster alone. Where the cluster's name is too long, it is cut and told from others
// that begin alike by four digits of its hash. Source: Create service accounts, in the IAM
// documentation.
func NodesAccountID(cluster string) string {
	const suffix = "-nodes"
	if len(cluster)+len(suffix) <= longestAccount {
		return cluster + suffix
	}
	sum := sha256.Sum256([]byte(cluster))
	hash := "-" + hex.EncodeToString(sum[:2])
	return strings.TrimRight(cluster[:longestAccount-len(suffix)-len(hash)], "-") + hash + suffix
}

// AccountDomain returns the domain of the service accounts that people make in a project,
// given by its ID: shop.iam.gserviceaccount.com. It is empty for a project's number.
func AccountDomain(project string) string {
	if project == "" || isNumber(project) {
		return ""
	}
	if scope, name, ok := strings.Cut(project, ":"); ok {
		project = name + "." + scope
	}
	return project + ".iam.gserviceaccount.com"
}

// AgentDomain returns what the domains of most service agents end in, in the universe of a
// project: iam.gserviceaccount.com. It is empty for a project's number.
func AgentDomain(project string) string {
	switch prefix := universePrefix(project); {
	case project == "" || isNumber(project):
		return ""
	case prefix != "":
		return prefix + "-system.iam.gserviceaccount.com"
	}
	return "iam.gserviceaccount.com"
}

// WorkloadPool returns the workload pool of a project's clusters: shop.svc.id.goog. It is
// empty for a project's number, and for a project of a domain, whose pool no documentation
// of Google's tells.
func WorkloadPool(project string) string {
	prefix, name, scoped := strings.Cut(project, ":")
	switch {
	case project == "" || isNumber(project):
		return ""
	case !scoped:
		return project + ".svc.id.goog"
	case universePrefix(project) != "":
		return name + "." + prefix + ".svc.id.goog"
	}
	return ""
}

// computeDefaultAddress returns the address of the Compute Engine default account of a
// project's number, in the universe of a project's ID.
func computeDefaultAddress(number, project string) string {
	if prefix := universePrefix(project); prefix != "" {
		return number + "-compute@developer." + prefix + "-system.iam.gserviceaccount.com"
	}
	return number + "-compute@developer.gserviceaccount.com"
}

var (
	// A name of a default account or a service agent, and its domain without what all
	// end in. Other universes have their own accounts in the projects of a domain
	// PREFIX-system.
	accountAddress = regexp.MustCompile(`^([^@]+)@(?:(.+)\.)?gserviceaccount\.com$`)
	ofTheUniverse  = regexp.MustCompile(`^(.+)\.[a-z][a-z0-9-]*-system\.iam$`)

	computeDefault = regexp.MustCompile(`^([0-9]+)-compute$`)
	agentName      = regexp.MustCompile(`^service-[0-9]+$`)
	accountName    = regexp.MustCompile(`^[a-z0-9-]+$`)
	accountHome    = regexp.MustCompile(`^[a-z0-9.-]+$`)
)

// ParseAccount reads the serviceAccount of a node pool, or an e-mail address. Nothing
// at all and "default" are the Compute Engine default account of the cluster's project.
func ParseAccount(name string) Account {
	a := Account{Email: strings.ToLower(name)}
	if a.Email == "" || a.Email == "default" {
		return Account{Kind: ComputeDefault}
	}
	parts := accountAddress.FindStringSubmatch(a.Email)
	if parts == nil {
		return a
	}
	local, domain, others := parts[1], parts[2], false
	if m := ofTheUniverse.FindStringSubmatch(domain); m != nil {
		domain, others = m[1], true
	}
	home, ofProject := strings.CutSuffix(domain, ".iam")
	switch {
	case domain == "developer":
		if m := computeDefault.FindStringSubmatch(local); m != nil {
			a.Kind, a.Home = ComputeDefault, m[1]
		}
	case domain == "appspot":
		if accountHome.MatchString(local) {
			a.Kind, a.Home = AppEngineDefault, projectOfDomain(local)
		}
	case domain == "cloudservices":
		if isNumber(local) {
			a.Kind = ServiceAgent
		}
	case others:
		// Whether accounts that people make may have this domain, too, is told in two ways on
		// the pages of other universes: an account that is not named as an agent stays unknown.
		if agentName.MatchString(local) {
			a.Kind = ServiceAgent
		}
	case domain == "system", strings.HasSuffix(domain, "-system.system"):
		if accountName.MatchString(local) {
			a.Kind = ServiceAgent
		}
	case !ofProject:
	case strings.HasPrefix(home, "gcp-sa-") && !strings.Contains(home, "."), agentName.MatchString(local):
		a.Kind = ServiceAgent
	case accountName.MatchString(local) && accountHome.MatchString(home):
		a.Kind, a.Home = UserManaged, projectOfDomain(home)
	}
	return a
}

// projectOfDomain returns the project ID in the domain of a service account, where what an
// ID begins with comes last: example.com:shop is shop.example.com there.
func projectOfDomain(domain string) string {
	if project, scope, ok := strings.Cut(domain, "."); ok {
		return scope + ":" + project
	}
	return domain
}
