package stats

import "math"

// AnytimeRadius returns the |t| beyond which a coefficient of a linear model is significant at
// alpha however often one looks while observations come in: n of them so far, for p coefficients
// with the intercept. The interval estimate +- radius x standard error covers at all n at once
// with probability 1-alpha. g > 0 is the precision of the prior on effect/sigma (the phi of
// [AnytimeLogE], for a regressor of variance 1): 1/g is the squared size of an effect worth finding.
// It is +Inf while n is too small for any t to be significant.
//
// Errors must be independent and normal: for per-cycle series, which are not, see [Monitor].
//
// Source: M. Lindon, D. W. Ham, M. Tingley, I. Bojinov, Anytime-Valid Linear Models and Regression
// Adjusted Causal Inference in Randomized Experiments, arXiv 2210.08589.
func AnytimeRadius(g float64, n, p int, alpha float64) float64 {
	nu := float64(n - p)
	if nu <= 0 || g <= 0 || alpha <= 0 || alpha >= 1 {
		return math.Inf(1)
	}
	r := g / (g + float64(n))
	root := math.Exp(math.Log(r*alpha*alpha) / (nu + 1))
	if root <= r {
		return math.Inf(1)
	}
	return math.Sqrt(nu * (1 - root) / (root - r))
}

// AnytimeLogE returns the natural logarithm of the e-value against "the coefficient is 0": t2 is
// the squared t statistic, nu > 0 the residual degrees of freedom, phi the precision of the normal
// prior on coefficient/sigma (1/phi is the squared size of an effect worth finding), z2 the squared
// ratio of residual standard deviation to the coefficient's standard error. The probability that
// the e-value ever exceeds 1/alpha is at most alpha if the coefficient is 0.
//
// Source: as for [AnytimeRadius].
func AnytimeLogE(t2, nu, phi, z2 float64) float64 {
	r := phi / (phi + z2)
	return .5*math.Log(r) + .5*(nu+1)*(math.Log1p(t2/nu)-math.Log1p(r*t2/nu))
}
