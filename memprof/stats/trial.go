package stats

// TrialQuantity is what of a block is compared.
type TrialQuantity string

// The quantities.
const (
	Growth TrialQuantity = "growth" // slope per cycle; an effect is a difference of slopes
	Level  TrialQuantity = "level"  // mean of the values; an effect is a difference of means
	Ratio  TrialQuantity = "ratio"  // mean of the logarithms; an effect is a ratio, 1 for none
)

// TrialScheme is which arms a trial has.
type TrialScheme string

// The schemes.
const (
	OneByOne    TrialScheme = "one by one"    // nothing, and each factor alone
	LeaveOneOut TrialScheme = "leave one out" // nothing, all, and all but one
	Factorial   TrialScheme = "factorial"     // the arms of a [Design]
)

// TrialKind is what an effect compares.
type TrialKind string

// The kinds of effects, each "on minus off".
const (
	SoloEffect        TrialKind = "solo"          // the factor alone against nothing
	LeaveOneOutEffect TrialKind = "leave-one-out" // all against all but the factor
	MainEffect        TrialKind = "main"          // the mean over the arms with it less that over those without
	InteractionEffect TrialKind = "interaction"   // half the effect of one factor with the other less that without
	AllEffect         TrialKind = "all"           // all factors against nothing
	SameEffect        TrialKind = "A/A"           // the second "nothing" of each replicate against the first
)

// TrialVerdict is what an effect is said to be.
type TrialVerdict string

// The verdicts.
const (
	Helps      TrialVerdict = "helps"       // less with the factor on
	Harms      TrialVerdict = "harms"       // more with the factor on
	NoEffect   TrialVerdict = "no effect"   // an effect of Margin or more is ruled out
	CannotTell TrialVerdict = "cannot tell" // too little is known
)

// TrialBlock is a run of consecutive cycles with the same factors on.
type TrialBlock struct {
	// On says which factors are on; all blocks have as many.
	On []bool
	// Replicate is the number of the round through all arms to which the block belongs.
	Replicate int
	// Again says that it is the second "nothing" of its replicate.
	Again bool
	// Values hold one value per cycle, read at its end; NaN where there is none. Where all blocks ran in one
	// browser, the blocks are to be given in the order in which they ran.
	Values []float64
}

// TrialOptions say how a trial is analysed.
type TrialOptions struct {
	// Of is what is compared. Default Growth.
	Of TrialQuantity
	// Scheme is which arms were run. Default OneByOne.
	Scheme TrialScheme
	// Fresh says that each block began in a browser of its own. Default: one browser for all.
	Fresh bool
	// Wash is how many cycles at the beginning of a block only lead into it; negative for none. Growth
	// begins at the reading that ends the last of them. Default 1.
	Wash int
	// Floor is the standard deviation of one value below which noise is not believed. Default 0.
	Floor float64
	// Margin is the smallest effect of practical use, in the unit of the effect; for a Ratio as a
	// factor above 1, such as 1.1. Default 0: "no effect" is never said but of exact values.
	Margin float64
	// Share raises Margin to this part of what the arm "nothing" does, such as .25 of its growth. Default 0.
	// It is not for a Ratio.
	Share float64
	// Alpha is the error probability of all effects of one kind together. Default .05.
	Alpha float64
	// Looks is how often the growing trial is to be analysed at the most, at equal steps, and Look which of
	// them this is, from 1. Default 0: once.
	Looks, Look int
	// Open says that it may be analysed any number of times. Default false.
	Open bool
}

// TrialEffect is what a factor, or several, change: "on" minus "off" with a 95 % interval, or for a
// Ratio "on" divided by "off". Below 0 (a Ratio: 1) the factor saves.
type TrialEffect struct {
	Kind TrialKind
	// Factor is the factor's index, -1 for interactions, AllEffect and SameEffect.
	Factor int
	// Words are the factors as words: one, or all the interactions that the arms cannot tell apart.
	Words []Word
	Interval
	SE       float64 // standard error; of a Ratio, of its logarithm; 0 if unknown
	DF       int     // degrees of freedom of the t distribution that has this interval
	P        float64 // two-sided, for no effect at all; looks are allowed for
	Adjusted float64 // by Holm's method for the number of effects of this kind
	Verdict  TrialVerdict
	// MoreBlocks is, where the verdict is CannotTell, about how many more blocks the trial needs; 0 if
	// unknown.
	MoreBlocks int
}

// TrialArm is what one arm does, with a 95 % interval for it alone.
type TrialArm struct {
	On []bool
	Interval
	Blocks int
}

// Trial is the analysis of an experiment with factors that were on in some blocks and off in others.
type Trial struct {
	// Effects are in the order of the constants of TrialKind, and within a kind in that of the factors.
	Effects []TrialEffect
	// AA compares the two "nothing" of the replicates; nil without them.
	AA *TrialEffect
	// Differs says that they differ at the level SameAlpha: the trial is not to be trusted.
	Differs bool
	// Arms are in the order in which they first appear. The two "nothing" are one.
	Arms []TrialArm
	// Sigma is the standard deviation of a block's slope or mean, DF the degrees of freedom that the blocks
	// leave for it: blocks less arms. 0 is an experiment that only the noise within blocks speaks for.
	Sigma float64
	DF    int
	// Margin is the one that was used.
	Margin float64
	// SmallestVisible is the effect that such a trial finds with a power of 80 %, by Holm's method at its
	// strictest; of a Ratio a factor above 1. It is math.MaxFloat64 if nothing is known.
	SmallestVisible float64
	// Used and Dropped count the blocks. Dropped ones had fewer than two usable values (for Growth), or none.
	Used, Dropped int
	// Notes are warnings.
	Notes []string
}

// Effect returns the effect of a kind of one factor, false if the arms do not show it.
func (t Trial) Effect(kind TrialKind, factor int) (TrialEffect, bool) {
	for _, e := range t.Effects {
		if e.Kind == kind && e.Factor == factor {
			return e, true
		}
	}
	return TrialEffect{}, false
}
