package record

// What a gateway can do beyond protocol 1.0, as it names it in the features of its
// Hello. A worker must not send what a gateway does not name: one that does not know
// it would do something else, or end the stream.
const (
	// FeatureExceptUsers: it reads Send.ExceptUsers.
	FeatureExceptUsers = "except-users"
	// FeatureMergeSession: it reads SessionWrite.merge. Without it a patch would take
	// the place of the session.
	FeatureMergeSession = "merge-session"
	// FeatureAlone, of both ends. A gateway answers Alone: another is not to be told. A
	// worker heeds the flag alone, and says Alone before and after: of another, nothing
	// that it dies of is ever given up.
	FeatureAlone = "alone"
)

// What a worker can do beyond it, as it names it in its Hello.
const (
	// FeatureDrain: it drains when the record Drain asks for it. Another would skip the
	// record, and whoever asked would wait in vain.
	FeatureDrain = "drain"
)
