package stats

import "math"

// Line is a straight line fitted to data.
type Line struct {
	Slope, Intercept float64
	SE               float64 // standard error of the slope
	Sigma            float64 // residual standard deviation
	DF               int     // residual degrees of freedom
}

// OLS fits y = Intercept + Slope x by ordinary least squares. Pairs with NaN are left out; with
// fewer than two different x, all is 0. Its standard error holds for independent noise only.
func OLS(x, y []float64) Line {
	line, _, _ := fitOLS(x, y)
	return line
}

// NeweyWest is [OLS] with a standard error that allows for autocorrelation up to maxLag: Bartlett
// weights and the correction n/(n-2) for small samples (Newey and West, Econometrica 55, 1987).
// Between neighbours in x no gap is assumed.
func NeweyWest(x, y []float64, maxLag int) Line {
	line, dx, residuals := fitOLS(x, y)
	if line.DF < 1 {
		return line
	}
	score := func(lag int) (sum float64) {
		for i := lag; i < len(dx); i++ {
			sum += dx[i] * residuals[i] * dx[i-lag] * residuals[i-lag]
		}
		return sum
	}
	var sxx float64
	for _, d := range dx {
		sxx += d * d
	}
	meat := score(0)
	for lag := 1; lag <= min(maxLag, len(dx)-1); lag++ {
		meat += 2 * (1 - float64(lag)/float64(maxLag+1)) * score(lag)
	}
	n := float64(len(dx))
	line.SE = math.Sqrt(max(meat, 0)*n/(n-2)) / sxx
	return line
}

// fitOLS returns the line, the centred x and the residuals.
func fitOLS(x, y []float64) (line Line, dx, residuals []float64) {
	var u, v []float64
	for i := range min(len(x), len(y)) {
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			u, v = append(u, x[i]), append(v, y[i])
		}
	}
	n := float64(len(u))
	var meanX, meanY, sxx, sxy, rss float64
	for i := range u {
		meanX += u[i] / n
		meanY += v[i] / n
	}
	dx, residuals = make([]float64, len(u)), make([]float64, len(u))
	for i := range u {
		dx[i] = u[i] - meanX
		sxx += dx[i] * dx[i]
		sxy += dx[i] * (v[i] - meanY)
	}
	if sxx == 0 {
		return Line{}, dx, residuals
	}
	line = Line{Slope: sxy / sxx, DF: len(u) - 2}
	line.Intercept = meanY - line.Slope*meanX
	for i := range u {
		residuals[i] = v[i] - meanY - line.Slope*dx[i]
		rss += residuals[i] * residuals[i]
	}
	if line.DF > 0 {
		line.Sigma = math.Sqrt(rss / float64(line.DF))
		line.SE = line.Sigma / math.Sqrt(sxx)
	}
	return line, dx, residuals
}
