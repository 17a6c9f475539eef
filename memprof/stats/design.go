package stats

import (
	"cmp"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
)

// MaxFactors is the largest number of factors for which there is a [Design].
const MaxFactors = 8

// Word is a product of factors: bit 0 is factor A, bit 1 factor B, and so on. Multiplying words
// is their exclusive or; 0 is the identity.
type Word uint32

// String writes the word with its letters: "ABCE"; the identity is "I".
func (w Word) String() string {
	if w == 0 {
		return "I"
	}
	var letters []byte
	for f := range 32 {
		if w.Has(f) {
			letters = append(letters, wordLetter(f))
		}
	}
	return string(letters)
}

// wordLetter is A to Z and then a to f.
func wordLetter(f int) byte {
	if f < 26 {
		return byte('A' + f)
	}
	return byte('a' + f - 26)
}

// Len is the number of factors in the word.
func (w Word) Len() int { return bits.OnesCount32(uint32(w)) }

// Has says whether factor f (0 is A) is in the word.
func (w Word) Has(f int) bool { return w>>f&1 == 1 }

// Design is a two-level factorial design, whole or fractional: which factors are on in which run.
type Design struct {
	// Factors is their number, 1 to MaxFactors.
	Factors int
	// Base is the number of factors that are varied freely: the design has 1<<Base arms.
	Base int
	// Generators say how each further factor follows from the base factors: D = ABC is the
	// word ABC. There are Factors-Base of them.
	Generators []Word
	// Replicates is how often all arms are run at least, each time in random order, for an
	// effect of each factor on growth.
	Replicates int
}

// designs are the fractions of least aberration with at most 16 arms.
//
// Source: G. E. P. Box, J. S. Hunter, W. G. Hunter, Statistics for Experimenters, table of
// two-level fractional factorial designs.
var designs = [MaxFactors + 1]Design{
	1: {Factors: 1, Base: 1, Replicates: 4},
	2: {Factors: 2, Base: 2, Replicates: 3},
	3: {Factors: 3, Base: 3, Replicates: 2},
	4: {Factors: 4, Base: 3, Replicates: 2, Generators: []Word{0b0111}},                         // D=ABC
	5: {Factors: 5, Base: 4, Replicates: 2, Generators: []Word{0b1111}},                         // E=ABCD
	6: {Factors: 6, Base: 4, Replicates: 2, Generators: []Word{0b0111, 0b1110}},                 // E=ABC F=BCD
	7: {Factors: 7, Base: 4, Replicates: 2, Generators: []Word{0b0111, 0b1110, 0b1101}},         // and G=ACD
	8: {Factors: 8, Base: 4, Replicates: 2, Generators: []Word{0b1110, 0b1101, 0b0111, 0b1011}}, // E=BCD F=ACD G=ABC H=ABD
}

// FactorialDesign returns the design for a number of factors. More than MaxFactors, or fewer
// than one, is an error.
func FactorialDesign(factors int) (Design, error) {
	if factors < 1 || factors > MaxFactors {
		return Design{}, fmt.Errorf("a design has 1 to %d factors, not %d", MaxFactors, factors)
	}
	d := designs[factors]
	d.Generators = slices.Clone(d.Generators)
	return d, nil
}

// FullFactorial returns the design with all 1<<factors arms, which aliases nothing: for the few
// factors that are left at the end. More than MaxFactors, or fewer than one, is an error.
func FullFactorial(factors int) (Design, error) {
	d, err := FactorialDesign(factors)
	d.Base, d.Generators = d.Factors, nil
	return d, err
}

// Arms returns the design in standard order: arms[i][f] says whether factor f is on in arm i. The
// first arm's base factors are all off; A changes fastest.
func (d Design) Arms() [][]bool {
	arms := make([][]bool, 1<<d.Base)
	for i := range arms {
		arms[i] = make([]bool, d.Factors)
		for f := range d.Base {
			arms[i][f] = Word(i).Has(f)
		}
		for g, word := range d.Generators {
			// A product of +1 and -1 is + where the number of - is even.
			off := word.Len() - (word & Word(i)).Len()
			arms[i][d.Base+g] = off%2 == 0
		}
	}
	return arms
}

