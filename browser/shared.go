package browser

// Shared is the Chrome that runs share, which takes the next one; nil while none runs.
func (p *Pool) Shared() *Browser {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.main == nil || p.main.browser.Err() != nil {
		return nil
	}
	return p.main.browser
}
