package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatASelftestPromises(t *testing.T) {
	all := score{Leaks: 30, Found: 30, Causes: 28, Rates: 28, Clean: 30}
	require.True(t, all.good(), "28 of 30")
	for name, spoil := range map[string]func(*score){
		"a leak is missed":              func(s *score) { s.Found-- },
		"a clean page is accused":       func(s *score) { s.Accused++ },
		"a wrong cause is certain":      func(s *score) { s.WrongCertain++ },
		"a page could not be diagnosed": func(s *score) { s.Failed++ },
		"27 of 30 causes":               func(s *score) { s.Causes-- },
		"27 of 30 rates":                func(s *score) { s.Rates-- },
	} {
		s := all
		spoil(&s)
		require.False(t, s.good(), name)
	}
	few := score{Leaks: 6, Found: 6, Causes: 5, Rates: 4}
	require.True(t, few.good(), "a share of few pages says nothing")
}
