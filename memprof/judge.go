package memprof

// Role says what a metric's growth means for the verdict of a diagnosis.
type Role string

const (
	// Primary metrics decide the verdict.
	Primary Role = "primary"
	// Supporting metrics are judged and are evidence of a cause, but raise no verdict.
	Supporting Role = "supporting"
	// Shown metrics move with what is not ours, or always rise: they are shown, never judged.
	Shown Role = "shown"
)
