package hostile

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryPageIsServed(t *testing.T) {
	s := New()
	web := httptest.NewServer(s.Handler())
	defer web.Close()
	client := &http.Client{
		Timeout:       10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{DisableKeepAlives: true},
	}
	names := map[string]bool{}
	for _, p := range Pages() {
		require.False(t, names[p.Name], p.Name)
		names[p.Name] = true
		require.NotEmpty(t, p.Does)
		served, begun := 0, 0
		s.OnServed(p.Name, func() { served++ })
		s.OnBegun(p.Name, func() { begun++ })
		for _, path := range []string{"/", "/item/1", "/bad", "/bad"} {
			res, err := client.Get(web.URL + "/" + p.Name + path)
			require.NoError(t, err)
			require.NoError(t, res.Body.Close())
			require.Less(t, res.StatusCode, 400, p.Name+path)
		}
		res, err := client.Get(web.URL + "/" + p.Name + "/begun")
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, []int{1, 1, 2}, []int{served, begun, s.Asked("/" + p.Name + "/bad")}, "%s: once", p.Name)
		wanted := Items + 1
		if p.Class == "" {
			wanted++
		}
		require.Len(t, p.Names(), wanted)
	}
	res, err := client.Get(web.URL + "/unknown/bad")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNotFound, res.StatusCode)
}
