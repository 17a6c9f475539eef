package stats

import "math"

// shapeRhos is the grid of the autocorrelation for the comparison of shapes, with equal weights.
var shapeRhos = Midpoints(-.4, .95, 9)

// shapes is what the comparison of the families finds.
type shapes struct {
	posterior [families]float64
	likeliest [families]outcome // of each family, its likeliest curve
	end       Posterior         // of the growth per cycle at the end, over all families
	sigma     float64           // posterior mean
	rho       float64           // posterior mean
	evidence  float64           // logarithm of the likelihood of the series, up to a constant
}

// outcome is a fitted curve.
type outcome struct {
	model model
	coef  float64 // of the growth column, or of the other one without growth
	logML float64
}

// candidate is one curve at one autocorrelation.
type candidate struct {
	model *model
	e     estimate
	kept  float64 // P(coefficient > 0) without the sign rule
	rho   float64
}

// shapes compares the families, with equal prior probabilities, by their likelihoods averaged over
// their curves and over the autocorrelation. A coefficient of growth is positive; every coefficient but
// the level has a normal prior, and pays for what it could have explained.
func (p problem) shapes(b *bank) shapes {
	df := len(p.times) - 1
	t := newStudent(df)
	var found []candidate
	var weights logWeights
	columns := make([]column, len(b.columns))
	buffer := make([]float64, len(b.columns)*(len(p.times)+1))
	for _, rho := range shapeRhos {
		s := p.space(rho)
		for i, x := range b.columns {
			columns[i] = s.projectInto(buffer[i*s.rows:(i+1)*s.rows], x, p.precision())
		}
		for i := range b.models {
			c := s.try(&b.models[i], columns, df, p.floor, t)
			c.rho = rho
			found = append(found, c)
			weights.add(c.e.logML + math.Log(c.model.prior))
		}
	}
	return p.weigh(found, weights, t)
}

// try fits one model; with growth, the likelihood is that of a positive coefficient.
func (s *space) try(m *model, columns []column, df int, floor float64, t student) candidate {
	var growth, other *column
	if m.growth >= 0 {
		growth = &columns[m.growth]
	}
	if m.other >= 0 {
		other = &columns[m.other]
	}
	c := candidate{model: m, e: s.fit(df, floor, growth, other), kept: 1}
	if growth != nil && !math.IsInf(c.e.logML, 0) {
		c.kept = t.above(-c.e.coef / positive(c.e.se))
		c.e.logML += math.Log(2 * c.kept)
	}
	return c
}

func (p problem) weigh(found []candidate, weights logWeights, t student) shapes {
	out := shapes{end: Posterior{t: t}}
	for f := range out.likeliest {
		out.likeliest[f].logML = math.Inf(-1)
	}
	for i, w := range weights.normalized() {
		c := found[i]
		m := *c.model
		out.posterior[m.family] += w
		out.sigma += w * c.e.sigma
		out.rho += w * c.rho
		if best := &out.likeliest[m.family]; weights[i] > best.logML {
			*best = outcome{model: m, coef: c.e.coef, logML: weights[i]}
		}
		switch {
		case m.growth < 0 || m.slope <= 0:
			out.end.atom += w
		case w > 1e-9:
			out.end.parts = append(out.end.parts, part{
				weight: w, loc: c.e.coef * m.slope, scale: positive(c.e.se * m.slope), positive: true, kept: c.kept,
			})
		}
	}
	out.end.normalize()
	out.evidence = weights.logSum()
	return out
}

// logSum returns the logarithm of the sum of the likelihoods.
func (l logWeights) logSum() float64 {
	largest := math.Inf(-1)
	for _, v := range l {
		largest = max(largest, v)
	}
	if math.IsInf(largest, 0) {
		return largest
	}
	var sum float64
	for _, v := range l {
		sum += math.Exp(v - largest)
	}
	return largest + math.Log(sum)
}
