package browser_test

import (
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser"
	"github.com/ebbworker/ebb/browser/browsertest"
)

// TestTheEndOfAChromeEndsNoOtherChild: a process that is to die with the thread that started it outlives a Chrome whose
// thread that has become.
func TestTheEndOfAChromeEndsNoOtherChild(t *testing.T) {
	for range 3 {
		other := exec.Command("sleep", "60")
		other.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		require.NoError(t, other.Start())
		b, err := browser.Launch(t.Context(), browsertest.LaunchOptions(t))
		require.NoError(t, err)
		require.NoError(t, b.Close(within(t, 20*time.Second)))
		time.Sleep(50 * time.Millisecond) // for a thread to end
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(other.Process.Pid, &status, syscall.WNOHANG, nil)
		require.NoError(t, err)
		require.Zero(t, pid, "the other child has ended: %v", status)
		require.NoError(t, other.Process.Kill())
		_ = other.Wait()
	}
}
