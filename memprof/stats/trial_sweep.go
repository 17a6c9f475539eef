package stats

// sweeper is a symmetric matrix whose columns are swept one after another: of the cross products of
// regressors and observations, the coefficients, their covariance and the residual sum of squares
// remain.
//
// Source: J. H. Goodnight, A Tutorial on the SWEEP Operator, The American Statistician 33 (1979).
type sweeper [][]float64

func newSweeper(n int) sweeper {
	m := make(sweeper, n)
	cells := make([]float64, n*n)
	for i := range m {
		m[i] = cells[i*n : (i+1)*n]
	}
	return m
}

// sweep sweeps column k, unless it depends on those swept before: size is what its diagonal was at first.
func (m sweeper) sweep(k int, size float64) bool {
	d := m[k][k]
	if !(d > 1e-9*size) {
		return false
	}
	for i := range m {
		if i == k {
			continue
		}
		b := m[i][k] / d
		if b == 0 {
			continue
		}
		for j := range m {
			if j != k {
				m[i][j] -= b * m[k][j]
			}
		}
		m[i][k] = -b
	}
	for j := range m {
		if j != k {
			m[k][j] /= d
		}
	}
	m[k][k] = 1 / d
	return true
}
