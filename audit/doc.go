// Package audit judges the configuration of GKE clusters.
//
// Data goes one way. A [Snapshot] holds what was read from the GKE and Compute
// Engine APIs, as the APIs' own messages, and a [Gap] for everything that could
// not be read. [Judge] applies each [Rule] to each cluster of a snapshot and gives
// back its findings; [Drain] does so in little memory, and [Run] for all at once. A
// [Finding] is one rule's [Verdict] on one resource: a [Status], a message that says
// what is, and the [Evidence] that decided it.
//
// There are four statuses. Pass and Fail speak for themselves. NotApplicable
// says that the question does not arise, and why. Unknown says that it could not
// be answered, and which gap is to blame; it is the zero status, so a rule that
// forgets to decide has not passed anything. A gap never turns into a pass.
//
// Besides those types the package holds the facts about Google Cloud that more
// than one rule needs: which nodes a cluster makes ([NodeSource]), which
// subnetworks they are in, how those reach the internet ([InternetRoutes]), which
// ranges a Cloud NAT gateway serves ([NATCoverage]), which service accounts nodes run
// as ([NodeAccount]) and which roles those hold ([Grant]). A [NetworkPath] is a picture of
// how traffic gets in and out of clusters; the rules' package draws it by their verdicts.
//
// Nothing here does I/O on a network, reads a clock or depends on the order of
// its input: the same snapshot always gives the same findings.
package audit
