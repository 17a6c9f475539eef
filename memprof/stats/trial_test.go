package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// trialOf makes the blocks of the arms without noise: slope is the growth of each arm.
func trialOf(arms [][]bool, replicates, cycles int, slope func(Word) float64) []TrialBlock {
	var blocks []TrialBlock
	level := 10.
	for replicate := range replicates {
		for i, on := range append(slices.Clone(arms), make([]bool, len(arms[0]))) {
			b := TrialBlock{On: on, Replicate: replicate, Again: i == len(arms)}
			for range cycles {
				level += slope(b.word())
				b.Values = append(b.Values, level)
			}
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// noisy adds independent noise to the values.
func noisy(blocks []TrialBlock, sd float64) []TrialBlock {
	r := rand.New(rand.NewPCG(5, 6))
	for _, b := range blocks {
		for i := range b.Values {
			b.Values[i] += sd * r.NormFloat64()
		}
	}
	return blocks
}

func trialArms(t *testing.T, scheme TrialScheme, factors int) [][]bool {
	t.Helper()
	arms, err := TrialArms(scheme, factors)
	require.NoError(t, err)
	return arms
}

// redundant is the growth where A and B each take away the same 1, and C adds .5.
func redundant(w Word) float64 {
	v := 2.
	if w&3 != 0 {
		v--
	}
	if w.Has(2) {
		v += .5
	}
	return v
}

func TestTrialWithoutNoiseIsExact(t *testing.T) {
	for _, c := range []struct {
		scheme TrialScheme
		want   map[TrialKind][]float64
	}{
		{OneByOne, map[TrialKind][]float64{SoloEffect: {-1, -1, .5}}},
		{LeaveOneOut, map[TrialKind][]float64{LeaveOneOutEffect: {0, 0, .5}, AllEffect: {-.5}}},
		{Factorial, map[TrialKind][]float64{
			SoloEffect: {-1, -1, .5}, LeaveOneOutEffect: {0, 0, .5}, MainEffect: {-.5, -.5, .5},
			InteractionEffect: {.5, 0, 0}, AllEffect: {-.5},
		}},
	} {
		for _, unit := range []float64{1, 1 << 20} {
			r := AnalyseTrial(trialOf(trialArms(t, c.scheme, 3), 2, 3, func(w Word) float64 { return unit * redundant(w) }),
				TrialOptions{Scheme: c.scheme})
			got := map[TrialKind][]float64{}
			for _, e := range r.Effects {
				require.InDelta(t, e.Value/unit, math.Round(2*e.Value/unit)/2, 1e-6, "%v %v", e.Kind, e.Words)
				require.Equal(t, e.Value, e.Lo)
				require.Equal(t, e.Value, e.Hi)
				value := math.Round(2*e.Value/unit) / 2
				require.Equal(t, map[bool]TrialVerdict{true: Helps, false: map[bool]TrialVerdict{true: NoEffect, false: Harms}[value == 0]}[value < 0], e.Verdict)
				got[e.Kind] = append(got[e.Kind], value)
			}
			for kind, values := range got {
				for i := range values {
					require.InDelta(t, c.want[kind][i], values[i], 1e-9, "%v %v", c.scheme, kind)
				}
			}
			require.Len(t, got, len(c.want))
			require.NotNil(t, r.AA)
			require.False(t, r.Differs)
			require.InDelta(t, 2*unit, r.Arms[0].Value, 1e-6*unit)
			require.Zero(t, r.Dropped)
		}
	}
}

func TestTrialOfConstants(t *testing.T) {
	for _, of := range []TrialQuantity{Growth, Level, Ratio} {
		for _, value := range []float64{0, 7, 1e12} {
			blocks := trialOf(trialArms(t, OneByOne, 2), 2, 3, func(Word) float64 { return 0 })
			for _, b := range blocks {
				for i := range b.Values {
					b.Values[i] = value
				}
			}
			r := AnalyseTrial(blocks, TrialOptions{Of: of})
			requireTrialFinite(t, r)
			if of == Ratio && value == 0 {
				require.Equal(t, len(blocks), r.Dropped, "0 has no logarithm")
				continue
			}
			for _, e := range r.Effects {
				require.Equal(t, NoEffect, e.Verdict)
				require.Equal(t, e.Lo, e.Hi)
			}
			require.False(t, r.Differs)
		}
	}
}

func requireTrialFinite(t *testing.T, r Trial) {
	t.Helper()
	effects := slices.Clone(r.Effects)
	if r.AA != nil {
		effects = append(effects, *r.AA)
	}
	for _, e := range effects {
		for _, v := range []float64{e.Value, e.Lo, e.Hi, e.SE, e.P, e.Adjusted} {
			require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%+v", e)
		}
		require.GreaterOrEqual(t, e.Adjusted, 0.)
		require.LessOrEqual(t, e.Adjusted, 1.)
	}
	for _, a := range r.Arms {
		require.False(t, math.IsNaN(a.Value+a.Lo+a.Hi) || math.IsInf(a.Value+a.Lo+a.Hi, 0), "%+v", a)
	}
	require.False(t, math.IsNaN(r.SmallestVisible+r.Sigma) || math.IsInf(r.SmallestVisible+r.Sigma, 0))
}

func TestTrialWithTooLittle(t *testing.T) {
	nan := math.NaN()
	for name, blocks := range map[string][]TrialBlock{
		"nothing":           nil,
		"no values":         {{On: []bool{false}}, {On: []bool{true}}},
		"one value":         {{On: []bool{false}, Values: []float64{1}}, {On: []bool{true}, Values: []float64{1, nan}}},
		"two blocks":        {{On: []bool{false}, Values: []float64{1, 2}}, {On: []bool{true}, Values: []float64{1, 3}}},
		"one arm":           {{On: []bool{true}, Values: []float64{1, 2, 4}}, {On: []bool{true}, Values: []float64{1, 3, 2}}},
		"infinite":          {{On: []bool{true}, Values: []float64{1, math.Inf(1), 4}}, {On: []bool{false}, Values: []float64{1, 3, math.MaxFloat64}}},
		"different lengths": {{On: []bool{true}, Values: []float64{1, 2, 4}}, {On: []bool{false, true}, Values: []float64{1, 3, 2}}},
	} {
		for _, o := range []TrialOptions{{}, {Scheme: Factorial}, {Of: Level, Open: true}, {Of: Ratio, Looks: 3, Look: 1}, {Fresh: true, Wash: -1}} {
			r := AnalyseTrial(blocks, o)
			requireTrialFinite(t, r)
			require.Equal(t, len(blocks), r.Used+r.Dropped, name)
			for _, e := range r.Effects {
				require.Equal(t, CannotTell, e.Verdict, name)
			}
		}
	}
}

func TestTrialLeavesOutWhatIsLost(t *testing.T) {
	blocks := noisy(trialOf(trialArms(t, OneByOne, 2), 3, 5, redundant), .1)
	blocks[4].Values = []float64{math.NaN(), 3, math.NaN()}
	blocks[5].Values[2] = math.NaN()
	r := AnalyseTrial(blocks, TrialOptions{})
	require.Equal(t, 1, r.Dropped)
	require.Equal(t, 11, r.Used)
	require.Equal(t, []string{"1 of 12 blocks had too few values and are left out"}, r.Notes)
	e, ok := r.Effect(SoloEffect, 0)
	require.True(t, ok)
	require.InDelta(t, -1, e.Value, .2)
	require.Equal(t, Helps, e.Verdict)
}

// Of blocks in browsers of their own the order does not matter, and scaling scales.
func TestTrialInvariance(t *testing.T) {
	blocks := noisy(trialOf(trialArms(t, Factorial, 3), 2, 6, redundant), .1)
	o := TrialOptions{Scheme: Factorial, Fresh: true, Margin: .2}
	first := AnalyseTrial(blocks, o)
	require.Equal(t, first, AnalyseTrial(blocks, o))

	shuffled := slices.Clone(blocks)
	slices.Reverse(shuffled)
	scaled := slices.Clone(blocks)
	for i := range scaled {
		scaled[i].Values = slices.Clone(scaled[i].Values)
		for j := range scaled[i].Values {
			scaled[i].Values[j] = 3 + 8*scaled[i].Values[j]
		}
	}
	permuted := AnalyseTrial(shuffled, o)
	o.Margin *= 8
	times8 := AnalyseTrial(scaled, o)
	for _, e := range first.Effects {
		for factor, r := range map[float64]Trial{1: permuted, 8: times8} {
			i := slices.IndexFunc(r.Effects, func(f TrialEffect) bool { return f.Kind == e.Kind && f.Words[0] == e.Words[0] })
			require.InDelta(t, factor*e.Value, r.Effects[i].Value, 1e-6)
			require.InDelta(t, factor*e.Lo, r.Effects[i].Lo, 1e-5)
			require.InDelta(t, e.P, r.Effects[i].P, 1e-5)
			require.Equal(t, e.Verdict, r.Effects[i].Verdict)
		}
	}
}

// The design of five factors has no arm "nothing": the pair that is run beside it is not averaged.
func TestTrialOfAFractionWithoutNothing(t *testing.T) {
	arms := trialArms(t, Factorial, 5)
	for _, on := range arms {
		require.Contains(t, on, true)
	}
	effects := []float64{-1, .5, 0, -.25, 1}
	grows := func(w Word) float64 {
		v := 3.
		for f, e := range effects {
			if w.Has(f) {
				v += e
			}
		}
		return v
	}
	blocks := trialOf(append([][]bool{make([]bool, 5)}, arms...), 2, 4, grows)
	r := AnalyseTrial(blocks, TrialOptions{Scheme: Factorial})
	for f, want := range effects {
		e, ok := r.Effect(MainEffect, f)
		require.True(t, ok)
		require.InDelta(t, want, e.Value, 1e-6)
	}
	require.Empty(t, r.Notes)
	require.Equal(t, 10, len(r.Effects)-5-5-1, "an interaction for each pair, besides main, solo and all")
}

// With one replicate of a factorial there is no more than a block for an arm: the factors are taken to add up.
func TestTrialWithOneReplicate(t *testing.T) {
	r := AnalyseTrial(noisy(trialOf(trialArms(t, Factorial, 3), 1, 8, redundant), .05), TrialOptions{Scheme: Factorial})
	require.Len(t, r.Effects, 3)
	require.Contains(t, r.Notes[0], "add up")
	for f, want := range []float64{-.5, -.5, .5} {
		require.LessOrEqual(t, r.Effects[f].Lo, want)
		require.GreaterOrEqual(t, r.Effects[f].Hi, want)
	}
	require.Greater(t, r.Sigma, .1, "that A and B do not add up is noise")
}

func TestTrialRatio(t *testing.T) {
	blocks := trialOf(trialArms(t, OneByOne, 2), 3, 4, func(Word) float64 { return 0 })
	r := rand.New(rand.NewPCG(1, 2))
	for i, b := range blocks {
		for j := range b.Values {
			b.Values[j] = 100 * math.Exp(.02*r.NormFloat64())
			if b.word() == 1 {
				blocks[i].Values[j] *= 1.5
			}
		}
	}
	a := AnalyseTrial(blocks, TrialOptions{Of: Ratio, Margin: 1.1})
	require.InDelta(t, 1.5, a.Effects[0].Value, .05)
	require.Equal(t, Harms, a.Effects[0].Verdict)
	require.InDelta(t, 1, a.Effects[1].Value, .05)
	require.Equal(t, NoEffect, a.Effects[1].Verdict)
	require.InDelta(t, 100, a.Arms[0].Value, 3)
	require.Greater(t, a.SmallestVisible, 1.)
	require.Less(t, a.SmallestVisible, 1.2)
}

// A margin may be a part of what happens without any factor.
func TestTrialShare(t *testing.T) {
	blocks := noisy(trialOf(trialArms(t, OneByOne, 2), 3, 5, func(Word) float64 { return 4 }), .2)
	require.Equal(t, CannotTell, AnalyseTrial(blocks, TrialOptions{Margin: .01}).Effects[0].Verdict)
	r := AnalyseTrial(blocks, TrialOptions{Margin: .01, Share: .25})
	require.Equal(t, NoEffect, r.Effects[0].Verdict)
	require.InDelta(t, 1, r.Margin, .05)
}

func TestTrialSaysHowManyMoreBlocks(t *testing.T) {
	blocks := noisy(trialOf(trialArms(t, OneByOne, 1), 2, 4, func(w Word) float64 { return 2 - .15*float64(w) }), .25)
	r := AnalyseTrial(blocks, TrialOptions{Margin: .1})
	require.Equal(t, CannotTell, r.Effects[0].Verdict)
	require.Positive(t, r.Effects[0].MoreBlocks)
	require.Greater(t, r.SmallestVisible, .15)
}

func TestTrialSeesTheSameDiffer(t *testing.T) {
	blocks := noisy(trialOf(trialArms(t, OneByOne, 1), 4, 6, func(Word) float64 { return 1 }), .1)
	for _, b := range blocks {
		for i := range b.Values {
			if b.Again {
				b.Values[i] += float64(i)
			}
		}
	}
	r := AnalyseTrial(blocks, TrialOptions{})
	require.True(t, r.Differs)
	require.InDelta(t, 1, r.AA.Value, .1)
	require.Contains(t, r.Notes[0], "differ")
}