// Schedule returns, for each replicate, the arms (indices into Arms) in the order in which to run
// them: at random within each replicate, which is a block. With one factor the replicates come in
// pairs of opposite order (ABBA or BAAB), which takes out a drift of the machine.
func (d Design) Schedule(replicates int, r *rand.Rand) [][]int {
	blocks := make([][]int, 0, max(replicates, 0))
	for b := range replicates {
		if d.Factors == 1 && b%2 == 1 {
			mirror := slices.Clone(blocks[b-1])
			slices.Reverse(mirror)
			blocks = append(blocks, mirror)
			continue
		}
		blocks = append(blocks, r.Perm(1<<d.Base))
	}
	return blocks
}

// Relation returns the defining relation without the identity: the words whose columns are
// constant, shortest first. It is empty for a whole factorial.
func (d Design) Relation() []Word {
	words := []Word{0}
	for g, word := range d.Generators {
		generator := word | 1<<(d.Base+g)
		for _, w := range slices.Clone(words) {
			words = append(words, w^generator)
		}
	}
	words = words[1:]
	designSort(words)
	return words
}

// WordLengths returns the word-length pattern: at index i the number A_i of words of length i in
// the defining relation. Its length is Factors+1.
func (d Design) WordLengths() []int {
	pattern := make([]int, d.Factors+1)
	for _, w := range d.Relation() {
		pattern[w.Len()]++
	}
	return pattern
}

// Resolution is the length of the shortest word of the defining relation: at 4 a main effect is
// aliased with no interaction of two, at 5 nor are two such interactions with each other. It is 0
// for a whole factorial, where nothing is aliased.
func (d Design) Resolution() int {
	if words := d.Relation(); len(words) > 0 {
		return words[0].Len()
	}
	return 0
}

// Aliases returns the effects that the design cannot tell apart, for every main effect and
// interaction of two factors: each chain begins with its shortest word, and holds the words up to
// order factors. Chains of one word are not aliased within that order. The chain of the identity,
// the mean, is left out.
func (d Design) Aliases(order int) [][]Word {
	relation := d.Relation()
	seen := make(map[Word]bool)
	var chains [][]Word
	for _, effect := range designEffects(d.Factors) {
		if seen[effect] {
			continue
		}
		chain := []Word{effect}
		for _, w := range relation {
			if alias := effect ^ w; alias.Len() <= order {
				chain = append(chain, alias)
			}
		}
		designSort(chain)
		for _, w := range chain {
			seen[w] = true
		}
		chains = append(chains, chain)
	}
	return chains
}

// Column returns the contrast of an effect: +1 or -1 for each arm.
func (d Design) Column(effect Word) []float64 {
	arms := d.Arms()
	column := make([]float64, len(arms))
	for i, arm := range arms {
		column[i] = 1
		for f, on := range arm {
			if effect.Has(f) && !on {
				column[i] = -column[i]
			}
		}
	}
	return column
}

// designEffects returns the main effects and the interactions of two, in order.
func designEffects(factors int) []Word {
	var effects []Word
	for a := range factors {
		effects = append(effects, 1<<a)
		for b := range a {
			effects = append(effects, 1<<a|1<<b)
		}
	}
	designSort(effects)
	return effects
}

// designSort orders words by length and then by their letters.
func designSort(words []Word) {
	slices.SortFunc(words, func(a, b Word) int {
		if a.Len() != b.Len() {
			return a.Len() - b.Len()
		}
		return cmp.Compare(bits.Reverse32(uint32(b)), bits.Reverse32(uint32(a)))
	})
}
