//go:build studies

package browser_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ebbworker/ebb/browser/browsertest"
)

// What a page has said, and chromedp has not read yet, is between them when the steps
// end; it then holds up neither this tab nor another.
func TestStepsEndAmidWhatAPageSays(t *testing.T) {
	url := buttonServer(t)
	p := browsertest.Pool(t, 2)
	ctx := within(t, time.Minute)
	loud, quiet := visit(t, ctx, p, url), visit(t, ctx, p, url)
	defer release(t, ctx, loud)
	defer release(t, ctx, quiet)
	for range 5 {
		require.NoError(t, quiet.Click(ctx, "#go"))
		require.NoError(t, loud.Click(ctx, "#go"))
		_, err := loud.EvaluateMain(ctx, `(() => { for (let i = 0; i < 10000; i++) { console.log(i); document.body.dataset.i = i } })()`)
		require.NoError(t, err)
		begun := time.Now()
		detach(t, ctx, loud)
		require.Less(t, time.Since(begun), 4*time.Second, "the end of the steps waits for nobody to read")
		require.NoError(t, quiet.Click(ctx, "#go"))
		detach(t, ctx, quiet)
	}
}
