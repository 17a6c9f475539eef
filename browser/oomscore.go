package browser

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

const (
	// mainScore is how much sooner than this program the kernel shall take Chrome's main process
	// where memory ends, in thousandths of all memory.
	mainScore = 100
	// rendererScore is what Chrome itself gives its renderers, which shall go first of all.
	rendererScore = 300
)

// offer makes the kernel take Chrome's main process before this program where memory ends, and
// after Chrome's renderers. Anybody may raise the score of a process of the same account, and a
// worker that is root that of any; only root could lower its own. Where the worker's own score is
// so high that Chrome's renderers are no longer above it, nothing is changed.
func (b *Browser) offer() error {
	own, err := oomScore("self")
	if err != nil {
		return err
	}
	score := own + mainScore
	if score >= rendererScore {
		return fmt.Errorf("raise the kernel's score of Chrome: this program's own is %d, and Chrome's renderers have %d", own, rendererScore)
	}
	name := strconv.Itoa(b.PID())
	if now, err := oomScore(name); err == nil && now >= score {
		return nil
	}
	if err := os.WriteFile("/proc/"+name+"/oom_score_adj", []byte(strconv.Itoa(score)), 0); err != nil {
		return fmt.Errorf("raise the kernel's score of Chrome: %w", err)
	}
	return nil
}

// oomScore reads the adjustment of a process, "self" for this one.
func oomScore(pid string) (int, error) {
	text, err := os.ReadFile("/proc/" + pid + "/oom_score_adj")
	if err != nil {
		return 0, fmt.Errorf("read the kernel's score of a process: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
